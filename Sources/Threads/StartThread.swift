import Glibc
public import SystemLayer

/// Starts a thread of our own that nobody waits for: its body may block, which no pool's thread must.
///
/// - Parameters:
///   - name: at most 15 bytes, seen in `ps -L` and in core dumps.
///   - body: runs once, with every signal blocked, on a stack of 512 KiB.
/// - Throws: EAGAIN when the machine has no more threads.
public func startThread(_ name: String, _ body: @escaping @Sendable () -> Void) throws(SyscallError) {
    _ = try startThread(name, detachState: CInt(PTHREAD_CREATE_DETACHED), body)
}

/// Makes the thread, with the state of pthread_attr_setdetachstate(3).
func startThread(
    _ name: String,
    detachState: CInt,
    _ body: @escaping @Sendable () -> Void
) throws(SyscallError) -> pthread_t {
    let attributes = UnsafeMutablePointer<pthread_attr_t>.allocate(capacity: 1)
    defer { unsafe attributes.deallocate() }
    guard unsafe pthread_attr_init(attributes) == 0 else { throw SyscallError("pthread_attr_init", ENOMEM, name) }
    defer { _ = unsafe pthread_attr_destroy(attributes) }
    _ = unsafe pthread_attr_setdetachstate(attributes, detachState)
    _ = unsafe pthread_attr_setstacksize(attributes, stackBytes)
    let work = unsafe Unmanaged.passRetained(ThreadWork(name, body))
    var thread: pthread_t = 0
    var all = sigset_t()
    var before = sigset_t()
    _ = unsafe sigfillset(&all)
    // A thread inherits the mask of its maker (pthread_create(3)), so there is no moment in which it could be chosen
    // for a signal that is meant for the process.
    _ = unsafe pthread_sigmask(SIG_SETMASK, &all, &before)
    let error = unsafe pthread_create(
        &thread,
        attributes,
        { argument in
            guard let argument = unsafe argument else { return nil }
            let work = unsafe Unmanaged<ThreadWork>.fromOpaque(argument).takeRetainedValue()
            // Only for who looks: a thread without its name works as well.
            try? TextFile.write(work.name, to: "/proc/thread-self/comm")
            work.body()
            return nil
        },
        work.toOpaque()
    )
    _ = unsafe pthread_sigmask(SIG_SETMASK, &before, nil)
    guard error == 0 else {
        unsafe work.release()
        throw SyscallError("pthread_create", error, name)
    }
    return thread
}

/// The default of 8 MiB is only address space, but it counts against RLIMIT_AS and cgroups that charge stacks.
private let stackBytes = 512 << 10

/// What a thread is handed across pthread_create(3).
private final class ThreadWork: Sendable {
    let name: String
    let body: @Sendable () -> Void

    init(_ name: String, _ body: @escaping @Sendable () -> Void) {
        self.name = name
        self.body = body
    }
}
