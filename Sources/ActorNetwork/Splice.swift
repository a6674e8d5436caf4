import Glibc

/// Two ends whose bytes are each other's, with an end of either half passed on; owned by the pump's thread alone.
struct Splice {
    /// Bytes under way in one direction, and how far that direction has come to its end.
    private struct Flow {
        var bytes: [UInt8] = []
        var sourceEnded = false
        var shutDown = false

        var wantsRead: Bool { !sourceEnded && bytes.isEmpty }
        var wantsWrite: Bool { !bytes.isEmpty || sourceEnded && !shutDown }
    }

    private let near: StreamEnd
    private let far: StreamEnd
    /// The most that is under way in one direction.
    private let capacity: Int
    private let counters: EgressCounters?
    private var outward = Flow()
    private var inward = Flow()

    /// - Parameters:
    ///   - near: one end.
    ///   - far: the other.
    ///   - capacity: of each direction, in bytes.
    ///   - received: what the far end has said already.
    ///   - counters: hear how much was moved, outward from the near end.
    init(near: StreamEnd, far: StreamEnd, capacity: Int, received: [UInt8] = [], counters: EgressCounters? = nil) {
        self.near = near
        self.far = far
        self.capacity = capacity
        self.counters = counters
        inward.bytes = received
    }

    /// What poll(2) should watch: the near end, then the far one.
    var wanted: [pollfd] {
        [
            entry(near, read: outward.wantsRead, write: inward.wantsWrite),
            entry(far, read: inward.wantsRead, write: outward.wantsWrite),
        ]
    }

    /// An end that nothing is wanted from is left out: poll(2) would report its hang-up for ever.
    private func entry(_ end: StreamEnd, read: Bool, write: Bool) -> pollfd {
        let events = (read ? end.readEvent : 0) | (write ? end.writeEvent : 0)
        return pollfd(fd: events == 0 ? -1 : end.descriptor, events: events, revents: 0)
    }

    /// Moves what can be moved.
    ///
    /// - Returns: whether the stream lives on.
    mutating func advance() -> Bool {
        let (out, back) = (outward.bytes.count, inward.bytes.count)
        guard let sent = move(&outward, from: near, to: far), let heard = move(&inward, from: far, to: near)
        else { return false }
        counters?.moved(out: out + sent - outward.bytes.count, in: back + heard - inward.bytes.count)
        return !(outward.shutDown && inward.shutDown)
    }

    /// One read and one write.
    ///
    /// - Returns: how many bytes were read; nil when either end broke.
    private func move(_ flow: inout Flow, from source: StreamEnd, to sink: StreamEnd) -> Int? {
        var count = 0
        if flow.wantsRead {
            switch source.read(capacity) {
            case .bytes(let bytes):
                if bytes.isEmpty { flow.sourceEnded = true }
                flow.bytes = bytes
                count = bytes.count
            case .later: break
            case .failed: return nil
            }
        }
        if !flow.bytes.isEmpty {
            guard let written = sink.write(flow.bytes) else { return nil }
            flow.bytes.removeFirst(written)
        }
        if flow.sourceEnded, flow.bytes.isEmpty, !flow.shutDown {
            // The other direction goes on: a request may end before its answer begins.
            flow.shutDown = sink.end()
        }
        return count
    }
}
