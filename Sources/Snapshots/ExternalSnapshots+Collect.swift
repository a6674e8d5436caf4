import Glibc
public import HostErrors
import SystemLayer
import Transfer

/// What is in a bucket, and what nobody needs of it.
extension ExternalSnapshots {
    /// What a collection found.
    public struct Collection: Sendable, Equatable {
        /// Snapshots whose chunks stay.
        public var snapshots = 0
        /// Chunks that some snapshot needs, or that are too young to tell.
        public var kept = 0
        /// Chunks that went.
        public var removed = 0
        /// Their bytes.
        public var removedBytes: Int64 = 0
        /// None yet.
        public init() {}
    }
    /// What is younger is never collected: an upload that has not written its manifest may count on it.
    public static let youngest: Int64 = 7 * 86_400

    /// The snapshots below a place, by URI.
    ///
    /// - Parameter uri: a bucket, or a prefix in one.
    /// - Returns: sorted.
    /// - Throws: what the store says.
    public func list(_ uri: SnapshotURI) throws(HostError) -> [SnapshotURI] {
        let root = "\(uri.scheme)://\(uri.bucket)"
        var found: [SnapshotURI] = []
        for key in try open(uri).list(uri.prefix).map(\.key).sorted() {
            let parts = key.split(separator: "/")
            guard parts.last == "manifest.json", parts.first.map(String.init) != ChunkFormat.root else { continue }
            let prefix = parts.dropLast().joined(separator: "/")
            // `a/bc` begins like `a/b` and is not below it.
            guard uri.prefix.isEmpty || prefix == uri.prefix || prefix.hasPrefix("\(uri.prefix)/") else { continue }
            found.append(try SnapshotURI("\(root)/\(prefix.percentEscaped)"))
        }
        return found
    }

    /// Removes the chunks of a bucket that no snapshot in it needs.
    ///
    /// - Parameters:
    ///   - uri: any place in the bucket.
    ///   - minimumAge: seconds; younger chunks stay. What is less than a week may take chunks from an upload.
    ///   - isTrial: whether to remove nothing.
    /// - Returns: what it found.
    /// - Throws: DATA_LOSS where a manifest cannot be read, since what it needs is not known; what the store says.
    public func collect(
        _ uri: SnapshotURI,
        minimumAge: Int64 = youngest,
        isTrial: Bool = false
    ) throws(HostError) -> Collection {
        let store = try open(uri)
        // Chunks first: what is written from here on is not in this list.
        let chunks = try store.list(ChunkFormat.root).filter { $0.key.hasPrefix("\(ChunkFormat.root)/") }
        let bucket = try SnapshotURI("\(uri.scheme)://\(uri.bucket)")
        var needed: Set<String> = []
        var result = Collection()
        let reader = ChunkReader(store: store, worker: worker, isCancelled: { false })
        for place in try list(bucket) {
            guard let manifest = try manifest(place) else { continue }
            result.snapshots += 1
            for file in (manifest.files ?? [:]).values {
                guard let list = file.chunks else { continue }
                for part in list.parts { needed.insert(part.sha256) }
                let root = manifest.chunkRoot ?? ChunkFormat.root
                try reader.eachPart(of: list, size: file.size, root: root) { (entries, _) throws(HostError) in
                    for entry in entries { needed.insert(hexadecimal(entry.digest)) }
                }
            }
        }
        let limit = Int64(time(nil)) - minimumAge
        for chunk in chunks {
            let name = chunk.key.split(separator: "/").last.map(String.init) ?? ""
            guard !needed.contains(name), chunk.modified < limit else {
                result.kept += 1
                continue
            }
            if !isTrial {
                // Written again since it was listed: somebody counts on it.
                if let now = try store.head(chunk.key), now.modified >= limit {
                    result.kept += 1
                    continue
                }
                try store.delete(chunk.key)
            }
            result.removed += 1
            result.removedBytes += chunk.size
        }
        return result
    }

    /// Reads a snapshot whole, and keeps nothing of it.
    ///
    /// - Parameters:
    ///   - uri: where it is.
    ///   - scratch: a directory that is not there; it comes and goes.
    ///   - isCancelled: asked between chunks.
    ///   - progress: told how many bytes more came; of any thread.
    /// - Throws: NOT_FOUND; DATA_LOSS where it does not verify; what the store says.
    public func verify(
        _ uri: SnapshotURI,
        scratch: String,
        isCancelled: @escaping @Sendable () -> Bool = { false },
        progress: @escaping @Sendable (_ more: Int64) -> Void = { _ in }
    ) throws(HostError) {
        guard let manifest = try manifest(uri) else {
            throw HostError(.notFound, .snapshotNotFound, "there is no snapshot at \(uri.text)")
        }
        defer { try? DirectoryTree.remove(scratch) }
        _ = try fetch(uri, manifest, into: scratch, isCancelled: isCancelled, progress: progress)
    }
}

extension String {
    /// Nothing in it means anything to a URI.
    fileprivate var percentEscaped: String {
        var text = ""
        for scalar in unicodeScalars {
            if scalar == "%" || scalar == "?" || scalar == "#" {
                text += "%" + String(scalar.value, radix: 16, uppercase: true)
            } else {
                text.unicodeScalars.append(scalar)
            }
        }
        return text
    }
}
