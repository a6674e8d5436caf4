import CGRPCBridge
public import HostErrors
import Synchronization

/// A gRPC server over unix and TCP sockets: names its peers, bounds them, and drains when told.
///
/// Listen, then start, then shut down; a server that was made must be shut down to free its thread and memory.
public final class GRPCServer: Sendable {
    private enum Phase { case made, running, ended }

    private let core: ServerCore
    private let acceptor: Acceptor
    private let health: Health
    private let phase = Mutex(Phase.made)
    private let acceptorEnded = Latch()
    private let queueEnded = Latch()

    /// Starts the core ahead of the first server, so that whoever waits for something else meanwhile need not wait twice.
    public static func prepare() { cgb_prepare() }

    /// Makes a server that answers these methods, and `grpc.health.v1.Health`.
    ///
    /// - Parameters:
    ///   - methods: by full name, such as `/package.Service/Method`; anything else is UNIMPLEMENTED.
    ///   - limits: what clients may take.
    ///   - refusal: makes the status, with its details, of what the transport itself refuses.
    /// - Throws: when the process has no descriptor or thread left.
    public init(
        methods: [String: Method],
        limits: ServerLimits = ServerLimits(),
        refusal: @escaping Refusal = { RPCStatus(code: $0.code.rawValue, message: $0.message) }
    ) throws(HostError) {
        let health = Health(methods: methods.keys)
        var all = methods
        all[Health.check] = .unary { _, request in UnaryReply(result: health.check(request)) }
        all[Health.watch] = .serverStream { _, request, sink in (await health.watch(request, sink), []) }
        self.health = health
        core = ServerCore(methods: all, limits: limits, refusal: refusal)
        acceptor = try Acceptor(core: core, limits: limits)
    }

    /// Listens on a socket file that only this user can reach; a stale one is replaced.
    ///
    /// - Parameter path: absolute; its directory is made (0700) if missing.
    /// - Throws: `failedPrecondition` "already running" if another process listens there, or if the path or its
    ///   directory is not safe to use.
    public func listen(unix path: String) throws(HostError) {
        acceptor.add(Listener(try UnixListener(path: path)))
    }

    /// Listens on a network address, in plain text and without authentication.
    ///
    /// - Parameters:
    ///   - host: an address in numbers, or `localhost`.
    ///   - port: 0 for any.
    /// - Returns: the bound port.
    /// - Throws: when the address is none, or taken.
    public func listen(tcp host: String, port: Int) throws(HostError) -> Int {
        let listener = try TCPListener(host: host, port: port)
        let bound = listener.port
        acceptor.add(Listener(listener))
        return bound
    }

    /// Begins to serve.
    public func start() {
        let isFirst = phase.withLock { phase in
            defer { if phase == .made { phase = .running } }
            return phase == .made
        }
        guard isFirst else { return }
        let server = core.handle
        let runs = core.queue.run("grpc-events", threads: 2) { [queueEnded] in
            unsafe cgb_server_destroy(server.pointer)
            queueEnded.open()
        }
        core.start()
        let accepts = acceptor.run { [acceptorEnded] in acceptorEnded.open() }
        precondition(runs && accepts, "no thread could be made for the server")
    }

    /// Says whether health checks answer SERVING, which is so from the start.
    ///
    /// - Parameter serving: false before a drain, so that clients look elsewhere.
    public func setServing(_ serving: Bool) { health.set(serving) }

    /// Stops accepting, lets calls end, cancels what is left after the grace, and frees everything.
    ///
    /// Streams are ended after a second, UNAVAILABLE: a client that follows would else hold up the end.
    /// - Parameter grace: how long calls under way may still take. A handler that goes on for two seconds after
    ///   it was cancelled is left behind.
    public func shutdown(grace: Duration) async {
        let isRunning = phase.withLock { phase in
            defer { phase = .ended }
            return phase == .running
        }
        guard isRunning else { return }
        // Who watches would otherwise hold the drain up for the whole grace.
        health.end()
        acceptor.stop()
        await acceptorEnded.wait()
        let drained = Latch()
        let id = core.queue.nextID()
        core.queue.add(Drain(drained), as: id)
        _ = core.queue.start {
            unsafe cgb_server_shutdown(core.handle.pointer, core.queue.handle.pointer, id)
            return true
        }
        let (server, events) = (core.handle, core.queue)
        let streams = Task { [core] in
            try await Task.sleep(for: min(grace, .seconds(1)))
            for receiver in core.queue.all() { (receiver as? ServerCall)?.endStream() }
        }
        defer { streams.cancel() }
        await drained.wait(for: grace) {
            // The timer may fire as the last call ends; behind the queue's gate the server still exists.
            _ = events.start {
                unsafe cgb_server_cancel_all(server.pointer)
                return true
            }
        }
        core.queue.remove(id)
        let idle = Latch()
        core.queue.whenEmpty { idle.open() }
        let queue = core.queue
        await idle.wait(for: .seconds(2)) {
            idle.open()
        }
        queue.close()
        await queueEnded.wait()
    }
}

/// Takes the event that says that no connection is left.
private final class Drain: EventReceiver {
    private let latch: Latch
    init(_ latch: Latch) { self.latch = latch }
    func handle(_ kind: Int32, succeeded: Bool) { latch.open() }
}
