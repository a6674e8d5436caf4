public import ActorContract
public import HostErrors
import Snapshots
import Synchronization
import Telemetry

/// Local snapshots go to object storage, or away.
extension ActorHost {
    /// Object storage, where this host has it.
    ///
    /// - Throws: UNIMPLEMENTED.
    func served() throws(HostError) -> ExternalSnapshots {
        guard let external else {
            throw HostError(
                .unimplemented,
                .notServed,
                "external snapshots are not served by this host; use a local one (type LOCAL)"
            )
        }
        return external
    }

    /// Uploads the snapshot of a paused actor; the local copy goes when all of it is there.
    ///
    /// - Throws: what the store says: the local copy stays, and the actor is paused.
    func upload(
        _ entry: ActorEntry,
        _ name: String,
        to uri: SnapshotURI,
        operation: Operation,
        clock: PhaseClock
    ) async throws(HostError) {
        let log = VerbLog(journal: journal, key: entry.key, verb: entry.verb)
        do throws(HostError) {
            try await Offload.phase("upload", clock) { () throws(HostError) in
                try self.send(entry.key, name, to: uri, scope: nil, keepLocal: false, log, operation)
            }
        } catch {
            throw HostError(
                error.code == .internal ? .unavailable : error.code,
                error.reason ?? .snapshotStore,
                "the upload to \(uri.text) failed: \(error.message); the snapshot is kept on this node: repeat the Checkpoint to upload the rest, or restore it",
                context: error.context
            )
        }
        try move(entry, to: .suspended, settled: true)
    }

    /// Uploads one local snapshot; journalled, and done only once.
    private func send(
        _ key: ActorKey,
        _ name: String,
        to uri: SnapshotURI,
        scope: SnapshotScope?,
        keepLocal: Bool,
        _ log: VerbLog,
        _ operation: Operation?
    ) throws(HostError) {
        let external = try served()
        let directory = key.directoryName
        let snapshot: Snapshot
        do throws(HostError) {
            snapshot = try snapshots.verified(actorDirectory: directory, name: name)
        } catch {
            // It was sent before, and whoever asked did not hear of it.
            if error.code == .notFound, try external.manifest(uri) != nil { return }
            throw error
        }
        let narrowed = try Self.narrowed(snapshot, to: scope)
        try log.effect("snapshot.upload", uri.text) { () throws(HostError) in
            let count = try external.upload(
                snapshot,
                to: uri,
                files: narrowed?.files,
                scope: narrowed?.scope,
                isCancelled: { operation?.isCancelled ?? false }
            )
            logger.info(
                "snapshot is uploaded",
                [
                    "actor.id": key.text, "snapshot.uri": uri.text, "bytes": "\(count.bytes)",
                    "chunks": "\(count.chunks)", "chunks.written": "\(count.written)",
                    "bytes.written": "\(count.writtenBytes)",
                ]
            )
        }
        if keepLocal { return }
        try log.effect("snapshot.forget", name) { () throws(HostError) in
            try snapshots.remove(actorDirectory: directory, name: name)
        }
    }

    /// What of a snapshot goes, where that is less than all.
    private static func narrowed(
        _ snapshot: Snapshot,
        to scope: SnapshotScope?
    ) throws(HostError) -> (files: [String], scope: String)? {
        guard let scope, let held = snapshot.manifest.scope, held != scope.rawValue else { return nil }
        func refuse(_ words: String) -> HostError {
            HostError(.failedPrecondition, .scopeUnsupported, "snapshot \"\(snapshot.name)\" \(words)")
        }
        guard scope == .data else { throw refuse("holds \(held), and desired_scope is \(scope.rawValue)") }
        guard snapshot.manifest.volumesSaved != true else {
            throw refuse("has its volumes in the backend's own files: it can be uploaded whole, not as data alone")
        }
        return ((snapshot.manifest.snapshotFiles ?? []).filter { $0 == SnapshotStore.volumesFile }, scope.rawValue)
    }

