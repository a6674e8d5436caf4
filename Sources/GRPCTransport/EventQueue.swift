import CGRPCBridge
import Synchronization

/// What takes the events of one call, on the queue's thread: it must not block.
protocol EventReceiver: AnyObject, Sendable {
    /// Takes one event.
    ///
    /// - Parameters:
    ///   - kind: one of the bridge's `CGB_EVENT_` numbers.
    ///   - succeeded: false when the operation came to nothing.
    func handle(_ kind: Int32, succeeded: Bool)
}

/// One completion queue with its one thread, and who waits for what on it.
final class EventQueue: Sendable {
    private struct Receivers {
        var next: UInt64 = 1
        var byID: [UInt64: any EventReceiver] = [:]
        var whenEmpty: [@Sendable () -> Void] = []
    }

    let handle: QueueHandle
    private let receivers = Mutex(Receivers())
    /// Whether operations may no longer start: starting one on a queue that is shut down aborts the process.
    private let isClosed = Mutex(false)

    init() { unsafe handle = QueueHandle(pointer: cgb_queue_create()) }

    /// Starts the thread.
    ///
    /// - Parameters:
    ///   - name: the thread's name.
    ///   - ended: runs on the thread when the queue is shut down and empty, before it is destroyed.
    /// - Returns: whether a thread could be made.
    func run(_ name: String, ended: @escaping @Sendable () -> Void) -> Bool {
        startServiceThread(name) { [self] in
            while true {
                let event = unsafe cgb_queue_next(handle.pointer)
                if event.kind == Int32(CGB_EVENT_END) { break }
                let receiver = receivers.withLock { $0.byID[event.id] }
                receiver?.handle(event.kind, succeeded: event.ok)
            }
            receivers.withLock { $0.byID.removeAll() }
            ended()
            unsafe cgb_queue_destroy(handle.pointer)
        }
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
            guard receivers.byID.isEmpty else { return [] }
            defer { receivers.whenEmpty = [] }
            return receivers.whenEmpty
        }
        for action in actions { action() }
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
