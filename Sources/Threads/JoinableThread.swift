import Glibc
public import SystemLayer

/// A thread of our own whose end somebody waits for; let go without `join`, it runs on unattended.
public struct JoinableThread: ~Copyable, Sendable {
    private let thread: pthread_t

    /// Starts it, as `startThread` does.
    ///
    /// - Parameters:
    ///   - name: at most 15 bytes, seen in `ps -L` and in core dumps.
    ///   - body: runs once, with every signal blocked, on a stack of 512 KiB.
    /// - Throws: EAGAIN when the machine has no more threads.
    public init(_ name: String, _ body: @escaping @Sendable () -> Void) throws(SyscallError) {
        thread = try startThread(name, detachState: CInt(PTHREAD_CREATE_JOINABLE), body)
    }

    /// Waits until the body has returned; never from a thread of the cooperative pool.
    public consuming func join() {
        pthread_join(thread, nil)
        discard self
    }

    deinit { pthread_detach(thread) }
}
