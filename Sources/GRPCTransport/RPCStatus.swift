public import HostErrors

/// Makes the status, with its details, of a refusal of the transport's own.
public typealias Refusal = @Sendable (HostError) -> RPCStatus

/// How a call ended, as gRPC tells it.
public struct RPCStatus: Error, Sendable, Equatable {
    /// The status code's number on the wire; 0 is success.
    public let code: Int32
    /// One sentence for the reader; empty on success.
    public let message: String
    /// The bytes of `grpc-status-details-bin`, a `google.rpc.Status`; may be empty.
    public let details: [UInt8]

    /// Makes one.
    ///
    /// - Parameters:
    ///   - code: the status code's number on the wire.
    ///   - message: one sentence; cut after 1024 bytes when sent.
    ///   - details: an encoded `google.rpc.Status`; left out when over 4096 bytes, because clients refuse more
    ///     than 8 KiB of trailers altogether.
    public init(code: Int32, message: String, details: [UInt8] = []) {
        self.code = code
        self.message = message
        self.details = details
    }

    /// Success.
    public static let ok = RPCStatus(code: 0, message: "")
    /// The peer is gone or has given up.
    public static let cancelled = RPCStatus(code: 1, message: "the call was cancelled")
}

extension RPCStatus: CustomStringConvertible {
    /// The code's number and the message.
    public var description: String { "status \(code): \(message)" }
}
