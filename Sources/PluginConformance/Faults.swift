import ActorContract
import ActorLifecycle
import HostErrors
import PluginProtocol
import Threads

/// Every host call of every verb, gone wrong in every way that its row has.
struct Faults: Sendable {
    /// One fault at one call.
    struct Injection: Sendable {
        let call: Observer.Call
        var fault: Observer.Fault

        /// Such as `process.start → storage_full at backend.lua:19`.
        func words(_ trial: Trial) -> String {
            let kind =
                switch fault {
                case .status(let status): status.rawValue
                case .slow: "slow"
                case .kill: "supervisor killed"
                case .hold: "held"
                }
            return "\(call.function) → \(kind) at \(trial.place(call.line))"
        }
    }

    let stage: Stage

    /// The scope in which its actors are saved; nil: they are not.
    private var scope: SnapshotScope? {
        let scopes = stage.descriptor.scopes
        return scopes.contains("data") ? .data : scopes.contains("full") ? .full : nil
    }

    /// The optional verbs that are asked while an actor lives, and leave it as it is.
    private static let looks = ["exec", "stats", "recover"]
    /// The optional verbs that are about a slot, without an actor.
    private static let slotVerbs: [BackendVerb] = [.probe, .prepare]

    private func has(_ verb: String) -> Bool { stage.descriptor.verbs.contains(verb) }

    /// Asks one of them.
    private func look(_ verb: String, at actor: TestActor) async throws(HostError) {
        if verb == "stats" {
            _ = try await stage.host.statistics(actor.key)
        } else if verb == "recover" {
            let (backend, key) = (stage.backend, actor.key)
            _ = try await onThread("fault") { () throws(HostError) in try backend.recover(key) }
        } else {
            let done = try await actor.exec(["/bin/sh", "-c", "exit 5"])
            if done.code != 5 { throw HostError(.internal, nil, "its program ended with \(done.code) and not with 5") }
        }
    }

    /// The actor whose life is recorded, and then spoilt.
    private func actor(_ trial: Trial) -> TestActor {
        trial.actor("a", [Probe.container("web"), Probe.container("side")])
    }

    /// The calls of each verb in a life without faults.
    func record() async throws -> [Observer.Call] {
        let trial = Trial(stage, name: "recorded")
        let actor = actor(trial)
        do { try await live(actor) } catch {
            _ = await trial.finish()
            throw error
        }
        var calls = stage.observer.calls(actor.key)
        _ = await trial.finish()
        for verb in Self.slotVerbs where has(verb.rawValue) {
            let slot = SlotFault.recorded(verb)
            _ = try await SlotFault.ask(verb, slot, stage)
            // A probe is asked twice, to compare: the first time counts.
            var seen: Set<Int> = []
            calls += stage.observer.calls(ObservedBackend.key(ofSlot: slot)).filter { seen.insert($0.number).inserted }
        }
        return calls
    }

    /// A whole life without faults; apart, since the optimizer of Swift 6.3.1 fails over it within `record`.
    @inline(never)
    private func live(_ actor: TestActor) async throws {
        try await actor.begin()
        for verb in Self.looks where has(verb) { try await look(verb, at: actor) }
        if let scope {
            try await actor.checkpoint(scope: scope)
            try await actor.restore(scope: scope)
        }
        try await actor.stop()
    }

    /// The time of a verb in which a call is slow.
    private static let shortMilliseconds: Int64 = 700

    /// Every way in which a call may go wrong, but for the kill.
    static func injections(_ calls: [Observer.Call]) -> [Injection] {
        calls.flatMap { call -> [Injection] in
            let statuses = HostFunction.named(call.function)?.statuses.filter { $0 != .ok } ?? []
            return statuses.map { Injection(call: call, fault: .status($0)) } + [
                Injection(call: call, fault: .slow(within: Self.shortMilliseconds))
            ]
        }
    }

    /// What became of one fault.
    enum Outcome: Sendable {
        case passed
        /// As the name and the words of a failed check.
        case failed(ConformanceReport.Failure)
        /// The call did not come again: a script that waits calls as often as it must.
        case unmet

        var failure: ConformanceReport.Failure? { if case .failed(let failure) = self { failure } else { nil } }
        var isUnmet: Bool { if case .unmet = self { true } else { false } }
    }

    /// The call in which the fault was to be did not come.
    struct Unmet: Error {}

    /// Lives a life with one fault in it; several, until the call comes.
    func perform(_ injection: Injection, number: Int) async -> Outcome {
        var injection = injection
        for turn in 1...4 {
            let outcome = await attempt(injection, name: turn == 1 ? "\(number)" : "\(number)-\(turn)")
            if !outcome.isUnmet { return outcome }
            // On a machine that is busy the verb may be over before it comes to its slow call.
            if case .slow(let milliseconds) = injection.fault { injection.fault = .slow(within: 3 * milliseconds) }
        }
        return .unmet
    }

