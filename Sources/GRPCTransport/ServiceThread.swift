import CGRPCBridge
import Glibc

/// Holds a thread's body across pthread_create(3).
private final class ThreadBody {
    let run: @Sendable () -> Void
    init(_ run: @escaping @Sendable () -> Void) { self.run = run }
}

/// Starts a detached thread of our own: its body may block, which the cooperative pool's threads must not.
///
/// All signals are blocked in it, so that the process's signal handling stays where the host put it; the C
/// core's own threads inherit that.
/// - Parameters:
///   - name: at most 15 bytes, for `ps -L` and core dumps.
///   - body: runs once.
/// - Returns: whether the thread could be made.
func startServiceThread(_ name: String, _ body: @escaping @Sendable () -> Void) -> Bool {
    var attributes = pthread_attr_t()
    guard unsafe pthread_attr_init(&attributes) == 0 else { return false }
    defer { _ = unsafe pthread_attr_destroy(&attributes) }
    unsafe pthread_attr_setdetachstate(&attributes, CInt(PTHREAD_CREATE_DETACHED))
    unsafe pthread_attr_setstacksize(&attributes, 512 << 10)
    let box = unsafe Unmanaged.passRetained(
        ThreadBody {
            var all = sigset_t()
            unsafe sigfillset(&all)
            unsafe pthread_sigmask(SIG_SETMASK, &all, nil)
            unsafe cgb_name_thread(name)
            body()
        }
    )
    var thread = pthread_t()
    let result = unsafe pthread_create(
        &thread,
        &attributes,
        { raw in
            guard let raw = unsafe raw else { return nil }
            unsafe Unmanaged<ThreadBody>.fromOpaque(raw).takeRetainedValue().run()
            return nil
        },
        box.toOpaque()
    )
    if result != 0 { unsafe box.release() }
    return result == 0
}
