import ContractWire
import GRPCTransport
import HostErrors

/// The command line's side of a call: one failure type, one way to say it.
struct Client: Sendable {
    /// A call that failed, as the person reads it.
    struct Failure: Error {
        let text: String
        let exitCode: ExitCode
    }

    let grpc: GRPCClient
    private let address: Endpoint

    init(_ address: Endpoint) {
        self.address = address
        grpc =
            switch address {
            case .unix(let path): GRPCClient(unix: path)
            case .tcp(let host, let port): GRPCClient(tcp: "\(host):\(port)")
            }
    }

    /// Calls a method of our own service.
    func call<Answer: HostMessage>(
        _ method: HostMethod,
        _ request: some HostMessage,
        as answer: Answer.Type
    ) async throws(Failure) -> Answer {
        let bytes = try await raw(method.path, request.encoded()).bytes
        do throws(HostError) { return try Answer(decoding: bytes) } catch {
            throw Failure(text: "the host's answer does not decode: \(error.message)", exitCode: .failure)
        }
    }

    /// Calls a method by its path.
    func raw(_ path: String, _ bytes: [UInt8]) async throws(Failure) -> (bytes: [UInt8], trailers: [(String, String)]) {
        let (result, trailers) = await grpc.unary(path, bytes, timeout: nil)
        switch result {
        case .success(let bytes): return (bytes, trailers)
        case .failure(let status): throw failure(status)
        }
    }

    /// A status in words, with the reason that machines read.
    func failure(_ status: RPCStatus) -> Failure {
        if status.code == HostError.Code.unavailable.rawValue, StatusDetails.reason(status.details) == nil {
            return Failure(
                text: "no host answers at \(address); start one with `substrate-host --backend=NAME`",
                exitCode: .unavailable
            )
        }
        let reason = StatusDetails.reason(status.details).map { " (\($0.rawValue))" } ?? ""
        return Failure(text: status.message + reason, exitCode: .failure)
    }
}
