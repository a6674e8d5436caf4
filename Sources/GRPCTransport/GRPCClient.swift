import CGRPCBridge
import Synchronization

/// A gRPC client of one server: no proxy, no retry, no name service, plain text.
public final class GRPCClient: Sendable {
    private let queue = EventQueue()
    private let channel: ChannelHandle

    /// Connects, when first called, to a socket file.
    ///
    /// - Parameter path: absolute.
    public convenience init(unix path: String) { self.init(target: "unix:\(path)") }

    /// Connects, when first called, to a network address.
    ///
    /// - Parameter address: such as `127.0.0.1:8080`.
    public convenience init(tcp address: String) { self.init(target: address) }

    private init(target: String) {
        let channel = unsafe ChannelHandle(pointer: cgb_channel_create(target, Int32(4 << 20)))
        self.channel = channel
        let runs = queue.run("grpc-client") { unsafe cgb_channel_destroy(channel.pointer) }
        precondition(runs, "no thread could be made for the client")
    }

    deinit { close() }

    /// Calls a method that answers once.
    ///
    /// Cancelling the task cancels the call.
    /// - Parameters:
    ///   - method: the full name.
    ///   - request: the encoded request.
    ///   - timeout: after it the answer is DEADLINE_EXCEEDED; nil waits for ever.
    /// - Returns: the encoded reply or the failure, and the trailers without `grpc-status-details-bin`.
    public func unary(
        _ method: String,
        _ request: [UInt8],
        timeout: Duration? = nil
    ) async -> (Result<[UInt8], RPCStatus>, trailers: [(String, String)]) {
        guard let call = open(method, timeout: timeout) else { return (.failure(Self.closed), []) }
        return await withTaskCancellationHandler {
            await call.unary(request)
        } onCancel: {
            call.cancel()
        }
    }

    /// Calls a method that answers with a stream.
    ///
    /// Each message is asked for when it is wanted, so a slow reader slows the server. Dropping the stream, or
    /// cancelling the task that reads it, cancels the call.
    /// - Parameters:
    ///   - method: the full name.
    ///   - request: the encoded request.
    /// - Returns: the encoded messages; ends by throwing an `RPCStatus` unless the status is OK.
    public func serverStream(_ method: String, _ request: [UInt8]) -> AsyncThrowingStream<[UInt8], any Error> {
        guard let call = open(method, timeout: nil) else {
            return AsyncThrowingStream { throw Self.closed }
        }
        let reader = StreamReader(call)
        call.openStream(request)
        return AsyncThrowingStream { try await reader.next() }
    }

    /// Cancels every call and frees the connection; later calls fail.
    public func close() {
        for case let call as ClientCall in queue.all() { call.cancel() }
        queue.close()
    }

    private static let closed = RPCStatus(code: 14, message: "the client is closed")

    private func open(_ method: String, timeout: Duration?) -> ClientCall? {
        let id = queue.nextID()
        let name = Array(method.utf8)
        let nanoseconds = timeout?.nanoseconds ?? -1
        var call: ClientCall?
        _ = queue.start {
            let raw = unsafe name.withUnsafeBufferPointer { buffer in
                unsafe cgb_channel_call(
                    channel.pointer,
                    queue.handle.pointer,
                    id,
                    buffer.baseAddress,
                    buffer.count,
                    nanoseconds
                )
            }
            guard let raw = unsafe raw else { return false }
            call = unsafe ClientCall(id: id, handle: CallHandle(raw), queue: queue)
            return true
        }
        return call
    }
}

/// Cancels its call when nobody reads the stream any more.
private final class StreamReader: Sendable {
    private let call: ClientCall
    init(_ call: ClientCall) { self.call = call }
    deinit { call.cancel() }

    func next() async throws -> [UInt8]? {
        try await withTaskCancellationHandler {
            try await call.nextMessage()
        } onCancel: {
            call.cancel()
        }
    }
}

extension Duration {
    /// Whole nanoseconds, not below 0, at most some thirty years.
    fileprivate var nanoseconds: Int64 {
        let (seconds, attoseconds) = components
        guard seconds >= 0 else { return 0 }
        return min(seconds, 1_000_000_000) * 1_000_000_000 + max(0, attoseconds) / 1_000_000_000
    }
}
