import CGRPCBridge
import Synchronization

/// What the server's calls share: the queue, the methods and who is connected.
final class ServerCore: Sendable {
    /// Slots that wait for clients; each is replaced as it is taken.
    private static let slots = 8

    let queue = EventQueue()
    let methods: [String: Method]
    let limits: ServerLimits
    /// Makes the status of a refusal of the transport's own.
    let refusal: Refusal
    let handle: ServerHandle
    private let peers = Mutex<[CInt: Connected]>([:])
    private let abuse = Mutex(Abuse())

    /// Who is behind a connection, and how often calls of it were given up of late.
    private struct Connected {
        let peer: Peer
        var calls = 0
        var resets = 0
        var since = ContinuousClock.now
    }
    /// Connections to be closed, and who closes them.
    private struct Abuse {
        var numbers: Set<CInt> = []
        var alarm: (@Sendable () -> Void)?
    }

    init(methods: [String: Method], limits: ServerLimits, refusal: @escaping Refusal) {
        self.methods = methods
        self.limits = limits
        self.refusal = refusal
        let numbers = cgb_limits(
            max_memory_bytes: Int(clamping: limits.maxBufferedBytes),
            max_concurrent_streams: Int32(clamping: limits.maxConcurrentStreams),
            max_metadata_bytes: Int32(clamping: limits.maxMetadataBytes)
        )
        unsafe handle = ServerHandle(pointer: cgb_server_create(queue.handle.pointer, numbers))
    }

    func start() {
        unsafe cgb_server_start(handle.pointer)
        for _ in 0..<Self.slots { requestCall() }
    }

    /// Opens one more slot for a call.
    ///
    /// Runs before the first connection is adopted, or on the queue's thread: so the slot is known to the queue
    /// before its event can come.
    func requestCall() {
        let id = queue.nextID()
        _ = queue.start {
            let raw = unsafe cgb_server_request(handle.pointer, queue.handle.pointer, id)
            guard let raw = unsafe raw else { return false }
            queue.add(unsafe ServerCall(id: id, handle: CallHandle(raw), server: self), as: id)
            return true
        }
    }

    /// Gives a connected socket to the core, which closes it.
    ///
    /// - Parameters:
    ///   - number: non-blocking, speaks HTTP/2, owned by nobody else.
    ///   - peer: who is at the other end.
    func adopt(_ number: CInt, from peer: Peer) {
        peers.withLock { $0[number] = Connected(peer: peer) }
        unsafe cgb_server_adopt(handle.pointer, number)
    }

    /// Forgets who was behind a connection that is closed.
    func forget(_ number: CInt) {
        peers.withLock { $0[number] = nil }
        _ = abuse.withLock { $0.numbers.remove(number) }
    }

    /// Who is behind an adopted connection; nil once it is closed.
    func peer(of number: CInt) -> Peer? { peers.withLock { $0[number]?.peer } }

    /// Counts a call of a connection in; answers how many it has.
    func enter(_ number: CInt) -> Int {
        peers.withLock { peers in
            peers[number]?.calls += 1
            return peers[number]?.calls ?? 0
        }
    }

    /// Counts a call of a connection out.
    func leave(_ number: CInt) { peers.withLock { $0[number]?.calls -= 1 } }

    /// Counts a call that was given up; past the limit its connection is to be closed.
    func countReset(of number: CInt) {
        let isAbuse = peers.withLock { peers -> Bool in
            guard var connected = peers[number] else { return false }
            let now = ContinuousClock.now
            if now - connected.since > .seconds(10) { (connected.resets, connected.since) = (0, now) }
            connected.resets += 1
            peers[number] = connected
            return connected.resets > limits.maxResets
        }
        guard isAbuse else { return }
        let alarm = abuse.withLock { abuse in
            abuse.numbers.insert(number)
            return abuse.alarm
        }
        alarm?()
    }

    /// Says whom to tell that a connection is to be closed.
    func whenAbused(_ alarm: @escaping @Sendable () -> Void) { abuse.withLock { $0.alarm = alarm } }

    /// The connections to be closed.
    func takeAbusers() -> Set<CInt> {
        abuse.withLock { abuse in
            defer { abuse.numbers = [] }
            return abuse.numbers
        }
    }
}
