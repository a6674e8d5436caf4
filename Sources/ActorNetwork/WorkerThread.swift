internal import CSystemShims
import Glibc
import SystemLayer

/// Starts a thread of our own: blocking calls and namespaces have no place on the cooperative pool.
///
/// - Parameters:
///   - name: at most 15 bytes, seen in `ps -L`.
///   - body: runs with every signal blocked.
/// - Returns: the thread; it must be joined or detached.
/// - Throws: EAGAIN when the machine has no more threads.
func startThread(_ name: String, _ body: @escaping @Sendable () -> Void) throws(SyscallError) -> pthread_t {
    final class Work {
        let name: String
        let body: @Sendable () -> Void
        init(_ name: String, _ body: @escaping @Sendable () -> Void) {
            self.name = name
            self.body = body
        }
    }
    let work = unsafe Unmanaged.passRetained(Work(name, body))
    var thread = pthread_t()
    var all = sigset_t()
    var before = sigset_t()
    _ = unsafe sigfillset(&all)
    _ = unsafe pthread_sigmask(SIG_SETMASK, &all, &before)
    let error = unsafe pthread_create(
        &thread,
        nil,
        { argument in
            guard let argument = unsafe argument else { return nil }
            let work = unsafe Unmanaged<Work>.fromOpaque(argument).takeRetainedValue()
            unsafe csh_network_name_thread(work.name)
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
