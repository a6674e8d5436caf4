public import ActorContract
public import HostErrors

/// One container's probe, checked: where to ask and for how long.
public struct ReadinessTarget: Sendable, Equatable {
    /// The container's name, for the error's text.
    public let container: String
    /// The path as sent, with its leading slash.
    public let path: String
    /// 1...65535.
    public let port: UInt16
    /// The whole wait.
    public var timeout: Duration

    /// Checks a request's probe by the rules of the contract.
    ///
    /// - Parameters:
    ///   - container: its name.
    ///   - probe: as it came over the wire.
    /// - Throws: `INVALID_ARGUMENT`, `invalid readyz config`, when there is no `http_get` or the port is no port.
    /// - Source: contract §4.6, §11 G 41.
    public init(container: String, probe: ReadinessProbe) throws(HostError) {
        guard probe.hasHTTPGet else {
            throw HostError(.invalidArgument, nil, "invalid readyz config: \"\(container)\" has no http_get")
        }
        guard let port = UInt16(exactly: probe.port), probe.timeoutSeconds >= 0 else {
            throw HostError(
                .invalidArgument,
                nil,
                "invalid readyz config: \"\(container)\" has port \(probe.port) and timeout_seconds "
                    + "\(probe.timeoutSeconds); give a port of 1 to 65535 and a timeout of 0 (30 s) or more"
            )
        }
        try self.init(
            container: container,
            path: probe.path,
            port: port,
            timeout: .seconds(probe.timeoutSeconds == 0 ? 30 : Int(probe.timeoutSeconds))
        )
    }

    /// Checks a probe given by its parts.
    ///
    /// - Parameters:
    ///   - container: its name.
    ///   - path: empty means `/readyz`; a missing leading slash is added.
    ///   - port: not 0.
    ///   - timeout: the whole wait.
    /// - Throws: `INVALID_ARGUMENT`, `invalid readyz config`.
    public init(container: String, path: String, port: UInt16, timeout: Duration) throws(HostError) {
        guard port != 0 else {
            throw HostError(
                .invalidArgument,
                nil,
                "invalid readyz config: \"\(container)\" has port 0; give 1 to 65535"
            )
        }
        guard path.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7f }) else {
            throw HostError(
                .invalidArgument,
                nil,
                "invalid readyz config: the path of \"\(container)\" holds a control character"
            )
        }
        self.container = container
        self.path = Self.encoded(path.isEmpty ? "/readyz" : path.hasPrefix("/") ? path : "/" + path)
        self.port = port
        self.timeout = timeout
    }

    /// The path as a request line may hold it: what no URL may hold becomes `%XX`, and a fragment is not sent.
    private static func encoded(_ path: String) -> String {
        let digits = Array("0123456789ABCDEF".utf8)
        var bytes: [UInt8] = []
        for byte in path.utf8 {
            if byte == UInt8(ascii: "#") { break }
            if byte <= 0x20 || byte >= 0x7f || "\"<>\\^`{|}".utf8.contains(byte) {
                bytes += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            } else {
                bytes.append(byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
