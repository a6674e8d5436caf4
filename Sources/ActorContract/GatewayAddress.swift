public import HostErrors

/// Where an actor's connections go out: a policy enforcement point, as `HOST:PORT`.
public struct GatewayAddress: Sendable, Equatable, CustomStringConvertible {
    /// A name or an address, without the brackets of an IPv6 one; its certificate must be for it.
    public let host: String
    /// 1...65535.
    public let port: UInt16

    /// Reads `HOST:PORT`: a DNS name, an IPv4 address, or an IPv6 address in brackets.
    ///
    /// - Parameters:
    ///   - text: as the request has it.
    ///   - field: how the request calls it.
    /// - Throws: `INVALID_ARGUMENT` that names the field.
    public init(_ text: String, field: String = "egress_gateway.address") throws(HostError) {
        guard !text.isEmpty else { throw Validation.invalid("\(field): required") }
        func fault(_ what: String) -> HostError {
            Validation.invalid("\(field): invalid value \(Validation.quoted(text)): \(what)")
        }
        guard let colon = text.lastIndex(of: ":") else { throw fault("must be HOST:PORT, and it has no port") }
        let digits = text[text.index(after: colon)...]
        guard !digits.isEmpty, digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let port = UInt16(digits),
            port > 0
        else { throw fault("the port must be 1 to 65535") }
        var name = text[..<colon]
        let isBracketed = name.hasPrefix("[") && name.hasSuffix("]")
        if isBracketed { name = name.dropFirst().dropLast() }
        let isAddress = Self.isIPv6(name)
        guard isBracketed == isAddress else {
            throw fault("the host must be a DNS name, an IPv4 address, or an IPv6 address in brackets")
        }
        if !isAddress, let what = DNSName.subdomainFault(name.lowercased()) {
            throw fault("the host is no DNS name and no address: \(what)")
        }
        host = String(name)
        self.port = port
    }

    /// As it is written.
    public var description: String { host.utf8.contains(UInt8(ascii: ":")) ? "[\(host)]:\(port)" : "\(host):\(port)" }

    /// Groups of at most four hex digits between colons; what else an address may not be, connecting to it finds out.
    private static func isIPv6(_ text: Substring) -> Bool {
        text.utf8.count { $0 == UInt8(ascii: ":") } >= 2
            && text.utf8.allSatisfy { byte in
                byte == UInt8(ascii: ":") || byte == UInt8(ascii: ".") || (0x30...0x39).contains(byte)
                    || (0x41...0x46).contains(byte) || (0x61...0x66).contains(byte)
            }
    }
}
