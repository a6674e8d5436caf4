public import Transfer

/// How a cache is bounded, and where its files may come from.
public struct AssetSettings: Sendable {
    /// Directories beneath which `file://` is allowed (`--asset-root`).
    public var roots: [String] = []
    /// Origins that may be plain HTTP or have private addresses (`--asset-origin`).
    public var origins: [TrustedOrigin] = []
    /// Variables that name endpoints, credentials, proxies and CA bundles.
    public var environment: [String: String] = [:]
    /// The bytes that entries may take together; 0 = no limit.
    ///
    /// What is pinned or young may exceed it.
    public var budgetBytes: Int64 = 0
    /// How long after its last use an entry is safe from eviction.
    public var minimumAgeSeconds: Int64 = 600
    /// The largest asset.
    public var maxBytes: Int64 = 8 << 30

    /// Files beneath no root, public HTTPS, no budget.
    public init() {}
}
