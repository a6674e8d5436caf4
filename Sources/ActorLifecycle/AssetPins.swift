import ActorContract
public import Assets
import Glibc
public import HostErrors
public import Snapshots

/// Live actors and retained snapshots keep their assets in the cache.
extension ActorHost: AssetPins {
    /// The digests that actors and snapshots of this host name; blocks.
    ///
    /// - Returns: 64 hex digits each.
    /// - Throws: where the snapshots cannot be listed.
    public func pinnedAssets() throws(HostError) -> Set<String> {
        // Actors first: one that is saved meanwhile is in its snapshot by the time those are looked at.
        let actors = list().flatMap { $0.assets.values.map(\.sha256) }
        return try snapshots.namedAssets().union(actors)
    }
}

/// What the journal and the snapshots of a base directory name: for a command beside a host, or without one.
public struct StoredPins: AssetPins {
    private let journal: String
    private let snapshots: SnapshotStore

    /// Makes one; nothing is read yet.
    ///
    /// - Parameters:
    ///   - baseDirectory: the host's state directory.
    ///   - snapshots: the store of the same directory.
    public init(baseDirectory: String, snapshots: SnapshotStore) {
        journal = "\(baseDirectory)/journal.sqlite"
        self.snapshots = snapshots
    }

    /// The digests that actors and snapshots name; blocks.
    ///
    /// - Returns: 64 hex digits each; none where no host ever served here.
    /// - Throws: where it cannot be known: FAILED_PRECONDITION for an actor whose record does not decode.
    public func pinnedAssets() throws(HostError) -> Set<String> {
        var actors: [String] = []
        if unsafe access(journal, F_OK) == 0 {
            let (records, broken) = try Journal(path: journal).actors()
            guard broken.isEmpty else {
                throw HostError(
                    .failedPrecondition,
                    .machine,
                    "what \(broken.joined(separator: ", ")) needs is not known: its record in \(journal) cannot be read; "
                        + "`substrate-host remove` it"
                )
            }
            actors = records.flatMap { $0.assets.values.map(\.sha256) }
        }
        return try snapshots.namedAssets().union(actors)
    }
}
