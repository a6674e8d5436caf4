public import HostErrors
import SystemLayer

extension SnapshotStore {
    /// The digests of the assets that snapshots on this machine need; blocks.
    ///
    /// A snapshot whose manifest is none can never be restored, and names nothing.
    /// - Returns: 64 hex digits each, as the manifests have them.
    /// - Throws: INTERNAL where a directory cannot be read.
    public func namedAssets() throws(HostError) -> Set<String> {
        var all: Set<String> = []
        for actor in try DirectoryTree.names(in: "\(base)/actors") where !actor.hasPrefix(".") {
            for snapshot in try list(actorDirectory: actor) {
                for asset in snapshot.manifest.assets.values { all.insert(asset.sha256) }
            }
        }
        return all
    }
}
