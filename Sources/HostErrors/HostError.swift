/// What went wrong, for whom, and how to mend it: the one error that crosses a room's border.
public struct HostError: Error, Sendable, Equatable {
    /// Decides the gRPC status of the answer.
    public let code: Code
    /// The machine-readable cause, sent to clients as `google.rpc.ErrorInfo`; nil where the code says it all.
    public let reason: Reason?
    /// One sentence for the reader: names the field, the value and the mend.
    ///
    /// Never holds a secret or an `env` value.
    public let message: String
    /// Details for the host's own log, under dotted keys; never sent to a client.
    public let context: [String: String]

    /// Makes an error.
    ///
    /// - Parameters:
    ///   - code: the gRPC status that a client sees.
    ///   - reason: the machine-readable cause, if one applies.
    ///   - message: lower case, no full stop, with the value that failed.
    ///   - context: details for the log alone.
    public init(_ code: Code, _ reason: Reason? = nil, _ message: String, context: [String: String] = [:]) {
        self.code = code
        self.reason = reason
        self.message = message
        self.context = context
    }
}

extension HostError: CustomStringConvertible {
    /// The message with its code, for logs and test failures.
    public var description: String { "\(code): \(message)" }
}
