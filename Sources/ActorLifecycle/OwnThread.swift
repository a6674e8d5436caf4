import Glibc
import SystemLayer

/// Starts a detached thread of our own, with every signal blocked: its body may block, which no pool's thread must.
///
/// - Parameters:
///   - name: at most 15 bytes, seen in `ps -L`.
///   - body: runs once.
/// - Throws: EAGAIN when the machine has no more threads.
func startThread(_ name: String, _ body: @escaping @Sendable () -> Void) throws(SyscallError) {
    final class Work {
        let name: String
        let body: @Sendable () -> Void
        init(_ name: String, _ body: @escaping @Sendable () -> Void) {
            self.name = name
            self.body = body
        }
    }
    var attributes = pthread_attr_t()
    guard unsafe pthread_attr_init(&attributes) == 0 else { throw SyscallError("pthread_attr_init", ENOMEM, name) }
    defer { _ = unsafe pthread_attr_destroy(&attributes) }
    _ = unsafe pthread_attr_setdetachstate(&attributes, CInt(PTHREAD_CREATE_DETACHED))
    _ = unsafe pthread_attr_setstacksize(&attributes, 512 << 10)
    let work = unsafe Unmanaged.passRetained(Work(name, body))
    var thread = pthread_t()
    var all = sigset_t()
    var before = sigset_t()
    _ = unsafe sigfillset(&all)
    // Inherited by the thread, which so begins with all of them blocked.
    _ = unsafe pthread_sigmask(SIG_SETMASK, &all, &before)
    let error = unsafe pthread_create(
        &thread,
        &attributes,
        { argument in
            guard let argument = unsafe argument else { return nil }
            let work = unsafe Unmanaged<Work>.fromOpaque(argument).takeRetainedValue()
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
}
