public import ActorContract
import Glibc
public import HostErrors
import Snapshots
import SystemLayer
import Telemetry

/// Checkpoint: the programs end, the snapshot is saved, the actor is paused; an external one is uploaded then.
extension ActorHost {
    /// Where a checkpoint goes.
    struct CheckpointTarget: Sendable {
        /// The local snapshot's name.
        var name: String
        /// Where it is uploaded; nil: nowhere.
        var uri: SnapshotURI?
        /// What it saves.
        var scope: SnapshotScope
    }

    /// Makes a snapshot and ends the actor.
    ///
    /// A second request with the same destination answers at once while the first one's result stands; where the first
    /// one's upload failed, it uploads the rest.
    /// - Returns: the verb's phases; empty when it was a repeat.
    /// - Throws: `failedPrecondition` when the actor is not ready, is another one or the scope is not the backend's;
    ///   the actor is as before then, or as the script left it. A failed upload leaves it paused, with a local snapshot.
    @discardableResult
    public func checkpoint(_ request: CheckpointRequest, context: VerbContext) async throws(HostError) -> [Phase] {
        try refuseWhenDraining()
        guard request.scope != .dataOnGolden else {
            throw HostError(.invalidArgument, nil, "scope DATA_ON_GOLDEN is for Restore only")
        }
        let target = try target(request)
        let entry = try entry(request.identity.key)
        let serving = try await Offload.run { () throws(HostError) in try self.revision(of: entry.record) }
        try checkScope(request.scope, by: serving.description)
        let operation: Operation
        switch await entry.claim("checkpoint") {
        case .success(let claimed): operation = claimed
        case .failure(let error): throw error
        }
        defer { release(entry, operation) }
        let record = entry.record
        if !request.identity.uid.isEmpty, record.identity.uid != request.identity.uid {
            throw HostError(
                .failedPrecondition,
                .actorUIDMismatch,
                "actor \(entry.key.text) has another uid than actor_uid \"\(request.identity.uid)\": it was not touched"
            )
        }
        let isSame = record.snapshot == target.name
        if isSame, record.status == (target.uri == nil ? .paused : .suspended) { return [] }
        let clock = PhaseClock()
        let isSaved = isSame && record.status == .paused
        if !isSaved {
            try refuseUnlessReady(record, request)
            let patience = context.deadline ?? ContinuousClock.now + .milliseconds(context.timeoutMilliseconds)
            try await saving.enter("checkpoint", operation, until: patience)
            defer { saving.leave() }
            let probed = try await probed(serving, record.assets, operation, clock)
            try Self.refuse(probed.answer, verb: .checkpoint, scope: request.scope)
            try await capture(entry, by: serving, target, operation: operation, clock: clock, context: context)
        }
        if let uri = target.uri { try await upload(entry, target.name, to: uri, operation: operation, clock: clock) }
        let phases = settle(clock, of: entry)
        logger.info("verb is done", ["actor.id": entry.key.text, "verb": "checkpoint", "phases": clock.table.text])
        return phases
    }

    private func target(_ request: CheckpointRequest) throws(HostError) -> CheckpointTarget {
        switch request.place {
        case .local(let name): return CheckpointTarget(name: name, scope: request.scope)
        case .external(let text):
            _ = try served()
            let uri = try SnapshotURI(text)
            return CheckpointTarget(name: uri.localName, uri: uri, scope: request.scope)
        }
    }

    private func refuseUnlessReady(_ record: ActorRecord, _ request: CheckpointRequest) throws(HostError) {
        let key = record.identity.key
        guard record.status == .ready else {
            throw HostError(
                .failedPrecondition,
                .actorNotRunning,
                "actor \(key.text) is \(record.status.rawValue), and only a ready one can be checkpointed"
            )
        }
        guard record.slot == request.slot else {
            throw HostError(
                .failedPrecondition,
                .actorNotRunning,
                "actor \(key.text) is in slot \"\(record.slot)\", not in target_ateom_uid \"\(request.slot)\""
            )
        }
    }

