import Synchronization

/// The standard health service's Check.
///
/// - Source: gRPC "Health checking protocol", `grpc.health.v1`.
final class Health: Sendable {
    static let method = "/grpc.health.v1.Health/Check"

    private let services: Set<String>
    private let isServing = Mutex(true)

    /// Knows the services of these methods, and the whole server under the empty name.
    init(methods: some Sequence<String>) {
        services = Set(methods.compactMap { $0.split(separator: "/").first.map(String.init) }).union([""])
    }

    func set(_ serving: Bool) { isServing.withLock { $0 = serving } }

    func check(_ request: [UInt8]) -> Result<[UInt8], RPCStatus> {
        guard let service = Self.service(in: request) else {
            return .failure(RPCStatus(code: 3, message: "not a grpc.health.v1.HealthCheckRequest"))
        }
        guard services.contains(service) else {
            return .failure(RPCStatus(code: 5, message: "unknown service: \(service)"))
        }
        // Field 1, varint: SERVING = 1, NOT_SERVING = 2.
        return .success([0x08, isServing.withLock { $0 } ? 1 : 2])
    }

    /// Field 1 of a message that has no other; nil if it is anything else.
    private static func service(in request: [UInt8]) -> String? {
        guard !request.isEmpty else { return "" }
        // A name under 128 bytes has a length of one byte; longer ones are no service of ours anyhow.
        guard request.count >= 2, request[0] == 0x0a, request[1] < 128, request.count == 2 + Int(request[1]) else {
            return nil
        }
        return String(validating: request[2...], as: UTF8.self)
    }
}
