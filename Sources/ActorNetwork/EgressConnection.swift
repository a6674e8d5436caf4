import ActorContract
internal import CNetworkBridge
import Glibc
import SystemLayer

/// One connection of an actor, from its acceptance to its end; owned by the relay's thread alone.
final class EgressConnection: PumpedConnection {
    private enum Stage {
        case looking(GatewayLookup)
        /// With the addresses to try after this one.
        case connecting([String])
        case securing
        case asking([UInt8])
        case hearing([UInt8])
        case open
    }

    /// For all from the name to the gateway's answer.
    static let setUpMilliseconds = 10_000
    /// The most of an answer's head.
    static let headLimit = 16384
    /// The most that is under way in one direction: what one record of TLS holds.
    private static let capacity = 16384

    private let relay: EgressRoute
    private let client: StreamEnd
    private let destination: String
    /// Whom it leads to in place of the gateway: a connection to port 53 is one to the operator's resolver.
    private let resolver: ResolverAddress?
    private var stage: Stage
    private var far: StreamEnd?
    private var splice: Splice?
    /// What the set-up waits for.
    private var waiting = pollfd(fd: -1, events: 0, revents: 0)
    private(set) var deadline: Deadline? = Deadline(milliseconds: setUpMilliseconds)

    /// Begins.
    ///
    /// - Parameters:
    ///   - client: the actor's socket.
    ///   - destination: where it was going.
    ///   - relay: what all of the actor's connections have in common.
    /// - Throws: why it cannot begin.
    init(client: consuming OwnedFD, to destination: String, by relay: EgressRoute) throws(EgressRefusal.Cause) {
        self.relay = relay
        self.destination = destination
        resolver = destination.hasSuffix(":53") ? relay.resolver : nil
        stage = resolver == nil ? .looking(try relay.name.lookup()) : .connecting([])
        self.client = StreamEnd(client)
        relay.counters.begin()
        if let resolver { try connect([resolver.address]) } else { try proceed(0) }
    }

    deinit { relay.counters.end() }

    var wanted: [pollfd] { splice?.wanted ?? [pollfd(fd: -1, events: 0, revents: 0), waiting] }

    func advance(_ nearEvents: Int16, _ farEvents: Int16) -> Bool {
        if splice != nil { return nearEvents == 0 && farEvents == 0 || splice?.advance() == true }
        do throws(EgressRefusal.Cause) {
            if farEvents != 0 { try proceed(farEvents) }
            guard let deadline, deadline.hasPassed else { return true }
            throw EgressRefusal.Cause("\(who) did not answer within \(Self.setUpMilliseconds / 1000) s")
        } catch {
            relay.refuse(destination, error)
            return false
        }
    }

    private func hold(on descriptor: CInt, _ event: Int16) {
        waiting = pollfd(fd: descriptor, events: event, revents: 0)
    }

    /// Goes on until there is something to wait for, or bytes flow.
    private func proceed(_ events: Int16) throws(EgressRefusal.Cause) {
        var isReady = events != 0
        while splice == nil {
            switch stage {
            case .looking(let lookup):
                guard let result = lookup.result else { return hold(on: lookup.descriptor, Int16(POLLIN)) }
                try connect(try result.get()[...])
            case .connecting(let rest):
                guard isReady, let far else { return }
                isReady = false
                let error = csh_network_connected(far.descriptor)
                if error == 0 {
                    if resolver != nil { return open(far, received: []) }
                    stage = .securing
                } else if rest.isEmpty {
                    throw EgressRefusal.Cause("\(who) is not reached: \(SyscallError("connect", error))")
                } else {
                    try connect(rest[...])
                }
            case .securing:
                guard let far else { return }
                if let event = try far.handshake() { return hold(on: far.descriptor, event) }
                stage = .asking(Array("CONNECT \(destination) HTTP/1.1\r\nHost: \(destination)\r\n\r\n".utf8))
            case .asking(let bytes):
                guard let far else { return }
                guard let count = far.write(bytes) else { throw broken(far) }
                stage = count < bytes.count ? .asking(Array(bytes.dropFirst(count))) : .hearing([])
                if count < bytes.count { return hold(on: far.descriptor, far.writeEvent) }
            case .hearing(let bytes):
                guard try hear(bytes) else { return }
            case .open: return
            }
        }
    }

    private var who: String { resolver == nil ? "the gateway" : "the resolver of egress.dns" }

    /// Tries the first address that can be tried.
    private func connect(_ addresses: ArraySlice<String>) throws(EgressRefusal.Cause) {
        var words = "it has no address"
        for index in addresses.indices {
            let socket = unsafe csh_network_plain_socket(addresses[index])
            guard socket >= 0 else {
                words = "\(SyscallError("socket", errno))"
                continue
            }
            let made = OwnedFD(socket)
            csh_network_keep_alive(socket)
            let port = resolver?.port ?? relay.gateway.port
            let started = unsafe csh_network_connect(socket, addresses[index], port)
            guard started == 0 || started == EINPROGRESS else {
                words = "\(SyscallError("connect", started))"
                continue
            }
            far = resolver == nil ? try relay.access.end(made, host: relay.gateway.host) : StreamEnd(made)
            stage = .connecting(Array(addresses[(index + 1)...]))
            return hold(on: socket, Int16(POLLOUT))
        }
        throw EgressRefusal.Cause("\(who) is not reached: \(words)")
    }

    /// - Returns: whether to go on at once.
    private func hear(_ before: [UInt8]) throws(EgressRefusal.Cause) -> Bool {
        guard let far else { return false }
        let some: [UInt8]
        switch far.read(Self.headLimit) {
        case .bytes(let bytes): some = bytes
        case .later:
            hold(on: far.descriptor, far.readEvent)
            return false
        case .failed: throw broken(far)
        }
        guard !some.isEmpty else { throw EgressRefusal.Cause("the gateway closed the connection without an answer") }
        let bytes = before + some
        switch HTTPAnswerHead.parse(bytes) {
        case .status(let status, _, let end) where (200..<300).contains(status):
            if let end {
                open(far, received: Array(bytes[end...]))
                return true
            }
        case .status(let status, _, _): throw EgressRefusal.Cause("the gateway answered \(status)")
        case .malformed: throw EgressRefusal.Cause("the gateway's answer is no HTTP")
        case .incomplete: break
        }
        guard bytes.count < Self.headLimit else {
            throw EgressRefusal.Cause("the head of the gateway's answer is longer than \(Self.headLimit) bytes")
        }
        stage = .hearing(bytes)
        return true
    }

    private func open(_ far: StreamEnd, received: [UInt8]) {
        deadline = nil
        stage = .open
        relay.counters.letOut()
        splice = Splice(
            near: client,
            far: far,
            capacity: Self.capacity,
            received: received,
            counters: relay.counters
        )
    }

    private func broken(_ end: StreamEnd) -> EgressRefusal.Cause {
        let words = end.words
        return EgressRefusal.Cause("the gateway ended the connection\(words.isEmpty ? "" : ": \(words)")")
    }
}
