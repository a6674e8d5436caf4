public import ActorContract
public import HostErrors
import Snapshots

/// Start, and Restore by name: what they ask for is in the actor's earlier life.
extension ActorHost {
    /// Runs a stopped or failed actor again on the files that it left.
    ///
    /// - Throws: `notFound`; `failedPrecondition` when it is live, or when its environment was lost with the last host process.
    @discardableResult
    public func start(_ key: ActorKey, context: VerbContext) async throws(HostError) -> [Phase] {
        let request = try rebuilt(try entry(key), doing: "start")
        return try await enter(request, restore: nil, context: context, again: true)
    }

    /// Restores a known actor from one of its local snapshots, with the request that last ran it.
    ///
    /// - Parameters:
    ///   - key: the actor.
    ///   - snapshot: nil takes the newest.
    ///   - slot: nil takes the actor's own.
    ///   - context: deadline and grace.
    /// - Returns: the verb's phases.
    /// - Throws: as `restore(_:context:)`.
    @discardableResult
    public func restore(
        _ key: ActorKey,
        snapshot: String?,
        slot: String?,
        context: VerbContext
    ) async throws(HostError) -> [Phase] {
        let directory = key.directoryName
        let found = try await Offload.run { () throws(HostError) -> Snapshot? in
            guard let snapshot else { return try self.snapshots.newest(actorDirectory: directory) }
            return Optional(try self.snapshots.find(actorDirectory: directory, name: snapshot))
        }
        guard let found, let scope = SnapshotScope(rawValue: found.manifest.scope ?? "") else {
            throw HostError(
                .notFound,
                .snapshotNotFound,
                "actor \(key.text) has no local snapshot \(snapshot.map { "\"\($0)\"" } ?? "yet")"
            )
        }
        var request = try rebuilt(try entry(key), doing: "restore")
        if let slot { request.slot = slot }
        return try await enter(
            request,
            restore: RestoreSource(place: .local(found.name), scope: scope),
            context: context
        )
    }

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
        request.egressGateway = record.egressGateway
        return request
    }
}
