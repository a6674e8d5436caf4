import CGRPCBridge
import Synchronization
import Threads

/// What takes the events of one call, on a thread of the queue: it must not block.
protocol EventReceiver: AnyObject, Sendable {
    /// Takes one event.
    ///
    /// - Parameters:
    ///   - kind: one of the bridge's `CGB_EVENT_` numbers.
    ///   - succeeded: false when the operation came to nothing.
    func handle(_ kind: Int32, succeeded: Bool)
}

/// One completion queue with its threads, and who waits for what on it.
///
/// The threads are the core's too: it reads its sockets on them, and goes on while there is something to read. A peer
/// that never stops sending holds one; the server has a second, so that it hears of it.
final class EventQueue: Sendable {
    private struct Receivers {
        var next: UInt64 = 1
        var byID: [UInt64: any EventReceiver] = [:]
        var whenEmpty: [@Sendable () -> Void] = []
        var threads = 0
        /// When a receiver is to be told that its time is up.
        var timers: [UInt64: ContinuousClock.Instant] = [:]
        /// Not after the first of them; before it where that one was taken back.
        var earliest: ContinuousClock.Instant?
    }

    let handle: QueueHandle
    private let receivers = Mutex(Receivers())
    /// Whether operations may no longer start: starting one on a queue that is shut down aborts the process.
    private let isClosed = Mutex(false)

    init() { unsafe handle = QueueHandle(pointer: cgb_queue_create()) }

    /// Starts the threads.
    ///
    /// - Parameters:
    ///   - name: the threads' name.
    ///   - threads: how many; events of one call may then come on several at once.
    ///   - ended: runs on the last thread when the queue is shut down and empty, before it is destroyed.
    /// - Returns: whether the threads could be made.
    func run(_ name: String, threads: Int = 1, ended: @escaping @Sendable () -> Void) -> Bool {
        receivers.withLock { $0.threads = threads }
        return (0..<threads).allSatisfy { _ in
            // The core reads with these threads: they inherit that every signal is blocked, so its own do as well.
            (try? startThread(name) { [self] in loop(ended) }) != nil
        }
    }

    private func loop(_ ended: @Sendable () -> Void) {
        while true {
            let event = unsafe cgb_queue_next(handle.pointer, fireTimers())
            if event.kind == Int32(CGB_EVENT_END) { break }
            if event.kind == Int32(CGB_EVENT_TIMEOUT) { continue }
            let receiver = receivers.withLock { $0.byID[event.id] }
            receiver?.handle(event.kind, succeeded: event.ok)
        }
        let isLast = receivers.withLock { receivers in
            receivers.threads -= 1
            if receivers.threads == 0 { receivers.byID.removeAll() }
            return receivers.threads == 0
        }
        guard isLast else { return }
        ended()
        unsafe cgb_queue_destroy(handle.pointer)
    }

    /// A number that no receiver had before.
    func nextID() -> UInt64 {
        receivers.withLock { receivers in
            receivers.next += 1
            return receivers.next
        }
    }

    /// Sends the events with that number to a receiver, which is kept alive until `remove`.
    func add(_ receiver: any EventReceiver, as id: UInt64) { receivers.withLock { $0.byID[id] = receiver } }

    /// Forgets a receiver; later events with its number are dropped.
    func remove(_ id: UInt64) {
        let actions = receivers.withLock { receivers -> [@Sendable () -> Void] in
            receivers.byID[id] = nil
            receivers.timers[id] = nil
            guard receivers.byID.isEmpty else { return [] }
            defer { receivers.whenEmpty = [] }
            return receivers.whenEmpty
        }
        for action in actions { action() }
    }

    /// Gives a receiver a `CGB_EVENT_TIMEOUT` at some time, in place of what was set before; nil takes it back.
    ///
    /// On a thread of the queue only, which then waits for the next event no longer than until then.
    func setTimer(_ id: UInt64, at time: ContinuousClock.Instant?) {
        receivers.withLock { receivers in
            receivers.timers[id] = time
            guard let time else { return }
            receivers.earliest = min(receivers.earliest ?? time, time)
        }
    }

    /// Tells those whose time is up; answers how many nanoseconds the next one has, -1 when there is none.
    private func fireTimers() -> Int64 {
        while true {
            let now = ContinuousClock.now
            let (due, next) = receivers.withLock { receivers -> ([any EventReceiver], ContinuousClock.Instant?) in
                guard let earliest = receivers.earliest, earliest <= now else { return ([], receivers.earliest) }
                let ids = receivers.timers.filter { $0.value <= now }.map(\.key)
                for id in ids { receivers.timers[id] = nil }
                receivers.earliest = receivers.timers.values.min()
                return (ids.compactMap { receivers.byID[$0] }, receivers.earliest)
            }
            if due.isEmpty { return next.map { max(.zero, $0 - now).nanoseconds } ?? -1 }
            for receiver in due { receiver.handle(Int32(CGB_EVENT_TIMEOUT), succeeded: true) }
        }
    }

    /// Runs an action once no receiver is left, at once if there is none.
    func whenEmpty(_ action: @escaping @Sendable () -> Void) {
        let isEmpty = receivers.withLock { receivers in
            if !receivers.byID.isEmpty { receivers.whenEmpty.append(action) }
            return receivers.byID.isEmpty
        }
        if isEmpty { action() }
    }

    /// Every receiver of now.
    func all() -> [any EventReceiver] { receivers.withLock { Array($0.byID.values) } }

    /// Starts an operation, unless the queue is closed.
    ///
    /// - Parameter start: calls the bridge; answers whether it took the operation. Must not start or close anything itself.
    /// - Returns: whether an event will come.
    func start(_ start: () -> Bool) -> Bool {
        isClosed.withLock { $0 ? false : start() }
    }

    /// Lets what was started end, and nothing new start; the thread ends after the last event.
    func close() {
        isClosed.withLock { closed in
            if !closed { unsafe cgb_queue_shutdown(handle.pointer) }
            closed = true
        }
    }
}

extension Duration {
    /// Rounded up, so that a timer is due when it fires.
    fileprivate var nanoseconds: Int64 {
        let (whole, overflows) = components.seconds.multipliedReportingOverflow(by: 1_000_000_000)
        return overflows ? .max : whole &+ components.attoseconds / 1_000_000_000 &+ 1
    }
}