    /// Refuses a destination that is taken or out of reach, before the actor is touched.
    private func refuseTaken(_ target: CheckpointTarget, of key: ActorKey) throws(HostError) {
        if (try? snapshots.find(actorDirectory: key.directoryName, name: target.name)) != nil {
            throw HostError(
                .failedPrecondition,
                .snapshotExists,
                target.uri.map { "a snapshot of \(key.text) still waits here to be uploaded to \($0.text): restore it" }
                    ?? "a local snapshot \"\(target.name)\" of \(key.text) exists: choose another name"
            )
        }
        // What was put aside as corrupt makes room for a whole one.
        try snapshots.remove(actorDirectory: key.directoryName, name: target.name)
        if let uri = target.uri, try served().manifest(uri) != nil {
            throw HostError(
                .failedPrecondition,
                .snapshotExists,
                "there is a snapshot at \(uri.text) already: choose another destination"
            )
        }
    }

    private func capture(
        _ entry: ActorEntry,
        by serving: any ActorBackend,
        _ target: CheckpointTarget,
        operation: Operation,
        clock: PhaseClock,
        context: VerbContext
    ) async throws(HostError) {
        let key = entry.key
        let record = entry.record
        let prepared = present(record, to: serving.description)
        let log = VerbLog(journal: journal, key: key, verb: "checkpoint")
        let files = directories(key).checkpoint
        let (name, scope) = (target.name, target.scope)
        try await Offload.run { () throws(HostError) -> Void in
            try self.refuseTaken(target, of: key)
            try DirectoryTree.remove(files)
            try DirectoryTree.make(files, mode: 0o700)
        }
        try move(entry, to: .checkpointing) { record in
            record.snapshot = name
            record.snapshotScope = scope
            record.destination = target.uri?.text
        }
        let holds = mayHold(entry, target, by: serving.description)
        var isHeld = false
        do throws(HostError) {
            // What it is told after its memory was saved it must not have heard.
            if scope == .full || holds {
                try await Offload.run { () throws(HostError) in
                    self.egress.close(key)
                    if holds { try self.cut(true, record, of: serving.description) }
                }
            }
            var request = VerbRequest()
            request.mayHold = holds
            request.graceMilliseconds = context.graceMilliseconds
            request.timeoutMilliseconds = max(context.timeoutMilliseconds, 1)
            request.scope = scope
            request.snapshotDirectory = files
            let asked = request
            let answer = try await Offload.phase("checkpoint", clock) { () throws(HostError) in
                try serving.perform(
                    .checkpoint,
                    actor: prepared,
                    request: asked,
                    log: log,
                    cancellation: operation
                )
            }
            isHeld = try await Offload.phase("volume_save", clock) { () throws(HostError) in
                let isFrozen = answer.isHeld && self.freeze(entry)
                try log.effect("snapshot.write", name) { () throws(HostError) in
                    // Nobody may write while it is read, whatever the script forgot to end.
                    if !isFrozen { Cgroup.open(layout: self.layout, name: self.cgroupName(record)).kill() }
                    let keepsRoots = scope == .full && !serving.description.keepsRootInMemory
                    try self.save(entry.record, volumesSaved: answer.volumesSaved, withRoots: keepsRoots)
                    try DirectoryTree.remove(files)
                }
                return isFrozen
            }
        } catch {
            // Nothing of that name was there before, so what is there now is of a checkpoint that failed.
            try? await Offload.run { () throws(HostError) in
                try DirectoryTree.remove(files)
                try self.snapshots.remove(actorDirectory: key.directoryName, name: name)
                if holds { try self.release(record, of: serving.description) }
            }
            // The script may have ended the programs or not: the truth is what runs.
            let alive = entry.with { state in
                !state.handles.isEmpty && state.handles.values.allSatisfy { !$0.hasExited() }
            }
            defer { repeatOutside(entry) }
            if alive, !operation.isCancelled {
                if !holds, scope == .full { await reopenEgress(record) }
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
        if isHeld {
            await clock.measure("hold") { () async -> Void in await hold(entry) }
        } else if target.uri != nil {
            // An upload takes long: nothing of the actor lies about meanwhile.
            await clock.measure("teardown") { () async -> Void in await end(entry, as: .paused) }
        } else {
            await clock.measure("pause") { () async -> Void in await pause(entry) }
        }
        if settings.keepSnapshots > 0 { try? await Offload.run { () throws(HostError) in try self.retain(key) } }
    }

    /// Pauses an actor whose programs were killed; what they leave is taken down when the caller has its answer.
    private func pause(_ entry: ActorEntry) async {
        let tickets = entry.with { state in
            defer { state.exits = [:] }
            state.operation?.markEnding()
            return Array(state.exits.values)
        }
        for ticket in tickets { exits.forget(ticket) }
        ports.close(entry.key)
        do throws(HostError) {
            try move(entry, to: .paused, settled: true) { record in
                record.processes = []
                record.needsTeardown = true
            }
        } catch { await end(entry, as: .paused) }
    }

    /// Gives an actor free again; one that was paused is taken down first, and nobody waits for that who does not want
    /// this actor.
    private func release(_ entry: ActorEntry, _ operation: Operation) {
        let record = entry.record
        guard record.status == .paused, record.needsTeardown, entry.with({ $0.held == nil }),
            let cleaning = entry.handOver(operation)
        else { return entry.release(operation) }
        Task {
            await end(entry, as: record.status, reason: record.reason, message: record.message)
            entry.release(cleaning)
        }
    }

    /// Writes what the backend left, and the durable volumes as they lie there, into a local snapshot.
    ///
    /// - Parameters:
    ///   - record: the actor's, which names the snapshot and its scope.
    ///   - volumesSaved: whether the backend has saved the volumes itself.
    ///   - withRoots: whether what is on disk of the containers' roots belongs to it.
    /// - Throws: what the store says; nothing is left of it then.
    func save(_ record: ActorRecord, volumesSaved: Bool, withRoots: Bool) throws(HostError) {
        let key = record.identity.key
        let places = directories(key)
        var manifest = SnapshotManifest(
            sandboxClass: record.sandboxClass.isEmpty ? record.backend : record.sandboxClass,
            assets: record.assets.mapValues { SnapshotManifest.Asset(url: $0.url, sha256: $0.sha256) },
            scope: (record.snapshotScope ?? .data).rawValue,
            backend: SnapshotManifest.Backend(name: record.backend, sha256: record.backendSHA256)
        )
        manifest.destination = record.destination
        manifest.pauseImage = record.pauseImage
        manifest.volumesSaved = volumesSaved ? true : nil
        let volumes = record.spec.volumes.filter { $0.source == .durableDirectory }
        let hasFiles = unsafe access(places.checkpoint, F_OK) == 0
        _ = try snapshots.saveLocal(
            actorDirectory: key.directoryName,
            name: record.snapshot,
            manifest: manifest,
            volumes: volumes.map { DurableVolume(name: $0.name, path: places.volume($0.name)) },
            extraFiles: hasFiles ? places.checkpoint : nil,
            // Memory knows the files that it had open; those of data begin with the image's root.
            roots: withRoots ? roots(record) : [],
            volumesSaved: volumesSaved
        )
    }

    /// Where the containers' writable layers are, by container.
    func roots(_ record: ActorRecord) -> [DurableVolume] {
        let places = directories(record.identity.key)
        return record.spec.containers.map { DurableVolume(name: $0.name, path: places.upper($0.name)) }
    }

    /// The newest local snapshot of an actor, for a restore that names none.
    ///
    /// - Returns: its name, or nil.
    /// - Throws: when the directory cannot be read.
    public func newestSnapshot(_ key: ActorKey) throws(HostError) -> String? {
        try snapshots.newest(actorDirectory: key.directoryName)?.name
    }
}
