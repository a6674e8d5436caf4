/// Who is at the other end of a connection.
public enum Peer: Sendable, Equatable {
    /// A process of this machine, as the kernel saw it when it connected.
    ///
    /// - Source: unix(7) "SO_PEERCRED".
    case unix(pid: Int32, uid: UInt32, gid: UInt32)
    /// A network address with its port, such as `127.0.0.1:40312` or `[::1]:40312`.
    case tcp(String)
}

extension Peer {
    /// Whether two connections count as one peer's: of one process, or from one address.
    func isSame(as other: Peer) -> Bool {
        switch (self, other) {
        case (.unix(let pid, let uid, _), .unix(let otherPID, let otherUID, _)): pid == otherPID && uid == otherUID
        case (.tcp(let address), .tcp(let otherAddress)): Self.host(address) == Self.host(otherAddress)
        default: false
        }
    }

    /// Whether it came over the network.
    var isRemote: Bool {
        if case .tcp = self { true } else { false }
    }

    private static func host(_ address: String) -> Substring {
        address.lastIndex(of: ":").map { address[..<$0] } ?? Substring(address)
    }
}

/// What a handler knows of the call beside its request.
public struct CallContext: Sendable {
    /// The full name, such as `/package.Service/Method`.
    public let method: String
    /// Who calls.
    public let peer: Peer
    /// When the client stops waiting; nil if it waits for ever.
    public let deadline: ContinuousClock.Instant?
    /// Whether the client is gone, has cancelled, or is past its deadline.
    ///
    /// The handler's task is cancelled at the same moment.
    public let isCancelled: @Sendable () -> Bool

    /// Makes one, for tests of handlers.
    ///
    /// - Parameters:
    ///   - method: the full name.
    ///   - peer: who calls.
    ///   - deadline: when the client stops waiting.
    ///   - isCancelled: whether nobody waits any more.
    public init(
        method: String,
        peer: Peer,
        deadline: ContinuousClock.Instant? = nil,
        isCancelled: @escaping @Sendable () -> Bool = { false }
    ) {
        self.method = method
        self.peer = peer
        self.deadline = deadline
        self.isCancelled = isCancelled
    }
}

/// The one answer to a unary call.
public struct UnaryReply: Sendable {
    /// The message, or the status that replaces it.
    public var result: Result<[UInt8], RPCStatus>
    /// Sent after either; `x-server-elapsed-us` is added by the transport.
    public var trailers: [(String, String)]

    /// Makes one.
    ///
    /// - Parameters:
    ///   - result: the encoded message, or the failure.
    ///   - trailers: names in lower case with their values.
    public init(result: Result<[UInt8], RPCStatus>, trailers: [(String, String)] = []) {
        self.result = result
        self.trailers = trailers
    }
}

/// Where a streaming handler sends its messages.
public protocol ResponseSink: Sendable {
    /// Sends one message and waits until the connection took it.
    ///
    /// - Parameter message: an encoded message.
    /// - Throws: `RPCStatus.cancelled` when the client is gone.
    func send(_ message: [UInt8]) async throws(RPCStatus)
}

/// Answers a unary call.
public typealias UnaryHandler = @Sendable (CallContext, [UInt8]) async -> UnaryReply
/// Answers a call with a stream of messages, and then a status with trailers.
public typealias StreamHandler =
    @Sendable (CallContext, [UInt8], any ResponseSink) async -> (RPCStatus, [(String, String)])
/// Answers one of a client's many messages; a failure ends the call.
public typealias ConversationHandler = @Sendable (CallContext, [UInt8]) async -> Result<[UInt8], RPCStatus>

/// What the server does for one method's name.
public enum Method: Sendable {
    /// One request, one answer.
    case unary(UnaryHandler)
    /// One request, many answers.
    case serverStream(StreamHandler)
    /// An answer to each request, in turn, until the client says that it was the last.
    case conversation(ConversationHandler)
}
