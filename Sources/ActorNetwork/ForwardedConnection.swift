internal import CNetworkBridge
import Glibc
import SystemLayer

/// One client and its connection into the namespace; owned by the pump's thread alone.
final class ForwardedConnection {
    /// Bytes under way in one direction, and how far that direction has come to its end.
    private struct Flow {
        static let capacity = 65536
        var bytes: [UInt8] = []
        var sourceEnded = false
        var shutDown = false

        var wantsRead: Bool { !sourceEnded && bytes.isEmpty }
        var wantsWrite: Bool { !bytes.isEmpty }
    }

    private let client: OwnedFD
    private let target: OwnedFD
    private var outward = Flow()
    private var inward = Flow()
    /// While connecting: when to give up.
    private(set) var connectDeadline: Deadline? = Deadline(milliseconds: 5000)

    init(client: consuming OwnedFD, target: consuming OwnedFD) {
        self.client = client
        self.target = target
    }

    /// What poll(2) should watch: the client's end, then the target's.
    var wanted: [pollfd] {
        if connectDeadline != nil {
            return [
                pollfd(fd: -1, events: 0, revents: 0),
                pollfd(fd: target.rawValue, events: Int16(POLLOUT), revents: 0),
            ]
        }
        return [
            entry(client.rawValue, read: inward.wantsRead, write: outward.wantsWrite),
            entry(target.rawValue, read: outward.wantsRead, write: inward.wantsWrite),
        ]
    }

    /// An end that nothing is wanted from is left out: poll(2) would report its hang-up for ever.
    private func entry(_ descriptor: CInt, read: Bool, write: Bool) -> pollfd {
        let events = (read ? POLLIN : 0) | (write ? POLLOUT : 0)
        return pollfd(fd: events == 0 ? -1 : descriptor, events: Int16(events), revents: 0)
    }

    /// Moves what can be moved.
    ///
    /// - Returns: whether the connection lives on.
    func advance(client clientEvents: Int16, target targetEvents: Int16) -> Bool {
        if let deadline = connectDeadline {
            if targetEvents == 0 { return !deadline.hasPassed }
            connectDeadline = nil
            return csh_network_connected(target.rawValue) == 0
        }
        if clientEvents == 0, targetEvents == 0 { return true }
        guard move(&inward, from: client.rawValue, to: target.rawValue),
            move(&outward, from: target.rawValue, to: client.rawValue)
        else { return false }
        return !(inward.shutDown && outward.shutDown)
    }

    /// One read and one write; false when either end broke.
    private func move(_ flow: inout Flow, from source: CInt, to sink: CInt) -> Bool {
        if flow.wantsRead {
            let bytes: [UInt8]
            do throws(SyscallError) {
                bytes = try readSome(Flow.capacity, from: source)
                if bytes.isEmpty { flow.sourceEnded = true }
                flow.bytes = bytes
            } catch {
                if error.errno != EAGAIN { return false }
            }
        }
        if flow.wantsWrite {
            let count = unsafe send(sink, flow.bytes, flow.bytes.count, CInt(MSG_NOSIGNAL))
            if count < 0 { return errno == EAGAIN || errno == EINTR }
            flow.bytes.removeFirst(count)
        }
        if flow.sourceEnded, flow.bytes.isEmpty, !flow.shutDown {
            flow.shutDown = true
            // The other direction goes on: a request may end before its answer begins.
            _ = shutdown(sink, CInt(SHUT_WR))
        }
        return true
    }
}
