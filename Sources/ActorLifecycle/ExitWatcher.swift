import Glibc
import Synchronization
import SystemLayer
import Threads

/// Waits for the end of many processes on one thread of its own.
///
/// What is no longer watched is let go at once: when `forget` returns, nothing here holds the process's descriptor.
final class ExitWatcher: Sendable {
    /// Names one watch, and is never used again.
    typealias Ticket = UInt64

    private let core: Core

    /// Starts the thread.
    ///
    /// - Throws: when the process has no descriptor or thread left.
    init() throws(SyscallError) {
        core = try Core()
        let core = core
        try startThread("exits") { core.serve() }
    }

    deinit { core.end() }

    /// Watches a process until its end or `forget`.
    ///
    /// - Parameters:
    ///   - handle: kept until then; reaped at its end if it is our child.
    ///   - action: called at most once, on the watcher's thread: it must not block.
    /// - Returns: what `forget` is told.
    /// - Throws: when the kernel takes no more.
    func watch(_ handle: ProcessHandle, _ action: @escaping @Sendable (Ticket) -> Void) throws(SyscallError) -> Ticket {
        try core.add(handle, action)
    }

    /// Watches no longer; an action that was not called yet never will be.
    func forget(_ ticket: Ticket) { core.forget(ticket) }

    /// How many processes are watched.
    var count: Int { core.count }
}

/// What the thread and the callers share: one epoll(7) set, and who is in it.
private final class Core: Sendable {
    private struct Watch {
        let handle: ProcessHandle
        let action: @Sendable (ExitWatcher.Ticket) -> Void
    }
    private struct State {
        var watches: [ExitWatcher.Ticket: Watch] = [:]
        var next: ExitWatcher.Ticket = 1
    }
    /// What the event of `end` carries.
    private static let endTicket: ExitWatcher.Ticket = 0

    private let set: WaitSet
    /// Its reader is in the set: closing the writer is the event that ends the thread.
    private let ender: OwnedFD
    private let enders = Mutex<CInt?>(nil)
    private let state = Mutex(State())

    init() throws(SyscallError) {
        set = try WaitSet()
        let pipe = try Channels.pipe()
        ender = OwnedFD(pipe.read)
        enders.withLock { $0 = pipe.write }
        try set.add(pipe.read, tag: Self.endTicket)
    }

    var count: Int { state.withLock { $0.watches.count } }

    func add(
        _ handle: ProcessHandle,
        _ action: @escaping @Sendable (ExitWatcher.Ticket) -> Void
    ) throws(SyscallError) -> ExitWatcher.Ticket {
        let result = state.withLock { state -> Result<ExitWatcher.Ticket, SyscallError> in
            let ticket = state.next
            state.next += 1
            do throws(SyscallError) { try set.add(handle.pollDescriptor, tag: ticket) } catch {
                return .failure(error)
            }
            state.watches[ticket] = Watch(handle: handle, action: action)
            return .success(ticket)
        }
        return try result.get()
    }

    func forget(_ ticket: ExitWatcher.Ticket) {
        state.withLock { state in
            guard let watch = state.watches.removeValue(forKey: ticket) else { return }
            set.remove(watch.handle.pollDescriptor)
        }
    }

    func end() {
        let writer = enders.withLock { writer in
            defer { writer = nil }
            return writer
        }
        if let writer { _ = close(writer) }
    }

    /// The thread's body.
    func serve() {
        while true {
            for ticket in set.wait() {
                if ticket == Self.endTicket { return }
                ended(ticket)
            }
        }
    }

    /// Reaps and lets go under the lock, so that `forget` returns only before or after; then tells.
    private func ended(_ ticket: ExitWatcher.Ticket) {
        let action = state.withLock { state -> (@Sendable (ExitWatcher.Ticket) -> Void)? in
            // An event may be on its way when its watch is forgotten.
            guard let watch = state.watches.removeValue(forKey: ticket) else { return nil }
            set.remove(watch.handle.pollDescriptor)
            // It has ended, so this does not block.
            _ = watch.handle.wait()
            return watch.action
        }
        action?(ticket)
    }
}
