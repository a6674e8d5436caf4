/// What a cache did since it was opened.
public struct AssetCounters: Sendable, Equatable {
    /// Entries found whole, without a transfer.
    public var hits = 0
    /// Transfers that were needed.
    public var misses = 0
    /// Transfers that failed.
    public var failures = 0
    /// Bytes that came in transfers that succeeded.
    public var bytes: Int64 = 0
    /// Entries that were not what their name says.
    public var quarantined = 0
    /// Entries that were removed for the budget.
    public var evicted = 0

    /// Nothing yet.
    public init() {}
}

/// How far a transfer is.
public struct AssetProgress: Sendable, Equatable {
    /// The asset's name.
    public let name: String
    /// Bytes that came.
    public let received: Int64
    /// Bytes there are in all, where the source says so.
    public let total: Int64?
}

/// One file of the cache.
public struct AssetEntry: Sendable, Equatable {
    /// Its digest, 64 lower-case hex digits.
    public let sha256: String
    /// Where it is.
    public let path: String
    /// Its size.
    public let bytes: Int64
    /// When it was last asked for, in seconds since 1970.
    public let lastUse: Int64
    /// Whether an actor or a snapshot needs it; nil where nobody was asked.
    public let isPinned: Bool?
}

/// What `verify` found.
public struct AssetVerification: Sendable, Equatable {
    /// Digests whose files are whole.
    public internal(set) var whole: [String] = []
    /// Digests whose files were not, and were put aside.
    public internal(set) var corrupt: [String] = []
}

/// What `collect` removed.
public struct AssetCollection: Sendable, Equatable {
    /// The digests removed, oldest use first.
    public internal(set) var removed: [String] = []
    /// The bytes they had.
    public internal(set) var removedBytes: Int64 = 0
    /// The bytes that are left.
    public internal(set) var keptBytes: Int64 = 0
    /// Those of them that are pinned or too young to go.
    public internal(set) var heldBytes: Int64 = 0
}