    /// Uploads a local snapshot of an actor that is paused, or gone.
    ///
    /// - Throws: NOT_FOUND; FAILED_PRECONDITION where it does not hold what is desired; what the store says.
    public func uploadPausedCheckpoint(
        _ request: UploadPausedCheckpointRequest,
        context: VerbContext
    ) async throws(HostError) {
        try refuseWhenDraining()
        _ = try served()
        let uri = try SnapshotURI(request.destinationURI)
        let name = request.snapshotName
        try await holding(request.identity, "upload") { (entry, operation) async throws(HostError) in
            let key = request.identity.key
            let log = VerbLog(journal: journal, key: key, verb: "upload")
            try await Offload.run { () throws(HostError) in
                try self.send(
                    key,
                    name,
                    to: uri,
                    scope: request.scope,
                    keepLocal: request.keepLocal,
                    log,
                    operation
                )
            }
            guard let entry else { return try await forgetRemoved(key) }
            if !request.keepLocal, entry.with({ $0.held?.snapshot == name }) {
                await dropClaimed(entry, "its snapshot is elsewhere")
            }
            let record = entry.record
            let isSuspended = record.status == .paused && record.snapshot == name && !request.keepLocal
            try move(
                entry,
                to: isSuspended ? .suspended : record.status,
                reason: record.reason,
                message: record.message,
                settled: true
            )
        }
    }

    /// Removes all local snapshots of an actor.
    ///
    /// - Throws: FAILED_PRECONDITION for another uid; INTERNAL where one cannot be removed.
    public func pruneLocalCheckpoints(
        _ request: PruneLocalCheckpointsRequest,
        context: VerbContext
    ) async throws(HostError) {
        try await holding(request.identity, "prune") { (entry, _) async throws(HostError) in
            let key = request.identity.key
            let log = VerbLog(journal: journal, key: key, verb: "prune")
            try await Offload.run { () throws(HostError) in
                try log.effect("snapshots.forget", key.text) { () throws(HostError) in
                    _ = try self.snapshots.prune(actorDirectory: key.directoryName)
                }
            }
            guard let entry else { return try await forgetRemoved(key) }
            await dropClaimed(entry, "its snapshot is gone")
            try move(
                entry,
                to: entry.record.status,
                reason: entry.record.reason,
                message: entry.record.message,
                settled: true
            )
        }
    }

    /// An actor that is removed has nothing here any more once its last snapshot is gone.
    private func forgetRemoved(_ key: ActorKey) async throws(HostError) {
        try await Offload.run { () throws(HostError) in
            try self.journal.forgetEffects(of: key)
            try RemovedActors.forget(self.directories(key), key.directoryName, self.journal)
        }
    }

    /// Does something with the snapshots of an actor that no other verb is at; the actor may be unknown.
    private func holding(
        _ identity: ActorIdentity,
        _ verb: String,
        _ body: (ActorEntry?, Operation?) async throws(HostError) -> Void
    ) async throws(HostError) {
        guard let entry = registry.withLock({ $0[identity.key] }) else { return try await body(nil, nil) }
        let operation: Operation
        switch await entry.claim(verb) {
        case .success(let claimed): operation = claimed
        case .failure(let error): throw error
        }
        defer { entry.release(operation) }
        let uid = entry.record.identity.uid
        if !identity.uid.isEmpty, !uid.isEmpty, uid != identity.uid {
            throw HostError(
                .failedPrecondition,
                .actorUIDMismatch,
                "actor \(entry.key.text) has another uid than actor_uid \"\(identity.uid)\": it was not touched"
            )
        }
        try await body(entry, operation)
    }

    /// Removes what the operator does not want kept of an actor's older snapshots.
    func retain(_ key: ActorKey) throws(HostError) {
        let directory = key.directoryName
        let waiting = try snapshots.list(actorDirectory: directory).filter { $0.manifest.destination != nil }
        try snapshots.prune(
            actorDirectory: directory,
            keeping: settings.keepSnapshots,
            pinned: Set(waiting.map(\.name))
        )
    }
}
