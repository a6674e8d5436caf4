import Glibc
public import HostErrors
import SystemLayer
public import Transfer

/// How external snapshots are written.
public enum SnapshotFormat: String, Sendable, CaseIterable {
    /// In chunks that snapshots share.
    case chunks
    /// As the Go daemon writes them: one object a file, sparse extents in zstd.
    case atelet
}

/// Snapshots in object stores, both ways; whichever format they have is read.
///
/// Every call blocks: never on the cooperative pool.
public struct ExternalSnapshots: Sendable {
    /// Opens the bucket of a URI.
    public typealias Opener = @Sendable (SnapshotURI) throws(HostError) -> any ObjectStore
    /// How they are written.
    public let format: SnapshotFormat
    /// How many pages share a chunk in what is written, 1 to 64; what is read says itself.
    public let pages: Int
    let open: Opener
    let worker: UnpackWorker
    /// Chunks that are older are written again when they are needed again: a collection takes none that is younger than
    /// twice that.
    static let freshSeconds: Int64 = 3 * 86_400
    static let manifestLimit = 4 << 20

    /// Makes one.
    ///
    /// - Parameters:
    ///   - format: how to write.
    ///   - unpacker: the path of `substrate-unpack`.
    ///   - pages: how many pages share a chunk; nil takes what was found best.
    ///   - open: opens the bucket of a URI.
    public init(format: SnapshotFormat, unpacker: String, pages: Int? = nil, open: @escaping Opener) {
        self.format = format
        self.pages = min(max(pages ?? ChunkFormat.pages, 1), 64)
        self.open = open
        worker = UnpackWorker(executable: unpacker)
    }

    /// Makes one whose buckets are directories of this machine.
    ///
    /// - Parameters:
    ///   - format: how to write.
    ///   - unpacker: the path of `substrate-unpack`.
    ///   - directory: the parent of the buckets of `file:` URIs.
    ///   - pages: how many pages share a chunk; nil takes what was found best.
    public init(format: SnapshotFormat, unpacker: String, directory: String, pages: Int? = nil) {
        self.init(format: format, unpacker: unpacker, pages: pages) { (uri) throws(HostError) in
            try Self.files(uri, in: directory)
        }
    }

    /// The bucket of a `file:` URI.
    ///
    /// - Throws: INVALID_ARGUMENT for another scheme.
    public static func files(_ uri: SnapshotURI, in directory: String) throws(HostError) -> any ObjectStore {
        guard uri.scheme == "file" else {
            throw HostError(
                .invalidArgument,
                .snapshotStore,
                "snapshot URI \"\(uri.text)\": the scheme \(uri.scheme) is not served here"
            )
        }
        return try FileObjectStore(directory: directory, bucket: uri.bucket)
    }

    /// The manifest of what is at a place; nil where nothing is.
    ///
    /// - Throws: DATA_LOSS where it is none, and what the store says.
    public func manifest(_ uri: SnapshotURI) throws(HostError) -> SnapshotManifest? {
        let bytes: [UInt8]
        do throws(HostError) {
            bytes = try open(uri).read(uri.key("manifest.json"), limit: Self.manifestLimit)
        } catch {
            if error.code == .notFound { return nil }
            throw error
        }
        return try SnapshotManifest.decoded(bytes, uri.text)
    }

