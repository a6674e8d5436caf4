import ActorContract
import HostErrors

/// What Start and a Restore by name take from an actor's earlier life.
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
}
