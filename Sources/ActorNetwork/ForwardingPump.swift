internal import CNetworkBridge
import Glibc
import Synchronization
import SystemLayer

/// One of the connections of a pump; owned by its thread alone.
protocol PumpedConnection: AnyObject {
    /// What poll(2) should watch: two entries, of which a negative descriptor is none.
    var wanted: [pollfd] { get }
    /// When `advance` wants to be called though nothing happened; nil: never.
    var deadline: Deadline? { get }
    /// Goes on, told what poll(2) saw at each of the two.
    ///
    /// - Returns: whether the connection lives on.
    func advance(_ nearEvents: Int16, _ farEvents: Int16) -> Bool
}

/// The thread of a listener whose connections lead elsewhere: one poll(2) over all of them.
final class ForwardingPump: Sendable {
    /// A listener that cannot accept (no descriptors left) is left alone for so long.
    private static let pauseMilliseconds = 50
    /// Connections that are taken before the others get their turn again.
    private static let acceptedAtOnce = 32

    private let listener: Mutex<OwnedFD?>
    private let wake: WakeSignal
    private let limit: Int
    private let mayAccept: @Sendable () -> Bool
    private let open: @Sendable (consuming OwnedFD) -> (any PumpedConnection)?

    /// - Parameters:
    ///   - listener: non-blocking.
    ///   - wake: ends it.
    ///   - limit: connections at once; further ones wait in the listener's queue.
    ///   - mayAccept: whether there is room for one more; asked again a moment later.
    ///   - open: begins with a client; nil closes it.
    init(
        listener: consuming OwnedFD,
        wake: WakeSignal,
        limit: Int,
        mayAccept: @escaping @Sendable () -> Bool = { true },
        open: @escaping @Sendable (consuming OwnedFD) -> (any PumpedConnection)?
    ) {
        self.listener = Mutex(listener)
        self.wake = wake
        self.limit = limit
        self.mayAccept = mayAccept
        self.open = open
    }

    /// Forwards until woken; then everything is closed.
    func run() {
        // Owned by this thread from here on, so that it is closed before the thread can be joined.
        let taken = listener.withLock { $0.take() }
        guard let taken else { return }
        var connections: [any PumpedConnection] = []
        var pausedUntil: Deadline?
        while true {
            if let pause = pausedUntil, pause.hasPassed { pausedUntil = nil }
            if pausedUntil == nil, !mayAccept() { pausedUntil = Deadline(milliseconds: Self.pauseMilliseconds) }
            let accepts = connections.count < limit && pausedUntil == nil
            var watched = [
                pollfd(fd: wake.descriptor, events: Int16(POLLIN), revents: 0),
                // A negative descriptor is skipped by poll(2).
                pollfd(fd: accepts ? taken.rawValue : -1, events: Int16(POLLIN), revents: 0),
            ]
            watched.reserveCapacity(2 + 2 * connections.count)
            var wait = pausedUntil?.milliseconds ?? -1
            for connection in connections {
                watched += connection.wanted
                guard let left = connection.deadline?.milliseconds else { continue }
                wait = wait < 0 ? left : min(wait, left)
            }
            let count = unsafe poll(&watched, nfds_t(watched.count), CInt(clamping: wait))
            if count < 0, errno != EINTR { pausedUntil = Deadline(milliseconds: Self.pauseMilliseconds) }
            if watched[0].revents != 0 { return }
            if count >= 0 {
                var open: [any PumpedConnection] = []
                open.reserveCapacity(connections.count)
                for (index, connection) in connections.enumerated() {
                    let near = watched[2 + 2 * index].revents
                    let far = watched[3 + 2 * index].revents
                    if connection.advance(near, far) { open.append(connection) }
                }
                connections = open
                if watched[1].revents != 0 { accept(taken.rawValue, into: &connections, pausedUntil: &pausedUntil) }
            }
        }
    }

    private func accept(
        _ listener: CInt,
        into connections: inout [any PumpedConnection],
        pausedUntil: inout Deadline?
    ) {
        for _ in 0..<Self.acceptedAtOnce where connections.count < limit && mayAccept() {
            let number = csh_network_accept(listener)
            guard number >= 0 else {
                if errno != EAGAIN, errno != ECONNABORTED, errno != EINTR {
                    pausedUntil = Deadline(milliseconds: Self.pauseMilliseconds)
                }
                return
            }
            if let connection = open(OwnedFD(number)) { connections.append(connection) }
        }
    }
}
