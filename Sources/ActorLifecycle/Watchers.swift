import Synchronization

/// Who is told of changes: each has a buffer of 16, and one that lets it overflow is told no more.
///
/// Its stream ends after the oldest 16, so that it knows that it missed something and looks anew.
final class Watchers: Sendable {
    private struct State {
        var next = 0
        var continuations: [Int: AsyncStream<ActorRecord>.Continuation] = [:]
    }
    private let state = Mutex(State())

    /// How many watch.
    var count: Int { state.withLock { $0.continuations.count } }

    /// Begins to watch.
    ///
    /// - Parameter first: what comes first, if anything.
    /// - Returns: ends when the watcher was too slow.
    func watch(beginningWith first: ActorRecord? = nil) -> AsyncStream<ActorRecord> {
        let (stream, continuation) = AsyncStream.makeStream(of: ActorRecord.self, bufferingPolicy: .bufferingOldest(16))
        if let first { continuation.yield(first) }
        let number = state.withLock { state in
            state.next += 1
            state.continuations[state.next] = continuation
            return state.next
        }
        continuation.onTermination = { [weak self] _ in
            _ = self?.state.withLock { $0.continuations.removeValue(forKey: number) }
        }
        return stream
    }

    /// Tells everybody.
    func tell(_ record: ActorRecord) {
        let late = state.withLock { state in
            let late = state.continuations.filter { _, continuation in
                if case .dropped = continuation.yield(record) { true } else { false }
            }
            for number in late.keys { state.continuations[number] = nil }
            return late
        }
        // Outside the lock: it calls onTermination.
        for continuation in late.values { continuation.finish() }
    }
}
