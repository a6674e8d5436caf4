internal import CNetworkBridge
import Glibc
public import HostErrors
public import SystemLayer

/// An actor's network namespace: no interface but the loopback, which carries one constant address.
///
/// The address is the same for every actor, so that a full snapshot can wake in any slot; the host reaches it through
/// a socket made inside the namespace, so there is no route, no clash and nothing to leak.
public struct ActorNamespace: ~Copyable, Sendable {
    /// The address at which every workload is reached, inside its own namespace.
    public static let address = "169.254.17.2"

    /// The host's own, where the workload's is that of an interface; where names are asked for in either.
    public static let hostAddress = "169.254.17.1"

    /// Whether an IPv4 address, in the machine's byte order, is one that a namespace has itself: 127.0.0.0/8, or the
    /// network of the two above.
    static func isOwn(_ address: UInt32) -> Bool { address >> 24 == 127 || address >> 2 == 0xa9fe_1100 >> 2 }

    private let descriptor: OwnedFD

    /// Makes a namespace that ends with this value, unless it is pinned before.
    ///
    /// - Parameter hasInterface: whether the address is that of an interface, `eth0`, which a runtime with a network
    ///   stack of its own may take for itself; nobody reaches it before `attach(at:)`.
    /// - Throws: `FAILED_PRECONDITION` (`MACHINE`) without the privilege, `INTERNAL` else.
    public init(hasInterface: Bool = false) throws(HostError) {
        var number: CInt = -1
        let result = unsafe csh_network_make(Self.address, hasInterface ? 1 : 0, &number)
        guard unsafe result.error == 0 else {
            throw Self.failure(unsafe SyscallError(String(cString: result.call), result.error))
        }
        descriptor = OwnedFD(number)
    }

    /// Pins the namespace by a mount on `path`.
    ///
    /// Repeating it is harmless: a namespace that is pinned there already is kept, and this one ends.
    /// - Parameter path: absolute; its directory exists. The file is made.
    /// - Throws: `FAILED_PRECONDITION` (`MACHINE`) without the privilege, `INTERNAL` else; nothing is left behind.
    public consuming func pin(at path: String) throws(HostError) {
        switch unsafe csh_network_is_pinned(path) {
        case 1: return
        case 0: break
        default:
            let file = unsafe open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
            guard file >= 0 else { throw Self.failure(SyscallError("open", errno, path)) }
            _ = Glibc.close(file)
        }
        let result = unsafe csh_network_pin(descriptor.rawValue, path)
        guard unsafe result.error == 0 else {
            _ = unsafe unlink(path)
            throw Self.failure(unsafe SyscallError(String(cString: result.call), result.error, path))
        }
    }

    /// Lets the host reach an interface's address, once a runtime has taken it.
    ///
    /// Before, the address of the host's end would be taken as well. Repeating it is harmless.
    /// - Parameter path: the pinned namespace, made with an interface.
    /// - Throws: `INTERNAL` when there is no such interface.
    public static func attach(at path: String) throws(HostError) {
        let result = unsafe csh_network_attach(path, hostAddress)
        guard unsafe result.error == 0 else {
            throw failure(unsafe SyscallError(String(cString: result.call), result.error, path))
        }
    }

    /// Takes the interface down, or up again: while it is down nobody reaches the workload, nor it anybody.
    ///
    /// Repeating it is harmless.
    /// - Parameters:
    ///   - isCut: whether it goes down.
    ///   - path: the pinned namespace, made with an interface.
    /// - Throws: `INTERNAL` when there is no such interface.
    public static func cut(_ isCut: Bool, at path: String) throws(HostError) {
        let result = unsafe csh_network_cut(path, isCut ? 1 : 0)
        guard unsafe result.error == 0 else {
            throw failure(unsafe SyscallError(String(cString: result.call), result.error, path))
        }
    }

    /// Unpins the namespace and removes the file; it ends with the last process and socket in it.
    ///
    /// Repeating it is harmless.
    /// - Parameter path: as for `pin(at:)`.
    /// - Throws: `INTERNAL` when the mount or the file will not go.
    public static func remove(at path: String) throws(HostError) {
        let result = unsafe csh_network_unpin(path)
        guard unsafe result.error == 0 else {
            throw failure(unsafe SyscallError(String(cString: result.call), result.error, path))
        }
        guard unsafe unlink(path) == 0 || errno == ENOENT || errno == ENOTDIR else {
            throw failure(SyscallError("unlink", errno, path))
        }
    }

    /// Connects to a port of the workload.
    ///
    /// Blocks: never call it on the cooperative pool. The calling thread stays in its own namespace.
    /// - Parameters:
    ///   - path: the pinned namespace.
    ///   - port: where the workload listens.
    ///   - timeoutMilliseconds: ETIMEDOUT after this.
    /// - Returns: a connected, blocking socket.
    /// - Throws: ECONNREFUSED while nobody listens; ENOENT or EINVAL when `path` is no namespace.
    public static func dial(path: String, port: UInt16, timeoutMilliseconds: Int) throws(SyscallError) -> OwnedFD {
        let socket = try namespaceSocket(path: path)
        try connectSocket(socket.rawValue, port: port, deadline: Deadline(milliseconds: timeoutMilliseconds))
        let flags = fcntl(socket.rawValue, F_GETFL)
        guard flags >= 0, fcntl(socket.rawValue, F_SETFL, flags & ~O_NONBLOCK) == 0 else {
            throw SyscallError("fcntl", errno)
        }
        return socket
    }

    private static func failure(_ error: SyscallError) -> HostError {
        if error.errno == EPERM {
            return HostError(
                .failedPrecondition,
                .machine,
                "an actor's network namespace needs CAP_SYS_ADMIN: run the host as root (\(error))"
            )
        }
        return HostError(.internal, nil, "network namespace: \(error)", context: ["network.path": error.subject])
    }
}
