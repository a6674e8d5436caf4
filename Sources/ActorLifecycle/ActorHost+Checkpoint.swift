public import ActorContract
public import HostErrors
import Snapshots
import SystemLayer
import Telemetry

/// Checkpoint: the programs end, the durable volumes are saved, the actor is paused.
extension ActorHost {
    /// Makes a local snapshot and ends the actor.
    ///
    /// A second request with the same destination answers at once while the first one's result stands.
    /// - Returns: the verb's phases; empty when it was a repeat.
    /// - Throws: `failedPrecondition` when the actor is not ready, is another one or the scope is not the backend's;
    ///   the actor is as before then, or as the script left it.
    @discardableResult
    public func checkpoint(_ request: CheckpointRequest, context: VerbContext) async throws(HostError) -> [Phase] {
        try refuseWhenDraining()
        guard case .local(let name) = request.place else {
            throw HostError(
                .unimplemented,
                .notServed,
                "external snapshots are not served yet; use a local one (type LOCAL)"
            )
        }
        guard request.scope != .dataOnGolden else {
            throw HostError(.invalidArgument, nil, "scope DATA_ON_GOLDEN is for Restore only")
        }
        let entry = try entry(request.identity.key)
        let serving = try await Offload.run { () throws(HostError) in try self.revision(of: entry.record) }
        try checkScope(request.scope, by: serving.description)
        let operation: Operation
        switch entry.claim("checkpoint") {
        case .success(let claimed): operation = claimed
        case .failure(let error): throw error
        }
        defer { entry.release(operation) }
        let record = entry.record
        if !request.identity.uid.isEmpty, record.identity.uid != request.identity.uid {
            throw HostError(
                .failedPrecondition,
                .actorUIDMismatch,
                "actor \(entry.key.text) has another uid than actor_uid \"\(request.identity.uid)\": it was not touched"
            )
        }
        if record.status == .paused, record.snapshot == name { return [] }
        guard record.status == .ready else {
            throw HostError(
                .failedPrecondition,
                .actorNotRunning,
                "actor \(entry.key.text) is \(record.status.rawValue), and only a ready one can be checkpointed"
            )
        }
        guard record.slot == request.slot else {
            throw HostError(
                .failedPrecondition,
                .actorNotRunning,
                "actor \(entry.key.text) is in slot \"\(record.slot)\", not in target_ateom_uid \"\(request.slot)\""
            )
        }
        let patience = context.deadline ?? ContinuousClock.now + .milliseconds(context.timeoutMilliseconds)
        try await saving.enter("checkpoint", operation, until: patience)
        defer { saving.leave() }
        let clock = PhaseClock()
        let probed = try await probed(serving, record.assets, operation, clock)
        try Self.refuse(probed.answer, verb: .checkpoint, scope: request.scope)
        try await capture(
            entry,
            by: serving,
            name: name,
            scope: request.scope,
            operation: operation,
            clock: clock,
            context: context
        )
        let phases = clock.table.entries.map { Phase(name: $0.name, milliseconds: $0.ms, program: $0.program) }
        entry.with { $0.record.phases = phases }
        logger.info("verb is done", ["actor.id": entry.key.text, "verb": "checkpoint", "phases": clock.table.text])
        return phases
    }

