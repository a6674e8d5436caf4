internal import CNetworkBridge
import Glibc
import SystemLayer

/// A moment on the clock that never goes back.
struct Deadline {
    private let nanoseconds: Int64

    /// - Parameter milliseconds: from now.
    init(milliseconds: Int) { nanoseconds = Self.now() + Int64(clamping: milliseconds) * 1_000_000 }

    /// - Parameter timeout: from now.
    init(_ timeout: Duration) {
        let (seconds, attoseconds) = timeout.components
        nanoseconds = Self.now() + min(seconds, 1 << 31) * 1_000_000_000 + attoseconds / 1_000_000_000
    }

    /// What is left, rounded up so that a wait of it is never early; 0 when it has passed.
    var milliseconds: Int { Int(max(0, (nanoseconds - Self.now() + 999_999) / 1_000_000)) }
    /// Whether it is over.
    var hasPassed: Bool { nanoseconds <= Self.now() }

    /// CLOCK_MONOTONIC.
    static func now() -> Int64 {
        var time = timespec()
        _ = unsafe clock_gettime(CLOCK_MONOTONIC, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }
}

/// A non-blocking TCP socket of the namespace at `path`.
///
/// - Parameters:
///   - path: the pinned namespace.
///   - ownThread: whether the calling thread is ours alone, so that it may go there itself and come back.
/// - Returns: unconnected, close-on-exec.
/// - Throws: ENOENT or EINVAL when `path` is no namespace.
func namespaceSocket(path: String, ownThread: Bool = false) throws(SyscallError) -> OwnedFD {
    var failure = unsafe csh_network_failure()
    let made =
        unsafe ownThread
        ? csh_network_socket_on_this_thread(path, &failure)
        : csh_network_socket(path, &failure)
    guard made >= 0 else { throw unsafe SyscallError(String(cString: failure.call), failure.error, path) }
    return OwnedFD(made)
}

/// A non-blocking TCP socket towards an actor.
///
/// - Parameters:
///   - namespacePath: the pinned namespace that it is made in, on the calling thread, which must be ours alone.
///   - address: where the actor is in the machine's own network; nil: in its namespace.
/// - Returns: unconnected, close-on-exec.
/// - Throws: the call that failed.
func actorSocket(namespacePath: String, address: String?) throws(SyscallError) -> OwnedFD {
    guard let address else { return try namespaceSocket(path: namespacePath, ownThread: true) }
    let made = unsafe csh_network_plain_socket(address)
    guard made >= 0 else { throw SyscallError("socket", errno, address) }
    return OwnedFD(made)
}

/// Connects a non-blocking socket to the workload's port, or fails by the deadline.
func connectSocket(
    _ socket: CInt,
    address: String = ActorNamespace.address,
    port: UInt16,
    deadline: Deadline
) throws(SyscallError) {
    let started = unsafe csh_network_connect(socket, address, port)
    if started == EINPROGRESS {
        var watched = pollfd(fd: socket, events: Int16(POLLOUT), revents: 0)
        while true {
            let count = unsafe poll(&watched, 1, CInt(clamping: deadline.milliseconds))
            if count > 0 { break }
            if count < 0, errno != EINTR { throw SyscallError("poll", errno) }
            if deadline.hasPassed { throw SyscallError("connect", ETIMEDOUT) }
        }
    } else if started != 0 {
        throw SyscallError("connect", started)
    }
    let ended = csh_network_connected(socket)
    guard ended == 0 else { throw SyscallError("connect", ended) }
}
