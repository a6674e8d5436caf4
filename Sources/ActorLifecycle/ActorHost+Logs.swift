public import ActorContract
import Dispatch
public import HostErrors
import LaunchProtocol
import Synchronization

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
        let places = directories(key)
        let wanted = container.isEmpty ? names : [container]
        let tails = wanted.map { SpoolTail(container: $0, directory: places.log($0)) }
        return AsyncStream(unfolding: { () async -> WorkloadLine? in
            while !Task.isCancelled {
                let ended = !entry.record.status.isLive
                for tail in tails {
                    let line = try? await Offload.run { () throws(HostError) -> WorkloadLine? in tail.next() }
                    if let line { return line }
                }
                if !follow || ended { return nil }
                // The spool has no event across processes; 20 ms is below what a person sees.
                try? await Task.sleep(for: .milliseconds(20))
            }
            return nil
        })
    }
}

/// A reader of one spool that may be asked from any thread.
private final class SpoolTail: Sendable {
    private let reader: Mutex<LogSpoolReader>
    private let container: String

    init(container: String, directory: String) {
        self.container = container
        reader = Mutex(LogSpoolReader(directory: directory))
    }

    func next() -> WorkloadLine? {
        reader.withLock { reader -> WorkloadLine? in
            guard let record = reader.next() else { return nil }
            return WorkloadLine(
                container: container,
                bytes: record.bytes,
                timeNanoseconds: record.timeNanoseconds,
                stream: record.stream == .standardError ? "stderr" : "stdout",
                dropped: Int64(clamping: record.dropped)
            )
        }
    }
}