    /// Writes a local snapshot to a store, the manifest last.
    ///
    /// What the store has already is not written again: after a failure the next try writes the rest.
    /// - Parameters:
    ///   - snapshot: verified by the caller.
    ///   - uri: where to.
    ///   - names: its files that go; nil = all.
    ///   - scope: what the copy holds, where that is less.
    ///   - isCancelled: asked between chunks.
    ///   - progress: told how many bytes more of the files are there; of any thread.
    /// - Returns: what it did.
    /// - Throws: what the store says; no manifest is there then.
    public func upload(
        _ snapshot: Snapshot,
        to uri: SnapshotURI,
        files names: [String]? = nil,
        scope: String? = nil,
        isCancelled: @escaping @Sendable () -> Bool = { false },
        progress: @escaping @Sendable (_ more: Int64) -> Void = { _ in }
    ) throws(HostError) -> TransferCount {
        let store = try open(uri).heeding(isCancelled)
        var manifest = snapshot.manifest
        manifest.destination = nil
        manifest.schema = SnapshotManifest.newestSchema
        if let scope { manifest.scope = scope }
        let chosen = names ?? manifest.snapshotFiles ?? []
        manifest.snapshotFiles = chosen.isEmpty ? nil : chosen
        manifest.files = manifest.files?.filter { chosen.contains($0.key) }
        var count = TransferCount()
        switch format {
        case .chunks:
            let now = Int64(time(nil))
            let writer = ChunkWriter(
                store: store,
                root: ChunkFormat.root,
                pages: pages,
                freshSince: now - Self.freshSeconds,
                isCancelled: isCancelled,
                progress: progress
            )
            var files = manifest.files ?? [:]
            for name in chosen {
                let file = try SparseFile("\(snapshot.path)/\(name)")
                var stated: SnapshotManifest.File
                if let known = files[name] {
                    stated = known
                } else {
                    stated = try SnapshotStore.measure(file.path)
                }
                stated.chunks = try writer.write(file, count: &count)
                files[name] = stated
            }
            manifest.files = files
            manifest.chunkRoot = ChunkFormat.root
            try store.put(uri.key("manifest.json"), try manifest.encoded())
        case .atelet:
            for name in chosen {
                if isCancelled() { throw HostError(.cancelled, nil, "the upload was cancelled") }
                let file = try SparseFile("\(snapshot.path)/\(name)")
                try AteletFormat.write(
                    file,
                    to: store,
                    uri.key("\(name).zstd"),
                    isCancelled: isCancelled,
                    progress: progress,
                    &count
                )
            }
            try store.put(uri.key("manifest.json"), try AteletFormat.manifest(manifest))
        }
        return count
    }

    /// Fetches a snapshot; every byte of it is verified, as far as its manifest says what it should be.
    ///
    /// - Parameters:
    ///   - uri: where it is.
    ///   - manifest: read from there.
    ///   - directory: filled; what is in it after a failure is to be removed by the caller.
    ///   - isCancelled: asked between chunks.
    ///   - progress: told how many bytes more came, compressed or not; of any thread.
    /// - Returns: it, on this machine.
    /// - Throws: DATA_LOSS for what does not verify, and what the store says.
    public func fetch(
        _ uri: SnapshotURI,
        _ manifest: SnapshotManifest,
        into directory: String,
        isCancelled: @escaping @Sendable () -> Bool = { false },
        progress: @escaping @Sendable (_ more: Int64) -> Void = { _ in }
    ) throws(HostError) -> Snapshot {
        let reader = ChunkReader(
            store: try open(uri).heeding(isCancelled),
            worker: worker,
            isCancelled: isCancelled,
            progress: progress
        )
        try DirectoryTree.make(directory)
        for name in manifest.snapshotFiles ?? [] {
            let path = "\(directory)/\(name)"
            let stated = manifest.files?[name]
            if let stated, stated.chunks != nil {
                let root = manifest.chunkRoot ?? ChunkFormat.root
                try ObjectKey.validate(root)
                try reader.fetch(stated, root: root, to: path)
                continue
            }
            do throws(HostError) {
                try reader.fetchWhole(uri.key("\(name).zstd"), to: path, size: stated?.size)
            } catch {
                guard error.code == .notFound else { throw error }
                throw HostError(.dataLoss, .snapshotCorrupt, "snapshot \(uri.text) is corrupt: \(name).zstd is missing")
            }
            if let stated, try SHA256.hex(ofFile: path, isCancelled: isCancelled) != stated.sha256 {
                throw HostError(
                    .dataLoss,
                    .snapshotCorrupt,
                    "snapshot \(uri.text) is corrupt: \(name) has other bytes than its sha256"
                )
            }
        }
        return Snapshot(name: uri.text, path: directory, manifest: manifest)
    }
}
