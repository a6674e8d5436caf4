import CGRPCBridge
import Glibc
import SystemLayer

/// The acceptor thread's own state: what it polls, and what it does with what it hears.
struct AcceptLoop {
    /// A connection and where it stands.
    private final class Connection {
        let socket: OwnedFD
        let peer: Peer
        /// By when it must have begun to speak HTTP/2.
        let deadline: ContinuousClock.Instant
        /// Not looked at before: it sent a part of the preface.
        var notBefore: ContinuousClock.Instant
        /// The core's number for it, once it is the core's.
        var adopted: CInt?

        init(_ number: CInt, _ peer: Peer, deadline: ContinuousClock.Instant) {
            socket = OwnedFD(number)
            self.peer = peer
            self.deadline = deadline
            notBefore = ContinuousClock.now
        }
    }

    /// - Source: RFC 9113 section 3.4.
    private static let preface = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8)

    var listeners: [Listener] = []
    private let core: ServerCore
    private let limits: ServerLimits
    private let wake: CInt
    private var connections: [Connection] = []
    private var numbers = FreshNumbers()
    /// Set while the process has no descriptor left: listeners are not polled before.
    private var pausedUntil: ContinuousClock.Instant?

    init(core: ServerCore, limits: ServerLimits, wake: CInt) {
        self.core = core
        self.limits = limits
        self.wake = wake
    }

    /// Waits for something to happen and does what it asks for.
    mutating func turn() {
        let now = ContinuousClock.now
        if let until = pausedUntil, until <= now { pausedUntil = nil }
        var polled = [pollfd(fd: wake, events: Int16(POLLIN), revents: 0)]
        for listener in listeners {
            // A negative number is passed over by poll(2).
            polled.append(pollfd(fd: pausedUntil == nil ? listener.number : -1, events: Int16(POLLIN), revents: 0))
        }
        for connection in connections {
            let isAwaited = connection.adopted == nil && connection.notBefore <= now
            polled.append(
                pollfd(fd: connection.socket.rawValue, events: isAwaited ? Int16(POLLIN) : 0, revents: 0)
            )
        }
        guard unsafe poll(&polled, nfds_t(polled.count), timeout(from: now)) >= 0 else { return }
        drainWake()
        let served = connections
        for (connection, event) in zip(served, polled.dropFirst(1 + listeners.count)) {
            serve(connection, Int32(event.revents))
        }
        for (listener, event) in zip(listeners, polled.dropFirst()) where event.revents != 0 { accept(from: listener) }
    }

    /// Milliseconds until the next deadline; -1 if there is none, so that an idle host sleeps.
    private func timeout(from now: ContinuousClock.Instant) -> CInt {
        var next = pausedUntil
        for connection in connections where connection.adopted == nil {
            let due = connection.notBefore > now ? connection.notBefore : connection.deadline
            next = min(next ?? due, due)
        }
        guard let next else { return -1 }
        let (seconds, attoseconds) = (next - now).components
        return CInt(clamping: max(0, seconds * 1000 + attoseconds / 1_000_000_000_000_000 + 1))
    }

    private func drainWake() {
        var count: UInt64 = 0
        _ = unsafe read(wake, &count, 8)
    }

    private mutating func accept(from listener: Listener) {
        while true {
            let number = cgb_accept(listener.number)
            guard number >= 0 else {
                if errno == EINTR || errno == ECONNABORTED { continue }
                if errno != EAGAIN { pausedUntil = ContinuousClock.now + .milliseconds(100) }
                return
            }
            guard connections.count < limits.maxConnections, let peer = listener.peer(of: number) else {
                _ = Glibc.close(number)
                continue
            }
            let deadline = ContinuousClock.now + limits.handshakeTimeout
            let connection = Connection(number, peer, deadline: deadline)
            connections.append(connection)
            serve(connection, POLLIN)
        }
    }

    private mutating func serve(_ connection: Connection, _ events: Int32) {
        if events & (POLLHUP | POLLERR | POLLNVAL) != 0 { return drop(connection) }
        guard connection.adopted == nil else { return }
        if events & POLLIN != 0 { greet(connection) }
        if connection.adopted == nil, connection.deadline <= ContinuousClock.now { drop(connection) }
    }

    /// Looks at the first bytes without taking them, and hands over a connection that sent the preface.
    private mutating func greet(_ connection: Connection) {
        let number = connection.socket.rawValue
        var start = [UInt8](repeating: 0, count: Self.preface.count)
        let count = unsafe recv(number, &start, start.count, CInt(MSG_PEEK) | CInt(MSG_DONTWAIT))
        guard count > 0 else {
            if count < 0, errno == EAGAIN || errno == EINTR { return }
            return drop(connection)
        }
        guard Self.preface.starts(with: start.prefix(count)) else { return drop(connection) }
        guard count == Self.preface.count else {
            // What is there already would make poll answer at once, for as long as the rest is missing.
            connection.notBefore = ContinuousClock.now + .milliseconds(20)
            return
        }
        guard let copy = numbers.duplicate(number) else { return drop(connection) }
        connection.adopted = copy
        core.adopt(copy, from: connection.peer)
    }

    private mutating func drop(_ connection: Connection) {
        if let number = connection.adopted { core.forget(number) }
        connections.removeAll { $0 === connection }
    }
}

/// Descriptor numbers that were not used for a long time.
///
/// The core closes the descriptor it was given, and a late call of that connection still names its number: a
/// newcomer under the same number would lend it its credentials.
struct FreshNumbers {
    private let first: CInt
    private let end: CInt
    private var next: CInt

    init() {
        var limit = rlimit()
        let isKnown = unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0
        end = CInt(clamping: min(isKnown ? limit.rlim_cur : 1024, 8192))
        first = end / 4
        next = first
    }

    /// A duplicate under the next number; nil if the process has none left.
    mutating func duplicate(_ number: CInt) -> CInt? {
        for start in [next, first] {
            let copy = fcntl(number, F_DUPFD_CLOEXEC, start)
            guard copy >= 0 else { continue }
            next = copy + 1 < end ? copy + 1 : first
            return copy
        }
        return nil
    }
}
