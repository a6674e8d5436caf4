import ActorContract
import ActorLifecycle
import HostErrors
import SystemLayer
import Threads

/// One fault in a verb about a slot: `probe` or `prepare`, each time in a slot of its own.
struct SlotFault: Sendable {
    let stage: Stage
    let injection: Faults.Injection
    let verb: BackendVerb

    /// The slot in which the verb goes well, once, to be compared with.
    static func recorded(_ verb: BackendVerb) -> String { "recorded-\(verb.rawValue)" }

    /// Asks the verb in a fresh slot; the slot is gone afterwards.
    static func ask(_ verb: BackendVerb, _ slot: String, _ stage: Stage) async throws(HostError) -> VerbAnswer {
        let files = stage.assets?.assets[Stage.architecture] ?? [:]
        let host = stage.host
        return try await onThread("fault") { () throws(HostError) in
            try host.tryOut(verb, slot: slot, assets: files)
        }
    }

    /// Asks with the fault in it, judges the answer, and asks again without.
    func perform(_ name: String, _ trial: Trial) async throws {
        let slot = "fault-\(name)"
        let key = ObservedBackend.key(ofSlot: slot)
        stage.observer.arm(key, injection.call, injection.fault)
        let result: Result<VerbAnswer, HostError>
        do throws(HostError) { result = .success(try await Self.ask(verb, slot, stage)) } catch {
            result = .failure(error)
        }
        guard stage.observer.disarm(key) else { throw Faults.Unmet() }
        let words = injection.words(trial)
        guard !stage.backend.endings(key).isEmpty else {
            throw Faults.Named("next-verb-fails", "the script's \(verb.rawValue) was not asked")
        }
        switch (result, injection.fault) {
        // A probe goes on by taking away what it could not try.
        case (.success(let answer), _): try compare(answer, words)
        case (.failure, .kill): break
        case (.failure(let error), _): try injection.judge(error, trial)
        }
        let left = stage.host.cgroupsLeft().first { $0.hasSuffix("/slot-\(slot)") }
        if let left { throw Faults.Named("leaks", "\(words): \(left) is left: a bug of the host") }
        do throws(HostError) { _ = try await Self.ask(verb, "\(slot)-next", stage) } catch {
            throw Faults.Named("next-verb-fails", "\(words); \(verb.rawValue) in the next slot: \(error.message)")
        }
    }

    /// A slot that is called warm has all that one has without a fault.
    private func compare(_ answer: VerbAnswer, _ words: String) throws {
        let plain = stage.backend.endings(ObservedBackend.key(ofSlot: Self.recorded(verb))).first
        guard case .success(let good)? = plain?.outcome else { return }
        let missing = Set(good.processes.map(\.name)).subtracting(answer.processes.map(\.name)).sorted()
        guard let first = missing.first else { return }
        throw Faults.Named(
            "swallowed-fault",
            "\(words), yet \(verb.rawValue) answered \"ok\": \"\(first)\" never started"
        )
    }
}
