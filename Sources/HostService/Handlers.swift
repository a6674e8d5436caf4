import ActorContract
import ActorLifecycle
import ContractWire
public import GRPCTransport
import HostErrors
import Telemetry

/// What every handler shares: errors become statuses here and nowhere else.
public struct Handlers: Sendable {
    let logger: Logger

    /// What the transport itself refuses, with the same details as every other refusal.
    public static let refusal: Refusal = { status($0, dialect: nil) }

    /// Runs one handler and makes its reply: the answer or a status, and the trailers.
    ///
    /// - Parameters:
    ///   - context: the call.
    ///   - dialect: whose texts an unexpected failure has; nil for our own service.
    ///   - body: decodes, calls, encodes.
    /// - Returns: the reply.
    func reply(
        _ context: CallContext,
        dialect: Dialect? = nil,
        _ body: () async throws(HostError) -> (bytes: [UInt8], trailers: [(String, String)])
    ) async -> UnaryReply {
        do throws(HostError) {
            let answer = try await body()
            return UnaryReply(result: .success(answer.bytes), trailers: answer.trailers)
        } catch {
            log(error, context)
            return UnaryReply(result: .failure(Self.status(error, dialect: dialect)), trailers: [])
        }
    }

    /// Logs a failure once, with what the client is not told.
    func log(_ error: HostError, _ context: CallContext) {
        var text = error.message
        for (key, value) in error.context.sorted(by: { $0.key < $1.key }) { text += " \(key)=\(value)" }
        logger.warning("call failed", ["rpc.method": context.method, "rpc.code": "\(error.code)", "error": text])
    }

    /// A failure as gRPC sees it.
    ///
    /// - Source: contract §1.4: `internal server error: ` prefixes a true INTERNAL, in June.
    static func status(_ error: HostError, dialect: Dialect?) -> RPCStatus {
        let plain = error.code == .internal && error.reason == nil && dialect == .june
        let message = plain ? "internal server error: \(error.message)" : error.message
        return RPCStatus(
            code: error.code.rawValue,
            message: message,
            details: StatusDetails.encode(code: error.code, message: message, reason: error.reason)
        )
    }

    /// gRPC's word for how a call ended.
    static func word(_ result: Result<[UInt8], RPCStatus>) -> String {
        guard case .failure(let status) = result else { return "OK" }
        guard let code = HostError.Code(rawValue: status.code) else { return "\(status.code)" }
        return "\(code)".map { $0.isUppercase ? "_\($0)" : $0.uppercased() }.joined()
    }

    /// How long a verb may take: to the caller's deadline, less what the host needs for its reply.
    static func verb(_ context: CallContext, otherwise milliseconds: Int64) -> VerbContext {
        guard let deadline = context.deadline?.advanced(by: .milliseconds(-50)) else {
            return VerbContext(timeoutMilliseconds: milliseconds)
        }
        let left = (deadline - ContinuousClock.now).components
        return VerbContext(
            timeoutMilliseconds: max(1, left.seconds * 1000 + left.attoseconds / 1_000_000_000_000_000),
            deadline: deadline
        )
    }
}
