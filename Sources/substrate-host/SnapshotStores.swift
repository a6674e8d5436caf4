import HostErrors
import PluginHost
import Snapshots
import Transfer

/// The object stores of snapshots, as the operator's options mean them.
enum SnapshotStores {
    /// Opens external snapshots: `file:` in a directory, `s3:` and `gs:` by the environment.
    ///
    /// - Parameters:
    ///   - format: how to write.
    ///   - objectDirectory: the parent of the buckets of `file:`.
    ///   - isCancelled: whether nobody wants any of it any more.
    /// - Returns: both ways to the stores.
    static func external(
        _ format: SnapshotFormat,
        objectDirectory: String,
        isCancelled: @escaping @Sendable () -> Bool = { false }
    ) -> ExternalSnapshots {
        let environment = AssetEnvironment.current
        let unpacker = Companions(directory: Program.directory).unpacker
        return ExternalSnapshots(format: format, unpacker: unpacker) { (uri) throws(HostError) in
            // As upstream: with ATE_STORAGE_BACKEND=s3 the scheme is ignored, but files are ours alone.
            if uri.scheme == "file" { return try ExternalSnapshots.files(uri, in: objectDirectory) }
            return try BucketStore(scheme: uri.scheme, bucket: uri.bucket, environment: environment)
                .heeding(isCancelled)
        }
    }
}