    private func attempt(_ injection: Injection, name: String) async -> Outcome {
        let trial = Trial(stage, name: "fault-\(name)")
        var failure: ConformanceReport.Failure?
        var isUnmet = false
        do {
            if let verb = BackendVerb(rawValue: injection.call.verb), verb.takesSlot {
                try await SlotFault(stage: stage, injection: injection, verb: verb).perform(name, trial)
            } else {
                try await live(injection, trial)
            }
        } catch let error as Named {
            failure = error.failure(injection, trial)
        } catch is Unmet {
            isUnmet = true
        } catch {
            let named = Named("next-verb-fails", "\(error)")
            failure = named.failure(injection, trial)
        }
        let left = await trial.finish()
        if let first = left.first, failure == nil {
            failure = Named("leaks", "\(injection.words(trial)): \(first) is left: a bug of the host").failure(
                injection,
                trial
            )
        }
        return failure.map { .failed($0) } ?? (isUnmet ? .unmet : .passed)
    }

    struct Named: Error {
        let name: String
        let text: String
        /// What the verb said, where that is not in the text; empty where it is, or nothing was said.
        let said: String

        init(_ name: String, _ text: String, said: String = "") {
            self.name = name
            self.text = text
            self.said = said
        }

        func failure(_ injection: Injection, _ trial: Trial) -> ConformanceReport.Failure {
            ConformanceReport.Failure(
                name: name,
                text: text,
                line: injection.call.line,
                mend: name == "swallowed-fault" || name == "trap-on-fault"
                    ? "\(trial.place(injection.call.line)) drops the status: try(host.\(injection.call.function) …)"
                    : said.isEmpty ? "" : "hand the status on, as try does; it said: \(said)"
            )
        }
    }

    private func live(_ injection: Injection, _ trial: Trial) async throws {
        let actor = actor(trial)
        let verb = injection.call.verb
        if verb != "run" { try await actor.begin() }
        let scope = scope ?? .data
        if verb == "restore" { try await actor.checkpoint(scope: scope) }
        // What the volumes hold when the verb begins: a snapshot's for a restore, nothing for a run.
        let before = actor.starts
        stage.observer.arm(actor.key, injection.call, injection.fault)
        switch verb {
        case "run": try? await actor.run()
        case "restore": try? await actor.restore(scope: scope)
        case "checkpoint": try? await actor.checkpoint(scope: scope)
        case "exec", "stats", "recover": try? await look(verb, at: actor)
        default: try? await actor.stop()
        }
        guard stage.observer.disarm(actor.key) else { throw Unmet() }
        guard let ending = actor.ending(verb) else {
            throw Named("next-verb-fails", "the script's \(verb) was not asked")
        }
        try await judge(ending, injection, actor, before, trial)
        if actor.status != .ready {
            let left = await actor.leftovers(removed: false)
            if let first = left.first {
                throw Named("leaks", "\(injection.words(trial)): after \(verb) \(first) is left: a bug of the host")
            }
        }
        try await next(verb, actor, before, trial, injection)
    }

    private func judge(
        _ ending: ObservedBackend.Ending,
        _ injection: Injection,
        _ actor: TestActor,
        _ before: [String: Int],
        _ trial: Trial
    ) async throws {
        let verb = injection.call.verb
        let words = injection.words(trial)
        switch (ending.outcome, injection.fault) {
        case (.success, _):
            // Going on is right when what the verb is for has come about all the same.
            var missing: [String] = []
            if verb == "run" || verb == "restore" {
                try? await actor.started(since: before, milliseconds: 1500)
                missing = actor.missing(since: before).map { "\"\($0)\" never started" }
            } else if !Self.looks.contains(verb) {
                missing = ending.alive.map { "\"\($0)\" lives" }
            }
            if !missing.isEmpty {
                throw Named(
                    "swallowed-fault",
                    "\(words), yet \(verb) answered \"ok\": \(missing.joined(separator: ", "))"
                )
            }
        case (.failure(let error), .kill):
            // Of these two the second call is what counts; the others are called again from an empty slot, below.
            guard verb == "stop" || verb == "checkpoint" else { return }
            guard case .success? = actor.endingAgain(verb)?.outcome else {
                let again = actor.endingAgain(verb).map { ending -> String in
                    if case .failure(let error) = ending.outcome { error.message } else { "ok" }
                }
                throw Named(
                    "not-idempotent-\(verb)",
                    "\(words) (\(error.message)); called again: \(again ?? "not at all")"
                )
            }
        case (.failure(let error), _): try injection.judge(error, trial)
        }
    }

    /// The verb after the fault is as if nothing had been.
    private func next(
        _ verb: String,
        _ actor: TestActor,
        _ before: [String: Int],
        _ trial: Trial,
        _ injection: Injection
    ) async throws {
        do {
            let isReady = actor.status == .ready
            switch verb {
            case "restore":
                if !isReady {
                    try await actor.restore(scope: scope ?? .data)
                    try await actor.started(since: before)
                }
            case "checkpoint":
                if isReady {
                    try await actor.checkpoint("second", scope: scope ?? .data)
                } else {
                    try await actor.begin()
                }
            case "exec", "stats", "recover":
                guard isReady else { throw Finding("the actor is \(actor.statusText)") }
                try await look(verb, at: actor)
            case "stop":
                try await actor.start()
                try await actor.started(since: before)
            default: if !isReady { try await actor.begin() }
            }
        } catch {
            let text = (error as? Finding)?.text ?? "\((error as? HostError)?.message ?? "\(error)")"
            throw Named("next-verb-fails", "\(injection.words(trial)); the verb after it: \(text)")
        }
    }
}
