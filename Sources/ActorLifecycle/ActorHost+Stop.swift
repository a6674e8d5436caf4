public import ActorContract
import Assets
import Glibc
public import HostErrors
import Synchronization
import SystemLayer
import Telemetry
import Transfer

/// Stop, Remove and Terminate: they cancel whatever is in flight and always finish.
extension ActorHost {
    /// Ends an actor's programs and keeps its files.
    ///
    /// - Throws: `notFound`. An actor that is not live is `ok`.
    public func stop(_ key: ActorKey, context: VerbContext) async throws(HostError) {
        let entry = try entry(key)
        let operation = await entry.claimCancelling("stop")
        defer { entry.release(operation) }
        await stopClaimed(entry, operation: operation, context: context)
    }

    /// Deletes an actor, stopping it first; its local snapshots stay.
    ///
    /// - Throws: `notFound`.
    public func remove(_ key: ActorKey, context: VerbContext) async throws(HostError) {
        let entry = try entry(key)
        let operation = await entry.claimCancelling("remove")
        defer { entry.release(operation) }
        await stopClaimed(entry, operation: operation, context: context)
        try await removeClaimed(entry)
    }

    /// Stop and Remove in one, for the contract: an actor that is not known is `ok`.
    ///
    /// - Throws: `failedPrecondition` when the actor of that name has another uid.
    public func terminate(_ request: TerminateRequest, context: VerbContext) async throws(HostError) {
        guard let entry = registry.withLock({ $0[request.identity.key] }) else { return }
        let uid = entry.record.identity.uid
        if !request.identity.uid.isEmpty, !uid.isEmpty, uid != request.identity.uid {
            throw HostError(
                .failedPrecondition,
                .actorUIDMismatch,
                "actor \(entry.key.text) has another uid than actor_uid \"\(request.identity.uid)\": it was not touched"
            )
        }
        let operation = await entry.claimCancelling("terminate")
        defer { entry.release(operation) }
        await stopClaimed(entry, operation: operation, context: context)
        try await removeClaimed(entry)
    }

    private func stopClaimed(_ entry: ActorEntry, operation: Operation, context: VerbContext) async {
        let record = entry.record
        defer { repeatOutside(entry) }
        guard record.status.isLive || record.needsTeardown else {
            await payOutside(entry, operation.verb)
            return
        }
        if record.status == .ready {
            var request = VerbRequest()
            request.graceMilliseconds = context.graceMilliseconds
            request.timeoutMilliseconds = context.graceMilliseconds + 5000
            let asked = request
            let log = VerbLog(journal: journal, key: entry.key, verb: operation.verb)
            do throws(HostError) {
                _ = try await Offload.run { () throws(HostError) in
                    let serving = try self.revision(of: record)
                    let prepared = self.present(record, to: serving.description)
                    return try serving.perform(
                        .stop,
                        actor: prepared,
                        request: asked,
                        log: log,
                        cancellation: operation
                    )
                }
                try settleOutside(entry)
            } catch {
                // The script's word is not needed: the host made everything and ends it alone.
                logger.warning("the backend's stop failed", ["actor.id": entry.key.text, "error": error.message])
            }
        }
        await payOutside(entry, operation.verb)
        await end(
            entry,
            as: record.status.isLive ? .stopped : record.status,
            reason: record.status.isLive ? .none : record.reason
        )
    }

    private func removeClaimed(_ entry: ActorEntry) async throws(HostError) {
        let key = entry.key
        guard entry.record.status != .removed else { return }
        // With its record it would be forgotten that something is still there.
        try refuseOutside(entry.record)
        try move(entry, to: .removing)
        let places = directories(key)
        let verb = entry.verb
        try await Offload.run { () throws(HostError) in
            for path in [
                places.identity, places.information, places.durable, places.roots, places.logs, places.exits,
                places.runtime, places.work,
                places.bundles, places.checkpoint, places.restoreState,
            ] { try DirectoryTree.remove(path) }
            if (try? DirectoryTree.names(in: places.snapshots))?.isEmpty ?? true {
                try DirectoryTree.remove(places.root)
            }
            try FailPoint.reach("\(verb).forget.before")
            try self.journal.remove(key)
            try FailPoint.reach("\(verb).forget.after")
        }
        entry.with { $0.record.status = .removed }
        entry.publish()
        _ = registry.withLock { $0.removeValue(forKey: key) }
    }

    /// The revision of the backend that an actor was started with, and that serves every verb until it ends.
    ///
    /// - Throws: `failedPrecondition` when it was not kept.
    func revision(of record: ActorRecord) throws(HostError) -> any ActorBackend {
        guard record.status.isLive, !record.backendSHA256.isEmpty else { return backend }
        return try backend.revision(record.backendSHA256)
    }

    /// What every verb of an actor is given of what is around it.
    func surrounded(_ record: ActorRecord, by described: BackendDescription) -> PreparedActor {
        let places = directories(record.identity.key)
        var actor = PreparedActor(
            identity: record.identity,
            slot: record.slot,
            directory: places.root,
            cgroup: cgroupName(record)
        )
        let slot = slotDirectories(record)
        if record.warmSlot != nil { actor.slotDirectory = slot.root }
        actor.networkNamespace = described.needsNetwork ? slot.network : nil
        let limits = Self.limits(of: record)
        actor.cpuMilli = limits.cpuMilli
        actor.memoryBytes = limits.memoryBytes
        actor.pids = limits.pids
        actor.pauseImage = record.pauseImage ?? ""
        for volume in record.spec.volumes {
            switch volume.source {
            case .durableDirectory: actor.volumes[volume.name] = places.volume(volume.name)
            case .systemInformation: actor.information[volume.name] = places.information(volume.name)
            case .unspecified, .unserved: break
            }
        }
        actor.operatorMounts = settings.mounts
        actor.firstID = record.firstID
        actor.wantsUserNamespace = settings.userNamespace
        return actor
    }

    /// What a verb on a live actor is given.
    func present(_ record: ActorRecord, to described: BackendDescription) -> PreparedActor {
        var actor = surrounded(record, by: described)
        actor.containers = record.spec.containers.map {
            PreparedContainer(container: $0, layers: [], defaults: record.defaults?[$0.name] ?? ImageDefaults())
        }
        // What is no longer in the cache is not fetched for a verb that ends or looks.
        for (name, file) in record.assets {
            let path = assets.cachedPath(name: name, url: file.url, sha256: file.sha256)
            if unsafe access(path, F_OK) == 0 { actor.assets[name] = path }
        }
        actor.processes = record.processes
        actor.state = record.state
        actor.probed = record.probed ?? []
        return actor
    }
}
