import HostErrors
import PluginHost
import PluginProtocol
import Threads

/// What shows before there is an actor.
extension Check {
    static let loading: [Check] = [
        Check(
            "changes-between-loads",
            "the file describes the same backend each time it is loaded",
            mend: "a descriptor is data: nothing in it may depend on when or how often the file is loaded"
        ) { trial in
            let stage = trial.stage
            for _ in 0..<3 {
                let again = try await onThread("check") { try ScriptBackend.descriptor(stage.entry, pool: stage.pool) }
                try expect(again.needs == stage.descriptor.needs, "needs differ from load to load")
                try expect(again.scopes == stage.descriptor.scopes, "scopes differ from load to load")
                try expect(again.verbs == stage.descriptor.verbs, "verbs differ from load to load")
                try expect(again.enforces == stage.descriptor.enforces, "enforces differs from load to load")
            }
        },
        Check(
            "unneeded-grant",
            "every function in needs is called somewhere",
            mend: "take it out of needs: an operator reads there what the script can do"
        ) { trial in
            let warnings = trial.stage.descriptor.warnings.filter { $0.hasPrefix("needs lists") }
            try expect(warnings.isEmpty, warnings.joined(separator: "; "))
        },
        Check(
            "missing-grant",
            "what it needs is granted here",
            mend: "say --grant KIND, as the operator of the service would"
        ) { trial in
            let actor = trial.actor()
            // What else is wrong with it other checks say.
            do throws(HostError) { try await actor.run() } catch  where error.reason == .notGranted {
                throw Finding(error.message)
            } catch { return }
        },
    ]
}
