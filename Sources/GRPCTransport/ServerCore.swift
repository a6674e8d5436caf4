import CGRPCBridge
import Synchronization

/// What the server's calls share: the queue, the methods and who is connected.
final class ServerCore: Sendable {
    /// Slots that wait for clients; each is replaced as it is taken.
    private static let slots = 8

    let queue = EventQueue()
    let methods: [String: Method]
    let handle: ServerHandle
    private let peers = Mutex<[CInt: Peer]>([:])

    init(methods: [String: Method], limits: ServerLimits) {
        self.methods = methods
        let numbers = cgb_limits(
            max_message_bytes: Int32(clamping: limits.maxMessageBytes),
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
        peers.withLock { $0[number] = peer }
        unsafe cgb_server_adopt(handle.pointer, number)
    }

    /// Forgets who was behind a connection that is closed.
    func forget(_ number: CInt) { peers.withLock { $0[number] = nil } }

    /// Who is behind an adopted connection; nil once it is closed.
    func peer(of number: CInt) -> Peer? { peers.withLock { $0[number] } }
}
