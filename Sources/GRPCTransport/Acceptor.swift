import CGRPCBridge
import Glibc
import HostErrors
import Synchronization
import SystemLayer
import Threads

/// Accepts connections on a thread of its own and hands each to the core once it begins to speak HTTP/2.
///
/// The core's own listeners would hide who connects. Each connection's own descriptor stays here, to see when
/// it ends; the core gets a duplicate under a fresh number, by which its calls name their peer.
final class Acceptor: Sendable {
    private struct Control {
        var added: [Listener] = []
        var isStopping = false
    }

    private let control = Mutex(Control())
    private let wake: OwnedFD
    private let core: ServerCore
    private let limits: ServerLimits

    init(core: ServerCore, limits: ServerLimits) throws(HostError) {
        let number = cgb_event_descriptor()
        guard number >= 0 else { throw refusal("make an eventfd for", "the listeners") }
        wake = OwnedFD(number)
        self.core = core
        self.limits = limits
        core.whenAbused { [weak self] in self?.signal() }
    }

    /// Adds a listener; it is served once the thread runs.
    func add(_ listener: Listener) {
        control.withLock { $0.added.append(listener) }
        signal()
    }

    /// Stops accepting; the listeners are gone when the thread ends.
    func stop() {
        control.withLock { $0.isStopping = true }
        signal()
    }

    /// Starts the thread.
    ///
    /// - Parameter ended: runs on the thread after the last listener is closed.
    /// - Returns: whether a thread could be made.
    func run(ended: @escaping @Sendable () -> Void) -> Bool {
        let started: Void? = try? startThread("grpc-accept") { [self] in
            var loop = AcceptLoop(core: core, limits: limits, wake: wake.rawValue)
            while true {
                let (added, isStopping) = control.withLock { control in
                    defer { control.added = [] }
                    return (control.added, control.isStopping)
                }
                loop.listeners.append(contentsOf: added)
                if isStopping { break }
                loop.turn()
            }
            for listener in loop.listeners { listener.retire() }
            loop.listeners = []
            ended()
        }
        return started != nil
    }

    private func signal() {
        var one: UInt64 = 1
        // Only fails when the counter is full, and then it is readable anyhow.
        _ = unsafe write(wake.rawValue, &one, 8)
    }
}

/// One listening socket, unix or TCP.
final class Listener: Sendable {
    private let unix: UnixListener?
    private let tcp: TCPListener?
    /// The listening descriptor.
    let number: CInt

    init(_ unix: consuming UnixListener) {
        number = unix.socket.rawValue
        self.unix = consume unix
        tcp = nil
    }

    init(_ tcp: consuming TCPListener) {
        number = tcp.socket.rawValue
        self.tcp = consume tcp
        unix = nil
    }

    /// Removes the path of a unix listener.
    func retire() { unix?.unlinkPath() }

    /// Who is at the other end of an accepted connection; nil if it is gone already.
    func peer(of connection: CInt) -> Peer? {
        guard tcp == nil else {
            var yes: CInt = 1
            unsafe setsockopt(connection, CInt(IPPROTO_TCP), TCP_NODELAY, &yes, socklen_t(MemoryLayout<CInt>.size))
            return unsafe socketAddress(connection, getpeername).map { .tcp($0.text) }
        }
        var pid: Int32 = 0
        var uid: UInt32 = 0
        var gid: UInt32 = 0
        guard unsafe cgb_peer_credentials(connection, &pid, &uid, &gid) == 0 else { return nil }
        return .unix(pid: pid, uid: uid, gid: gid)
    }
}
