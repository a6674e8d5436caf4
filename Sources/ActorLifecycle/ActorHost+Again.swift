import ActorContract
import HostErrors
import Snapshots

/// What Start and Restore take from an actor's earlier life.
extension ActorHost {
    /// The request that last ran an actor, from its record and what is kept in memory.
    func rebuilt(_ entry: ActorEntry, doing verb: String) throws(HostError) -> RunRequest {
        let key = entry.key
        let record = entry.record
        let environments = entry.with { $0.environments }
        if record.hasEnvironment, environments.isEmpty {
            throw HostError(
                .failedPrecondition,
                .actorNotRunning,
                "the environment of \(key.text) is not kept over a restart of the host (it may hold secrets): it cannot \(verb), run it again"
            )
        }
        var spec = record.spec
        for index in spec.containers.indices {
            spec.containers[index].environment = environments[spec.containers[index].name] ?? []
        }
        var sandbox = SandboxAssets()
        sandbox.sandboxClass = record.sandboxClass
        if !record.assets.isEmpty { sandbox.assets = [settings.architecture: record.assets] }
        var request = RunRequest(identity: record.identity, slot: record.slot, spec: spec, assets: sandbox)
        request.cpuMilli = record.cpuMilli
        request.memoryBytes = record.memoryBytes
        return request
    }

    /// The snapshot that is restored, every file of it verified; nil when none is.
    ///
    /// - Throws: `notFound`; `dataLoss` when it does not verify; `failedPrecondition` when another backend made it.
    func verifiedSnapshot(
        _ restore: (name: String, scope: SnapshotScope)?,
        of key: ActorKey,
        by described: BackendDescription
    ) async throws(HostError) -> Snapshot? {
        guard let restore else { return nil }
        let directory = key.directoryName
        return try await Offload.run { () throws(HostError) in
            let found = try self.snapshots.find(actorDirectory: directory, name: restore.name)
            guard
                found.manifest.sandboxClass == described.name || described.classes.contains(found.manifest.sandboxClass)
            else {
                throw HostError(
                    .failedPrecondition,
                    .snapshotIncompatible,
                    "snapshot \"\(restore.name)\" was made by \"\(found.manifest.sandboxClass)\", this host serves \"\(described.name)\""
                )
            }
            // What one script saved another may not understand; a snapshot of others has no such word. The volumes are
            // saved by the host itself: any revision of the backend may find them, as a Restore takes what was saved last.
            let isData = found.manifest.scope == SnapshotScope.data.rawValue
            if let maker = found.manifest.backend,
                maker.name != described.name || maker.sha256 != described.sha256 && !isData
            {
                throw HostError(
                    .failedPrecondition,
                    .snapshotIncompatible,
                    "snapshot \"\(restore.name)\" was made by revision \(maker.sha256.prefix(12)) of backend \"\(maker.name)\", this host serves revision \(described.sha256.prefix(12)) of \"\(described.name)\": serve that revision to restore it"
                )
            }
            try self.snapshots.verify(found)
            return found
        }
    }
}
