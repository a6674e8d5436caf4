import GRPCTransport
import HostErrors
import Testing

/// What the transport refuses itself: each with the trailer, and with the reason that its owner encodes.
@Suite(.timeLimit(.minutes(1)))
struct RefusalTests {
    /// A status whose details are the reason's name.
    private static let refusal: Refusal = {
        RPCStatus(code: $0.code.rawValue, message: $0.message, details: Array(($0.reason?.rawValue ?? "").utf8))
    }

    private struct Outcome {
        let code: Int32?
        let reason: String
        let elapsed: Int
    }

    /// Calls `/t.T/Echo` of a server with these limits, whose handler answers with so many bytes.
    private func outcome(
        of request: [UInt8],
        method: String = "/t.T/Echo",
        limits: ServerLimits,
        reply size: Int = 0
    ) async throws -> Outcome {
        let scratch = try Scratch()
        let handler: UnaryHandler = { _, _ in UnaryReply(result: .success(Array(repeating: 1, count: size))) }
        let server = try GRPCServer(methods: ["/t.T/Echo": .unary(handler)], limits: limits, refusal: Self.refusal)
        try server.listen(unix: scratch.socket)
        server.start()
        let client = GRPCClient(unix: scratch.socket)
        let (result, trailers) = await client.unary(method, request, timeout: .seconds(20))
        client.close()
        await server.shutdown(grace: .seconds(1))
        let elapsed = trailers.filter { $0.0 == "x-server-elapsed-us" && Int($0.1) != nil }.count
        guard case .failure(let status) = result else { return Outcome(code: nil, reason: "", elapsed: elapsed) }
        return Outcome(code: status.code, reason: String(decoding: status.details, as: UTF8.self), elapsed: elapsed)
    }

    @Test(arguments: [1001, 100_000, 3 << 20])
    func requestsThatAreTooLarge(_ size: Int) async throws {
        var limits = ServerLimits()
        limits.maxMessageBytes = 1000
        let outcome = try await outcome(of: Array(repeating: 1, count: size), limits: limits)
        #expect(outcome.code == 8)
        #expect(outcome.reason == "LIMIT_EXCEEDED")
        #expect(outcome.elapsed == 1)
    }

    @Test func repliesThatAreTooLarge() async throws {
        var limits = ServerLimits()
        limits.maxMessageBytes = 1000
        let fits = try await outcome(of: [1], limits: limits, reply: 1000)
        #expect(fits.code == nil && fits.elapsed == 1)
        let outcome = try await outcome(of: [1], limits: limits, reply: 1001)
        #expect(outcome.code == 8)
        #expect(outcome.reason == "LIMIT_EXCEEDED")
        #expect(outcome.elapsed == 1)
    }

    @Test func unknownMethods() async throws {
        let outcome = try await outcome(of: [1], method: "/t.T/None", limits: ServerLimits())
        #expect(outcome.code == 12)
        #expect(outcome.reason == "NOT_SERVED")
        #expect(outcome.elapsed == 1)
    }
}