    private func capture(
        _ entry: ActorEntry,
        by serving: any ActorBackend,
        name: String,
        scope: SnapshotScope,
        operation: Operation,
        clock: PhaseClock,
        context: VerbContext
    ) async throws(HostError) {
        let key = entry.key
        let record = entry.record
        let prepared = present(record, to: serving.description)
        let log = VerbLog(journal: journal, key: key, verb: "checkpoint")
        let files = directories(key).checkpoint
        try await Offload.run { () throws(HostError) -> Void in
            if (try? self.snapshots.find(actorDirectory: key.directoryName, name: name)) != nil {
                throw HostError(
                    .failedPrecondition,
                    .snapshotExists,
                    "a local snapshot \"\(name)\" of \(key.text) exists: choose another name"
                )
            }
        }
        try move(entry, to: .checkpointing) { record in
            record.snapshot = name
            record.snapshotScope = scope
        }
        do throws(HostError) {
            var request = VerbRequest()
            request.graceMilliseconds = context.graceMilliseconds
            request.timeoutMilliseconds = max(context.timeoutMilliseconds, 1)
            request.scope = scope
            request.snapshotDirectory = files
            let asked = request
            let answer = try await Offload.phase("backend", clock) { () throws(HostError) in
                try DirectoryTree.remove(files)
                try DirectoryTree.make(files, mode: 0o700)
                return try serving.perform(
                    .checkpoint,
                    actor: prepared,
                    request: asked,
                    log: log,
                    cancellation: operation
                )
            }
            try await Offload.phase("volumes.save", clock) { () throws(HostError) in
                try log.effect("snapshot.write", name) { () throws(HostError) in
                    // Nobody may write while it is read, whatever the script forgot to end.
                    Cgroup.open(layout: self.layout, name: self.cgroupName(record)).kill()
                    try self.saveSnapshot(
                        record,
                        name: name,
                        scope: scope,
                        files: files,
                        volumesSaved: answer.volumesSaved
                    )
                    try DirectoryTree.remove(files)
                }
            }
        } catch {
            // Nothing of that name was there before, so what is there now is of a checkpoint that failed.
            try? await Offload.run { () throws(HostError) in
                try DirectoryTree.remove(files)
                try self.snapshots.remove(actorDirectory: key.directoryName, name: name)
            }
            // The script may have ended the programs or not: the truth is what runs.
            let alive = entry.with { state in
                !state.handles.isEmpty && state.handles.values.allSatisfy { !$0.hasExited() }
            }
            defer { repeatOutside(entry) }
            if alive, !operation.isCancelled {
                try move(entry, to: .ready, message: error.message, settled: true)
            } else if operation.isCancelled {
                await payOutside(entry, operation.verb)
                await end(entry, as: .stopped, message: "cancelled")
            } else {
                await payOutside(entry, operation.verb)
                await end(
                    entry,
                    as: .failed,
                    reason: Self.reason(of: error, while: .checkpointing),
                    message: error.message
                )
            }
            throw error
        }
        // A checkpoint that answered ok has ended the actor, wherever it was.
        try settleOutside(entry)
        await clock.measure("teardown") { () async -> Void in await end(entry, as: .paused) }
    }

    /// Makes a local snapshot of what the script wrote and of the durable volumes as they lie there.
    ///
    /// - Parameters:
    ///   - record: the actor's.
    ///   - name: the snapshot's.
    ///   - scope: what it holds.
    ///   - files: where the script wrote; nil where it wrote nothing.
    ///   - volumesSaved: whether the volumes are in what it wrote.
    /// - Throws: what could not be written; nothing of it is left then.
    func saveSnapshot(
        _ record: ActorRecord,
        name: String,
        scope: SnapshotScope,
        files: String? = nil,
        volumesSaved: Bool = false
    ) throws(HostError) {
        let key = record.identity.key
        let places = directories(key)
        var manifest = SnapshotManifest(
            sandboxClass: record.sandboxClass.isEmpty ? record.backend : record.sandboxClass,
            assets: record.assets.mapValues { SnapshotManifest.Asset(url: $0.url, sha256: $0.sha256) },
            scope: scope.rawValue,
            backend: SnapshotManifest.Backend(name: record.backend, sha256: record.backendSHA256)
        )
        if volumesSaved { manifest.volumesSaved = true }
        let volumes = volumesSaved ? [] : record.spec.volumes.filter { $0.source == .durableDirectory }
        _ = try snapshots.saveLocal(
            actorDirectory: key.directoryName,
            name: name,
            manifest: manifest,
            volumes: volumes.map { DurableVolume(name: $0.name, path: places.volume($0.name)) },
            extraFiles: files
        )
    }

    /// The newest local snapshot of an actor, for a restore that names none.
    ///
    /// - Returns: its name, or nil.
    /// - Throws: when the directory cannot be read.
    public func newestSnapshot(_ key: ActorKey) throws(HostError) -> String? {
        try snapshots.newest(actorDirectory: key.directoryName)?.name
    }
}
