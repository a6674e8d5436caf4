package import ActorContract
import Assets
package import HostErrors
import SystemLayer
import Telemetry
import Transfer

/// What a backend can do here: asked once for the same assets, tools, settings and revision, and journalled.
extension ActorHost {
    /// What the circumstances of a verb are, and what the backend found out about them.
    struct Probed: Sendable {
        /// Equal for equal assets, tools, settings, revision and answer.
        var stamp: String
        /// The answer; one that takes nothing away where the script has no `probe`.
        var answer: ProbeAnswer
        /// The assets of which it is the answer.
        var files: [String: SandboxAssets.File]
    }

    private static let probeMilliseconds: Int64 = 10_000

    /// Asks the backend what it can do with these assets, unless it was asked before; blocks.
    ///
    /// - Parameters:
    ///   - serving: the revision that is to serve.
    ///   - files: the request's assets.
    ///   - cancellation: ends the asking.
    /// - Returns: the answer, with the stamp of its circumstances.
    /// - Throws: what `perform` throws: nothing was journalled then, and the next verb asks again.
    func probe(
        _ serving: any ActorBackend,
        _ files: [String: SandboxAssets.File],
        cancellation: any VerbCancellation
    ) throws(HostError) -> Probed {
        let described = serving.description
        let files = files.filter { described.assets[$0.key] != nil }
        let named = files.sorted { $0.key < $1.key }.map { "asset \($0.key) \($0.value.sha256.lowercased())" }
        let key = SHA256.hex(of: [UInt8](([serving.circumstances()] + named).joined(separator: "\n").utf8))
        guard described.verbs.contains(BackendVerb.probe.rawValue) else {
            return Probed(stamp: key, answer: ProbeAnswer(), files: files)
        }
        let answer = try probing.run(key) { () throws(HostError) in
            if let kept = try journal.probe(key) {
                let age = Self.nowMilliseconds() - kept.made
                // A clock that was set back makes an answer look younger than it can be: that one is asked again, too.
                guard let valid = kept.answer.validMilliseconds else { return kept.answer }
                if age >= 0, age < valid { return kept.answer }
            }
            let answer = try ask(
                serving,
                try cached(files, for: described) { cancellation.isCancelled },
                cancellation
            )
            try journal.putProbe(key, answer, made: Self.nowMilliseconds())
            return answer
        }
        let without = answer.without.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }.joined(separator: "\n")
        let stamp = SHA256.hex(of: [UInt8](key.utf8) + answer.probed + [UInt8](without.utf8))
        return Probed(stamp: stamp, answer: answer, files: files)
    }

    /// What holds for a verb, as a phase of it; without a thread where the backend neither probes nor prepares.
    func probed(
        _ serving: any ActorBackend,
        _ files: [String: SandboxAssets.File],
        _ operation: Operation,
        _ clock: PhaseClock
    ) async throws(HostError) -> Probed {
        let verbs = serving.description.verbs
        let prepares = warm.size > 0 && verbs.contains(BackendVerb.prepare.rawValue)
        guard prepares || verbs.contains(BackendVerb.probe.rawValue) else {
            return Probed(stamp: "", answer: ProbeAnswer(), files: files)
        }
        return try await Offload.phase("probe", clock) { () throws(HostError) in
            try self.probe(serving, files, cancellation: operation)
        }
    }

    /// The most that can be kept of an actor here: full where its backend declares that and its probe found it.
    ///
    /// - Parameter record: the actor's.
    /// - Returns: full or data; the backend may still refuse it.
    /// - Throws: what asking the backend throws.
    package func widestScope(of record: ActorRecord) async throws(HostError) -> SnapshotScope {
        let serving = try revision(of: record)
        let scopes = serving.description.scopes
        guard scopes.contains(.full), scopes.contains(.data) else { return scopes.contains(.full) ? .full : .data }
        let probed = try await probed(serving, record.assets, Operation("probe"), PhaseClock())
        return probed.answer.without[SnapshotScope.full.rawValue] == nil ? .full : .data
    }

    /// Has those assets in the cache that a backend declares; blocks.
    ///
    /// What it does not know it cannot use: a request may hold the assets of several backends.
    /// - Parameters:
    ///   - files: by name.
    ///   - described: says which names it knows.
    ///   - isCancelled: whether nobody waits for them any more.
    /// - Returns: their paths, each verified.
    /// - Throws: what `AssetCache.ensure` throws.
    func cached(
        _ files: [String: SandboxAssets.File],
        for described: BackendDescription,
        isCancelled: @escaping @Sendable () -> Bool = { false }
    ) throws(HostError) -> [String: String] {
        try assets.ensure(
            files.filter { described.assets[$0.key] != nil }
                .map { WantedAsset(name: $0.key, url: $0.value.url, sha256: $0.value.sha256) },
            isCancelled: isCancelled
        )
    }

    /// One probe, in an empty slot of its own.
    private func ask(
        _ serving: any ActorBackend,
        _ assets: [String: String],
        _ cancellation: any VerbCancellation
    ) throws(HostError) -> ProbeAnswer {
        let slot = Self.freshSlotName()
        let log = VerbLog(journal: journal, slot: slot, verb: "probe")
        defer { try? removeSlot(slot) }
        try makeSlot(slot, for: serving.description, log: log)
        var request = VerbRequest()
        request.timeoutMilliseconds = Self.probeMilliseconds
        let answer = try serving.perform(
            .probe,
            actor: slotActor(slot, assets: assets, by: serving.description),
            request: request,
            log: log,
            cancellation: cancellation
        )
        logger.info(
            "backend was probed",
            [
                "plugin.name": serving.description.name,
                "without": (answer.probe?.without ?? [:]).keys.sorted().joined(separator: " "),
            ]
        )
        return answer.probe ?? ProbeAnswer()
    }

    /// One verb about a slot, in a slot of its own that is gone afterwards: for whoever tries a script; blocks.
    ///
    /// - Parameters:
    ///   - verb: `probe` or `prepare`.
    ///   - slot: a name that no slot of this host has or had.
    ///   - files: the assets that a request would bring.
    /// - Returns: the answer; what it kept is ended when this returns.
    /// - Throws: what `perform` throws.
    package func tryOut(
        _ verb: BackendVerb,
        slot: String,
        assets files: [String: SandboxAssets.File]
    ) throws(HostError) -> VerbAnswer {
        let serving = backend.newest()
        let operation = Operation(verb.rawValue)
        let log = VerbLog(journal: journal, slot: slot, verb: verb.rawValue)
        defer { try? removeSlot(slot) }
        let probed = verb == .prepare ? try probe(serving, files, cancellation: operation) : nil
        try makeSlot(slot, for: serving.description, log: log)
        var actor = slotActor(slot, assets: try cached(files, for: serving.description), by: serving.description)
        actor.probed = probed?.answer.probed ?? []
        var request = VerbRequest()
        request.timeoutMilliseconds = Self.probeMilliseconds
        let answer = try serving.perform(verb, actor: actor, request: request, log: log, cancellation: operation)
        let handles = answer.processes.compactMap { ProcessHandle.find(pid: $0.pid, startTime: $0.startTime) }
        Cgroup.open(layout: layout, name: slotCgroupName(slot)).kill()
        // Whoever is our child is reaped here.
        for handle in handles { _ = handle.wait() }
        return answer
    }

    /// Refuses what the backend said that it cannot do here, in its own words.
    ///
    /// - Parameters:
    ///   - answer: what `probe` answered.
    ///   - verb: the verb that is asked for.
    ///   - scope: the scope, of a verb that has one.
    ///   - cpuMilli: the limit that is asked for; 0 is none.
    ///   - memoryBytes: likewise.
    /// - Throws: `failedPrecondition`.
    static func refuse(
        _ answer: ProbeAnswer,
        verb: BackendVerb,
        scope: SnapshotScope? = nil,
        cpuMilli: Int64 = 0,
        memoryBytes: Int64 = 0
    ) throws(HostError) {
        try Admission.refuse(answer, verb: verb, scope: scope, cpuMilli: cpuMilli, memoryBytes: memoryBytes)
    }
}
