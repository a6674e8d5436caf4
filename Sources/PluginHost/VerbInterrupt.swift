import ActorContract
import Glibc
import HostErrors
import Synchronization
import SystemLayer

/// What wakes every wait of a verb when the verb is cancelled.
///
/// Waits are of the verb's thread alone; the cancel may come from any.
package final class VerbInterrupt: Sendable {
    /// How a wait ended.
    package enum Outcome: Sendable {
        case ready, timeout, cancelled
    }

    private let reader: OwnedFD
    private let writer: OwnedFD
    /// Programs whose end ends the verb, so that no wait is longer than they live.
    private let watched = Mutex<[ProcessHandle]>([])

    /// Listens to a cancellation.
    ///
    /// - Throws: the errno of pipe2(2).
    init(_ cancellation: any VerbCancellation) throws(SyscallError) {
        let ends = try DescriptorPair.pipe().release()
        reader = OwnedFD(ends.first)
        writer = OwnedFD(ends.second)
        cancellation.onCancel { [weak self] in self?.wake() }
    }

    /// Ends every wait when that program ends.
    func watch(_ handle: ProcessHandle) { watched.withLock { $0.append(handle) } }

    /// Waits are about that program itself from now on.
    func ignore(_ handles: [ProcessHandle]) {
        watched.withLock { watched in
            watched.removeAll { one in handles.contains { $0.pid == one.pid && $0.startTime == one.startTime } }
        }
    }

    private func wake() { try? writeAll([1], to: writer.rawValue) }

    /// Waits until a descriptor is ready, the deadline is over or the verb is cancelled.
    ///
    /// - Parameters:
    ///   - descriptor: what to wait for; -1 waits for nothing else.
    ///   - events: of poll(2).
    ///   - deadline: when to give up.
    /// - Returns: what came first; a cancel wins.
    func wait(
        _ descriptor: CInt = -1,
        events: CInt = CInt(POLLIN),
        until deadline: ContinuousClock.Instant
    ) -> Outcome {
        wait(anyOf: [descriptor], events: events, until: deadline)
    }

    /// The same for whichever of several descriptors is ready first.
    func wait(
        anyOf descriptors: [CInt],
        events: CInt = CInt(POLLIN),
        until deadline: ContinuousClock.Instant
    ) -> Outcome {
        let stops = [reader.rawValue] + watched.withLock { $0.map(\.pollDescriptor) }
        var entries = stops.map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
        entries += descriptors.map { pollfd(fd: $0, events: Int16(events), revents: 0) }
        while true {
            let left = Self.milliseconds(until: deadline)
            let count = unsafe poll(&entries, nfds_t(entries.count), CInt(clamping: left))
            if count > 0, entries.prefix(stops.count).contains(where: { $0.revents != 0 }) { return .cancelled }
            if count > 0 { return .ready }
            if ContinuousClock.now >= deadline { return .timeout }
        }
    }

    /// Whole milliseconds, rounded up, so that a wait of them is never short.
    package static func milliseconds(
        until deadline: ContinuousClock.Instant,
        from now: ContinuousClock.Instant = .now
    ) -> Int64 {
        let left = deadline - now
        guard left > .zero else { return 0 }
        let (seconds, attoseconds) = left.components
        return seconds * 1000 + (attoseconds + 999_999_999_999_999) / 1_000_000_000_000_000
    }
}
