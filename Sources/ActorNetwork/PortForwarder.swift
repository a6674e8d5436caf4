internal import CNetworkBridge
import Glibc
public import HostErrors
import Synchronization
import SystemLayer
import Threads

/// A loopback port of the host that leads to a port of the workload, for as long as this value lives.
public final class PortForwarder: Sendable {
    /// Connections at once; further ones wait in the listener's queue.
    public static let connectionLimit = 256

    /// The port that was got.
    public let port: UInt16

    private let wake: WakeSignal
    private let thread: Mutex<JoinableThread?>

    /// Listens and starts forwarding.
    ///
    /// - Parameters:
    ///   - listenHost: a dotted IPv4 address of this machine.
    ///   - port: 0 = any.
    ///   - namespacePath: the actor's pinned namespace, looked up anew for each connection.
    ///   - address: where the actor is in the machine's own network; nil: in its namespace.
    ///   - targetPort: where the workload listens.
    /// - Throws: `ALREADY_EXISTS` when the port is taken, `INVALID_ARGUMENT` for another address that cannot be had.
    public init(
        listenHost: String = "127.0.0.1",
        port: UInt16,
        namespacePath: String,
        address: String? = nil,
        targetPort: UInt16
    ) throws(HostError) {
        var got = port
        var failure = unsafe csh_network_failure()
        let listener = unsafe csh_network_listen(listenHost, &got, &failure)
        guard listener >= 0 else {
            let error = unsafe SyscallError(String(cString: failure.call), failure.error, "\(listenHost):\(port)")
            throw error.errno == EADDRINUSE
                ? HostError(.alreadyExists, nil, "port \(port) of \(listenHost) is taken; publish on another port")
                : HostError(.invalidArgument, nil, "cannot publish on \(listenHost):\(port): \(error)")
        }
        do throws(SyscallError) {
            let wake = try WakeSignal()
            let pump = ForwardingPump(listener: OwnedFD(listener), wake: wake, limit: Self.connectionLimit) { client in
                // The actor may be gone, or not listen yet: the client then sees its connection closed.
                guard let target = try? actorSocket(namespacePath: namespacePath, address: address) else { return nil }
                let started = unsafe csh_network_connect(
                    target.rawValue,
                    address ?? ActorNamespace.address,
                    targetPort
                )
                guard started == 0 || started == EINPROGRESS else { return nil }
                return ForwardedConnection(client: client, target: target)
            }
            self.wake = wake
            thread = Mutex(try JoinableThread("forward-\(got)") { pump.run() })
            self.port = got
        } catch {
            throw HostError(.resourceExhausted, nil, "cannot publish port \(targetPort): \(error)")
        }
    }

    /// Stops listening and cuts every connection; when it returns the port is free.
    ///
    /// Takes at most as long as one connection's setup; may be repeated.
    public func stop() {
        guard let running = thread.withLock({ $0.take() }) else { return }
        wake.raise()
        running.join()
    }

    deinit { stop() }
}
