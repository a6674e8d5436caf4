public import HostErrors

/// The machine-readable cause of an error, as `grpc-status-details-bin` carries it.
public enum StatusDetails {
    /// The domain of our reasons.
    public static let domain = "substrate.dev"
    /// The trailer's name.
    public static let trailer = "grpc-status-details-bin"
    private static let typeURL = "type.googleapis.com/google.rpc.ErrorInfo"

    /// A `google.rpc.Status`, with an `ErrorInfo` when there is a reason.
    public static func encode(code: HostError.Code, message: String, reason: Reason?) -> [UInt8] {
        var status = WireMessage(.status)
        status.add("code", code.rawValue)
        status.add("message", message)
        if let reason {
            var info = WireMessage(.errorInfo)
            info.add("reason", reason.rawValue)
            info.add("domain", domain)
            status.add("details") { any in
                any.add("type_url", typeURL)
                any.add("value", .bytes(info.encoded()))
            }
        }
        return status.encoded()
    }

    /// The reason that some details hold; nil when they hold none of ours, or are no details.
    public static func reason(_ bytes: [UInt8]) -> Reason? {
        guard let status = try? WireDecoder.decode(bytes, as: .status) else { return nil }
        for any in status.messages("details") where any.string("type_url") == typeURL {
            guard let info = try? WireDecoder.decode(any.bytes("value"), as: .errorInfo),
                info.string("domain") == domain
            else { continue }
            return Reason(rawValue: info.string("reason"))
        }
        return nil
    }
}
