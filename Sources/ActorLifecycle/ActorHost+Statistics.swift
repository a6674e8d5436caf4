public import ActorContract
import ActorNetwork
public import HostErrors
import SystemLayer

/// What an actor uses.
extension ActorHost {
    private static let statsMilliseconds: Int64 = 5_000

    /// Asks the backend, or the kernel where the script has no `stats`.
    ///
    /// It waits for no verb: an actor that is being checkpointed uses something, too.
    /// - Parameter key: the actor.
    /// - Returns: what it uses now.
    /// - Throws: `notFound`; `failedPrecondition` for one that does not run; what the script answered.
    public func statistics(_ key: ActorKey) async throws(HostError) -> ActorStatistics {
        let record = try get(key)
        guard record.status == .ready || record.status == .checkpointing else {
            throw HostError(
                .failedPrecondition,
                .actorNotRunning,
                "actor \(key.text) is \(record.status.rawValue), and only a ready one uses anything"
            )
        }
        var statistics = try await Offload.run { () throws(HostError) in
            let serving = try self.revision(of: record)
            guard serving.description.verbs.contains(BackendVerb.stats.rawValue), try self.may(.stats, record, serving)
            else {
                let usage = Cgroup.usage(layout: self.layout, name: self.cgroupName(record))
                return ActorStatistics(
                    memoryBytes: usage.memoryBytes,
                    cpuNanoseconds: usage.cpuNanoseconds,
                    pids: usage.pids,
                    source: .cgroup
                )
            }
            var request = VerbRequest()
            request.timeoutMilliseconds = Self.statsMilliseconds
            let answer = try serving.perform(
                .stats,
                actor: self.present(record, to: serving.description),
                request: request,
                // Nothing that it may call changes anything.
                log: VerbLog(journal: self.journal, key: key, verb: "stats"),
                cancellation: Operation("stats")
            )
            guard let statistics = answer.statistics else {
                throw HostError(.internal, .plugin, "\(serving.description.name) answered no figures")
            }
            return statistics
        }
        statistics.egress = egress.counters(key).map { counted in
            ActorStatistics.Egress(
                connections: Int64(counted.connections),
                refused: Int64(counted.refused),
                bytesOut: Int64(counted.bytesOut),
                bytesIn: Int64(counted.bytesIn)
            )
        }
        return statistics
    }

    /// Whether a probe left a verb to the script; an old answer is asked for anew, as before every verb.
    private func may(
        _ verb: BackendVerb,
        _ record: ActorRecord,
        _ serving: any ActorBackend
    ) throws(HostError) -> Bool {
        try probe(serving, record.assets, cancellation: Operation("probe")).answer.without[verb.rawValue] == nil
    }
}
