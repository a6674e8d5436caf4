internal import CNetworkBridge
import Glibc
import Synchronization
import SystemLayer

/// The thread of a `PortForwarder`: one poll(2) over the listener and all connections.
final class ForwardingPump: Sendable {
    /// A listener that cannot accept (no descriptors left) is left alone for so long.
    private static let pauseMilliseconds = 50

    private let listener: Mutex<OwnedFD?>
    private let wake: WakeSignal
    private let namespacePath: String
    private let address: String?
    private let targetPort: UInt16

    init(
        listener: consuming OwnedFD,
        wake: WakeSignal,
        namespacePath: String,
        address: String?,
        targetPort: UInt16
    ) {
        self.listener = Mutex(listener)
        self.wake = wake
        self.namespacePath = namespacePath
        self.address = address
        self.targetPort = targetPort
    }

    /// Forwards until woken; then everything is closed.
    func run() {
        // Owned by this thread from here on, so that it is closed before the thread can be joined.
        let taken = listener.withLock { $0.take() }
        guard let taken else { return }
        var connections: [ForwardedConnection] = []
        var pausedUntil: Deadline?
        while true {
            if let pause = pausedUntil, pause.hasPassed { pausedUntil = nil }
            let accepts = connections.count < PortForwarder.connectionLimit && pausedUntil == nil
            var watched = [
                pollfd(fd: wake.descriptor, events: Int16(POLLIN), revents: 0),
                // A negative descriptor is skipped by poll(2).
                pollfd(fd: accepts ? taken.rawValue : -1, events: Int16(POLLIN), revents: 0),
            ]
            for connection in connections { watched += connection.wanted }
            var wait = pausedUntil?.milliseconds ?? -1
            for connection in connections {
                guard let left = connection.connectDeadline?.milliseconds else { continue }
                wait = wait < 0 ? left : min(wait, left)
            }
            let count = unsafe poll(&watched, nfds_t(watched.count), CInt(clamping: wait))
            if count < 0, errno != EINTR { pausedUntil = Deadline(milliseconds: Self.pauseMilliseconds) }
            if watched[0].revents != 0 { return }
            if count >= 0 {
                var open: [ForwardedConnection] = []
                for (index, connection) in connections.enumerated() {
                    let client = watched[2 + 2 * index].revents
                    let target = watched[3 + 2 * index].revents
                    if connection.advance(client: client, target: target) { open.append(connection) }
                }
                connections = open
                if watched[1].revents != 0 {
                    if let connection = accept(taken.rawValue, pausedUntil: &pausedUntil) {
                        connections.append(connection)
                    }
                }
            }
        }
    }

    private func accept(_ listener: CInt, pausedUntil: inout Deadline?) -> ForwardedConnection? {
        let number = csh_network_accept(listener)
        guard number >= 0 else {
            if errno != EAGAIN, errno != ECONNABORTED, errno != EINTR {
                pausedUntil = Deadline(milliseconds: Self.pauseMilliseconds)
            }
            return nil
        }
        let client = OwnedFD(number)
        // The actor may be gone, or not listen yet: the client then sees its connection closed.
        guard let target = try? actorSocket(namespacePath: namespacePath, address: address) else { return nil }
        let started = unsafe csh_network_connect(target.rawValue, address ?? ActorNamespace.address, targetPort)
        guard started == 0 || started == EINPROGRESS else { return nil }
        return ForwardedConnection(client: client, target: target)
    }
}
