import CGRPCBridge
import Glibc
import SystemLayer

/// The acceptor thread's own state: what it polls, and what it does with what it hears.
struct AcceptLoop {
    /// A connection and where it stands.
    private final class Connection {
        let socket: OwnedFD
        let peer: Peer
        /// By when it must have begun to speak HTTP/2, or be gone if it was refused.
        let deadline: ContinuousClock.Instant
        /// Whether it was told to go away: what it sends is read and dropped, so that it reads that.
        let isRefused: Bool
        /// Not looked at before: it sent a part of the preface.
        var notBefore: ContinuousClock.Instant
        /// The core's number for it, once it is the core's.
        var adopted: CInt?

        init(_ number: CInt, _ peer: Peer, deadline: ContinuousClock.Instant, isRefused: Bool = false) {
            socket = OwnedFD(number)
            self.peer = peer
            self.deadline = deadline
            self.isRefused = isRefused
            notBefore = ContinuousClock.now
        }
    }

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
        let abusers = core.takeAbusers()
        for connection in connections where connection.adopted.map(abusers.contains) == true {
            // The core sees the end of it too, and ends its calls.
            shutdown(connection.socket.rawValue, CInt(SHUT_RDWR))
        }
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
            guard let peer = listener.peer(of: number) else {
                _ = Glibc.close(number)
                continue
            }
            if let words = refusal(of: peer) {
                refuse(number, peer, words)
                continue
            }
            let deadline = ContinuousClock.now + limits.handshakeTimeout
            let connection = Connection(number, peer, deadline: deadline)
            connections.append(connection)
            serve(connection, POLLIN)
        }
    }

    /// Why a newcomer has no place here; nil when it has one.
    private func refusal(of peer: Peer) -> String? {
        let served = connections.filter { !$0.isRefused }
        if served.count >= limits.maxConnections {
            return "this host has its \(limits.maxConnections) connections: try again later"
        }
        if peer.isRemote, served.count(where: { $0.peer.isRemote }) >= limits.maxNetworkConnections {
            return "this host has its \(limits.maxNetworkConnections) network connections: try again later"
        }
        if served.count(where: { $0.peer.isSame(as: peer) }) >= limits.maxConnectionsPerPeer {
            return "this peer has its \(limits.maxConnectionsPerPeer) connections: use one of them"
        }
        return nil
    }

    /// Says in HTTP/2 why a connection is not served, and lets the peer read it.
    private mutating func refuse(_ number: CInt, _ peer: Peer, _ words: String) {
        let frames = Greeting.goAway(words)
        _ = unsafe send(number, frames, frames.count, CInt(MSG_NOSIGNAL) | CInt(MSG_DONTWAIT))
        shutdown(number, CInt(SHUT_WR))
        // Closing at once, with unread bytes, would be a reset that overtakes the words.
        guard connections.count < 2 * limits.maxConnections else {
            _ = Glibc.close(number)
            return
        }
        let deadline = ContinuousClock.now + .seconds(1)
        connections.append(Connection(number, peer, deadline: deadline, isRefused: true))
    }

    private mutating func serve(_ connection: Connection, _ events: Int32) {
        if events & (POLLHUP | POLLERR | POLLNVAL) != 0 { return drop(connection) }
        guard connection.adopted == nil else { return }
        if events & POLLIN != 0 { connection.isRefused ? swallow(connection) : greet(connection) }
        if connection.adopted == nil, connection.deadline <= ContinuousClock.now { drop(connection) }
    }

    /// Takes what a refused peer still sends, until it goes.
    private mutating func swallow(_ connection: Connection) {
        var bytes = [UInt8](repeating: 0, count: 4096)
        let count = unsafe recv(connection.socket.rawValue, &bytes, bytes.count, CInt(MSG_DONTWAIT))
        if count == 0 || (count < 0 && errno != EAGAIN && errno != EINTR) { drop(connection) }
    }

    /// Looks at the first bytes without taking them, and hands over a connection that sent the preface.
    private mutating func greet(_ connection: Connection) {
        let number = connection.socket.rawValue
        var start = [UInt8](repeating: 0, count: Greeting.length)
        let count = unsafe recv(number, &start, start.count, CInt(MSG_PEEK) | CInt(MSG_DONTWAIT))
        guard count > 0 else {
            if count < 0, errno == EAGAIN || errno == EINTR { return }
            return drop(connection)
        }
        guard Greeting.mayBegin(with: start.prefix(count)) else { return drop(connection) }
        guard count == Greeting.length else {
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
