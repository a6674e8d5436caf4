public import HostErrors

/// Who still needs entries of the cache: what it names is never evicted.
public protocol AssetPins: Sendable {
    /// The digests that live actors and retained snapshots name; blocks.
    ///
    /// - Returns: 64 hex digits each, of either case.
    /// - Throws: where it cannot be known. Nothing is evicted then.
    func pinnedAssets() throws(HostError) -> Set<String>
}
