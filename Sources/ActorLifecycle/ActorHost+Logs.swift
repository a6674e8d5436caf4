public import ActorContract
public import HostErrors

/// One line that a workload printed.
public struct WorkloadLine: Sendable {
    /// The container that printed it.
    public let container: String
    /// Its bytes, without the line feed.
    public let bytes: [UInt8]
    /// When, in nanoseconds since 1970.
    public let timeNanoseconds: Int64
    /// `stdout` or `stderr`.
    public let stream: String
    /// Lines lost before this one.
    public let dropped: Int64
}

/// What actors printed, from the spools that their launchers write.
extension ActorHost {
    /// Lines of an actor, oldest first.
    ///
    /// - Parameters:
    ///   - key: whose.
    ///   - container: empty = all.
    ///   - follow: goes on until the reader leaves or the actor has ended and everything was read.
    /// - Returns: the lines; reading is done ahead of the reader by a bounded amount.
    /// - Throws: `notFound`.
    public func logs(_ key: ActorKey, container: String, follow: Bool) throws(HostError) -> AsyncStream<WorkloadLine> {
        let entry = try entry(key)
        let names = entry.record.spec.containers.map(\.name)
        guard container.isEmpty || names.contains(container) else {
            throw HostError(
                .notFound,
                nil,
                "actor \(key.text) has no container \"\(container)\"; it has: \(names.joined(separator: ", "))"
            )
        }
        let tail = ActorTail(
            containers: container.isEmpty ? names : [container],
            spools: directories(key).logs,
            // A warm slot has directories of its own, and with them what programs append to.
            files: slotDirectories(entry.record).logs
        )
        return AsyncStream(unfolding: { () async -> WorkloadLine? in
            while !Task.isCancelled {
                let ended = !entry.record.status.isLive
                let line = try? await Offload.run { () throws(HostError) -> WorkloadLine? in tail.next() }
                if let line { return line }
                if !follow || ended { return nil }
                // The spool has no event across processes; 20 ms is below what a person sees.
                try? await Task.sleep(for: .milliseconds(20))
            }
            return nil
        })
    }
}
