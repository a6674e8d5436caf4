import ActorContract
import HostErrors
import PluginProtocol

/// Restore: what was saved and nothing else, wherever it wakes.
extension Check {
    static let restores: [Check] = [
        Check(
            "wrong-scope",
            "restore(data) on another slot finds the volumes and nothing else",
            needs: [.scope("data"), .lacks("full")]
        ) { trial in try await dataAlone(trial) },
        Check(
            "wrong-scope",
            "restore(full) goes on in memory, and restore(data) finds the volumes and nothing else",
            needs: [.scope("full")],
            mend: "declare in scopes what checkpoint really saves"
        ) { trial in
            if trial.stage.descriptor.scopes.contains("data") { try await dataAlone(trial) }
            let actor = trial.actor("full")
            try await actor.begin()
            let starts = actor.starts
            do throws(HostError) { try await actor.checkpoint(scope: .full) } catch {
                // Declared, and taken away by its probe on this machine: then nothing has happened.
                guard error.reason == .scopeUnsupported else { throw error }
                _ = try await actor.shell("echo awake")
                return try expect(actor.starts == starts, "a refused checkpoint(full) began \"web\" anew")
            }
            try await trial.moved(actor, to: "slot-2-full").restore(scope: .full)
            _ = try await actor.shell("echo awake")
            try expect(
                actor.starts == starts,
                // A program that goes on does not say once more that it starts.
                "restore(full) on slot-2: \"web\" began anew; a full restore goes on where the program was"
            )
        },
        Check(
            "restore-forgets-a-container",
            "restore(data) starts every container of the actor",
            needs: [.scope("data")]
        ) { trial in
            let actor = trial.actor("a", [Probe.container("web"), Probe.container("side"), Probe.container("third")])
            try await actor.begin()
            try await actor.checkpoint()
            let before = actor.starts
            try await actor.restore()
            try await actor.started(since: before)
        },
        Check(
            "restore-spoils-the-snapshot",
            "a snapshot restores twice, each time as it was saved",
            needs: [.scope("data")]
        ) { trial in
            let actor = trial.actor()
            try await actor.begin()
            _ = try await actor.shell("echo first > /data/file")
            try await actor.checkpoint()
            for _ in 0..<2 {
                try await actor.restore()
                let text = try await actor.shell(
                    "cat /data/file; echo later > /data/file; echo x > /data/more; ls /data/more"
                )
                try expect(text.hasPrefix("first\n"), "the volume reads \"\(text)\"")
                try await actor.stop()
            }
        },
        Check("repeat-restores-again", "a repeated Restore does nothing", needs: [.scope("data")]) { trial in
            let actor = trial.actor()
            try await actor.begin()
            try await actor.checkpoint()
            try await actor.restore()
            let calls = actor.calls("restore").count
            try await actor.restore()
            try expect(actor.calls("restore").count == calls, "the script was asked again")
        },
        Check(
            "environment-lost-on-restore",
            "after restore(data) a program has the environment and the identity of the restore's request",
            needs: [.scope("data")]
        ) { trial in
            var actor = trial.actor()
            actor.request.spec.containers[0].environment = [EnvironmentEntry(name: "WHEN", value: "run")]
            try await actor.begin()
            try await actor.checkpoint()
            actor.request.spec.containers[0].environment = [EnvironmentEntry(name: "WHEN", value: "restore")]
            try await actor.restore()
            let text = try await actor.shell("echo $WHEN; cat /run/ate/actor-id")
            try expect(text == "restore\n\(actor.key.name)", "the program sees \"\(text)\"")
        },
        Check(
            "restored-not-stoppable",
            "an actor that was restored stops, and is checkpointed again",
            needs: [.scope("data")],
            mend: "restore leaves what run leaves: the same programs, the same names, the same state"
        ) { trial in
            let actor = trial.actor("a", [Probe.container("web"), Probe.container("side")])
            try await actor.begin()
            try await actor.checkpoint("first")
            try await actor.restore("first")
            do throws(HostError) { try await actor.checkpoint("second") } catch {
                throw Finding("checkpoint answered: \(error.message)")
            }
            try await actor.restore("second")
            try await actor.stop()
            let ending = try ended(actor, "stop")
            try trial.expectNobody(ending, of: actor)
        },
        Check(
            "state-lost",
            "what run answers in state, restore answers too: later verbs find the same fields",
            needs: [.scope("data")],
            mend: "answer state from restore as from run: an actor that was restored has only that"
        ) { trial in
            let actor = trial.actor()
            try await actor.begin()
            let run = fields(try? ended(actor, "run").outcome.get().state)
            try await actor.checkpoint()
            try await actor.restore()
            let restore = fields(try? ended(actor, "restore").outcome.get().state)
            let missing = run.filter { !restore.contains($0) }
            try expect(
                missing.isEmpty,
                "run answers state.\(missing.joined(separator: ", state.")), restore does not: it is nil in every later verb"
            )
        },
    ]

    /// What authors must keep to themselves.
    static let words: [Check] = [
        Check(
            "secret-in-state",
            "no value of the environment is in state",
            mend: "state is journalled; the environment is given to run and restore anew"
        ) { trial in
            let (actor, secret) = try await secretive(trial)
            let state = (try? actor.ending("run")?.outcome.get().state) ?? nil
            try expect(!contains(state ?? [], secret), "run answered it in state, which the journal keeps")
        },
        Check("secret-in-journal", "no value of the environment is what an effect is about") { trial in
            let (actor, secret) = try await secretive(trial)
            let found = trial.stage.backend.journalled(actor.key).contains { $0.contains(secret) }
            try expect(!found, "a call named it as its target, which the journal keeps")
        },
        Check("secret-in-log", "the script prints no value of the environment") { trial in
            let (_, secret) = try await secretive(trial)
            try expect(!trial.stage.printed.all.contains { $0.contains(secret) }, "it was printed to the host's log")
        },
    ]

    private static func dataAlone(_ trial: Trial) async throws {
        let actor = trial.actor()
        try await actor.begin()
        _ = try await actor.shell("echo 41 > /data/count; mkdir -p /var; echo x > /var/scratch")
        try await actor.checkpoint()
        let before = actor.starts
        let again = trial.moved(actor, to: "slot-2")
        try await again.restore()
        try await again.started(since: before)
        let text = try await again.shell("cat /data/count; ls /var/scratch 2>/dev/null")
        try expect(text.hasPrefix("41\n"), "restore(data) on slot-2: the volume reads \"\(text)\"")
        try expect(
            text == "41\n",
            "restore(data) on slot-2: /var/scratch survived; a data restore finds the volumes and nothing else"
        )
    }

    private static func secretive(_ trial: Trial) async throws -> (TestActor, String) {
        let secret = "conformance-secret-\(UInt64.random(in: 0 ... .max))"
        var actor = trial.actor()
        actor.request.spec.containers[0].environment = [EnvironmentEntry(name: "TOKEN", value: secret)]
        try await actor.begin()
        return (actor, secret)
    }

    private static func fields(_ state: [UInt8]??) -> [String] {
        guard let bytes = state ?? nil, case .map(let pairs)? = try? ValueCodec.decode(bytes) else { return [] }
        return pairs.keys.sorted()
    }

    private static func contains(_ bytes: [UInt8], _ text: String) -> Bool {
        let wanted = Array(text.utf8)
        guard bytes.count >= wanted.count else { return false }
        return (0...bytes.count - wanted.count).contains { Array(bytes[$0..<$0 + wanted.count]) == wanted }
    }
}
