import Glibc
public import SystemLayer

/// A thread of our own that ends when its body returns; nobody waits for it.
///
/// - Parameters:
///   - name: at most 15 bytes, seen in `ps -L`.
///   - body: runs with every signal blocked.
/// - Throws: EAGAIN when the machine has no more threads.
public func startWatchThread(_ name: String, _ body: @escaping @Sendable () -> Void) throws(SyscallError) {
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
            // Only for `ps -L`: a thread without its name works as well.
            let comm = unsafe open("/proc/thread-self/comm", O_WRONLY | O_CLOEXEC)
            if comm >= 0 { try? writeAll(Array(work.name.utf8), to: OwnedFD(comm).rawValue) }
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
    _ = pthread_detach(thread)
}
