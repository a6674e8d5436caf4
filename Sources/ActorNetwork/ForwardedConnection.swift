internal import CNetworkBridge
import Glibc
import SystemLayer

/// One client and its connection into the namespace; owned by the pump's thread alone.
final class ForwardedConnection: PumpedConnection {
    private static let capacity = 65536

    private let target: StreamEnd
    private var splice: Splice
    /// While connecting: when to give up.
    private(set) var deadline: Deadline? = Deadline(milliseconds: 5000)

    init(client: consuming OwnedFD, target: consuming OwnedFD) {
        self.target = StreamEnd(target)
        splice = Splice(near: StreamEnd(client), far: self.target, capacity: Self.capacity)
    }

    var wanted: [pollfd] {
        guard deadline != nil else { return splice.wanted }
        return [
            pollfd(fd: -1, events: 0, revents: 0),
            pollfd(fd: target.descriptor, events: Int16(POLLOUT), revents: 0),
        ]
    }

    func advance(_ nearEvents: Int16, _ farEvents: Int16) -> Bool {
        if let deadline {
            if farEvents == 0 { return !deadline.hasPassed }
            self.deadline = nil
            return csh_network_connected(target.descriptor) == 0
        }
        return nearEvents == 0 && farEvents == 0 ? true : splice.advance()
    }
}
