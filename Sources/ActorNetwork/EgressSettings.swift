/// What the operator decided about actors' ways out.
public struct EgressSettings: Sendable, Equatable {
    /// The authorities that a gateway's certificate must come from, a file of PEM; nil with `isPlaintext`.
    public var trust: String?
    /// The certificate that this host shows to a gateway, with those between it and its authority; nil: none.
    public var certificate: String?
    /// Its key; nil: none.
    public var key: String?
    /// Whether gateways are spoken to without TLS.
    public var isPlaintext = false
    /// Who answers actors' DNS queries; nil: nobody.
    public var dns: ResolverAddress?
    /// Makes settings that allow nothing yet.
    public init() {}
}
