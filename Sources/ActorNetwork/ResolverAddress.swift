import ActorContract
internal import CNetworkBridge
import Glibc
public import HostErrors

/// Who answers actors' DNS queries: an address, and port 53 unless it says another.
public struct ResolverAddress: Sendable, Equatable {
    /// IPv4 or IPv6, without brackets.
    public let address: String
    /// 1...65535.
    public let port: UInt16

    /// Reads `ADDRESS` or `ADDRESS:PORT`; an IPv6 address with a port is in brackets.
    ///
    /// - Parameters:
    ///   - text: as the operator wrote it.
    ///   - field: how the settings call it.
    /// - Throws: `INVALID_ARGUMENT` that names the field.
    public init(_ text: String, field: String) throws(HostError) {
        if Self.isAddress(text) {
            (address, port) = (text, 53)
            return
        }
        let parsed = try GatewayAddress(text, field: field)
        guard Self.isAddress(parsed.host) else {
            throw HostError(
                .invalidArgument,
                nil,
                "\(field): \"\(text)\" is no address: write ADDRESS or ADDRESS:PORT, such as 10.0.0.53; a name would need a resolver"
            )
        }
        (address, port) = (parsed.host, parsed.port)
    }

    private static func isAddress(_ text: String) -> Bool {
        var bytes = (UInt64(0), UInt64(0))
        return unsafe inet_pton(AF_INET, text, &bytes) == 1 || inet_pton(AF_INET6, text, &bytes) == 1
    }
}
