import FoundationEssentials
import HostErrors

/// What a snapshot is and holds: `manifest.json`, written last.
///
/// - Source: contract §1.8; all beside `sandboxClass`, `assets` and `snapshotFiles` are our additions, which other
///   readers ignore.
public struct SnapshotManifest: Sendable, Equatable, Codable {
    /// The schema that this host writes.
    public static let newestSchema = 1
    /// A downloadable file that the sandbox was made with.
    public struct Asset: Sendable, Equatable, Codable {
        /// Where it came from.
        public var url: String
        /// 64 hex digits.
        public var sha256: String
        /// Makes one.
        public init(url: String, sha256: String) {
            self.url = url
            self.sha256 = sha256
        }
    }
    /// The backend that made it.
    public struct Backend: Sendable, Equatable, Codable {
        /// Its name.
        public var name: String
        /// Its script's digest.
        public var sha256: String
        /// Makes one.
        public init(name: String, sha256: String) {
            self.name = name
            self.sha256 = sha256
        }
    }
    /// Where the chunks of a file are listed: an object of its own, as many lists are shared.
    public struct ChunkList: Sendable, Equatable, Codable {
        /// The digest of the list, and its name in the store.
        public var sha256: String
        /// How many windows it has.
        public var count: Int
        /// How many pages of 4096 bytes a window has.
        public var pages: Int
        /// The lists behind this one, each going on where the one before ended; nil of a file that one list is enough for.
        public var rest: [Part]?
        /// A list that goes on.
        public struct Part: Sendable, Equatable, Codable {
            /// As of the first.
            public var sha256: String
            /// As of the first.
            public var count: Int
        }
        /// All of them, in order.
        var parts: [Part] { [Part(sha256: sha256, count: count)] + (rest ?? []) }
        /// Makes one.
        public init(sha256: String, count: Int, pages: Int) {
            self.sha256 = sha256
            self.count = count
            self.pages = pages
        }
        /// Makes one of its parts.
        init(_ parts: [Part], pages: Int) {
            self.init(sha256: parts.first?.sha256 ?? "", count: parts.first?.count ?? 0, pages: pages)
            if parts.count > 1 { rest = Array(parts.dropFirst()) }
        }
    }
    /// One file of the snapshot.
    public struct File: Sendable, Equatable, Codable {
        /// Its size in bytes.
        public var size: Int64
        /// 64 lower-case hex digits.
        public var sha256: String
        /// Where its bytes are in an external store; nil on a node.
        public var chunks: ChunkList?
        /// Makes one.
        public init(size: Int64, sha256: String) {
            self.size = size
            self.sha256 = sha256
        }
    }
    /// The version of this table; absent in others' snapshots, and in old ones of ours.
    public var schema: Int?
    /// The class of sandbox.
    public var sandboxClass: String
    /// The sandbox's files, for this machine's architecture.
    public var assets: [String: Asset]
    /// The files beside the manifest.
    public var snapshotFiles: [String]?
    /// `full` or `data`.
    public var scope: String?
    /// Who made it; absent in others' snapshots.
    public var backend: Backend?
    /// The machine that made it.
    public var machine: MachineFacts?
    /// Size and digest of each file; absent in others' snapshots.
    public var files: [String: File]?
    /// The durable volumes in `durable-dir.tar`.
    public var volumes: [String]?
    /// Whether the volumes are in the backend's own files instead.
    public var volumesSaved: Bool?
    /// Seconds since 1970 when it was made.
    public var createdAt: Int64?
    /// Where it is to go: a local copy that is kept until all of it is there.
    public var destination: String?
    /// Below which name of the bucket the chunks are.
    public var chunkRoot: String?
    /// The pause image, as autumn writes it.
    public var pauseImage: String?

    /// Makes one.
    public init(sandboxClass: String, assets: [String: Asset], scope: String, backend: Backend) {
        schema = Self.newestSchema
        self.sandboxClass = sandboxClass
        self.assets = assets
        self.scope = scope
        self.backend = backend
    }

    /// The bytes of `manifest.json`, keys sorted.
    func encoded() throws(HostError) -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        do { return try Array(encoder.encode(self)) } catch {
            throw HostError(.internal, nil, "cannot encode the manifest: \(error)")
        }
    }

    /// Reads `manifest.json`, and refuses one whose file names or sizes no snapshot has.
    ///
    /// - Source: contract §11 J59.
    static func decoded(_ bytes: [UInt8], _ name: String) throws(HostError) -> SnapshotManifest {
        func corrupt(_ words: String) -> HostError {
            HostError(.dataLoss, .snapshotCorrupt, "snapshot \"\(name)\" is corrupt: manifest.json \(words)")
        }
        let manifest: SnapshotManifest
        do { manifest = try JSONDecoder().decode(SnapshotManifest.self, from: Data(bytes)) } catch {
            throw corrupt("is not a manifest: \(error)")
        }
        let names = manifest.snapshotFiles ?? []
        guard Set(names).count == names.count else { throw corrupt("names a file twice") }
        for file in names + (manifest.files ?? [:]).keys {
            do throws(HostError) { try SnapshotStore.validate(file) } catch {
                throw corrupt("has a bad file name: \(error.message)")
            }
            guard file != "manifest.json" else { throw corrupt("names itself as a file") }
        }
        for (file, stated) in manifest.files ?? [:] {
            guard names.contains(file) else { throw corrupt("has \(file) in files and not in snapshotFiles") }
            guard stated.size >= 0, isDigest(stated.sha256) else { throw corrupt("has no size or digest of \(file)") }
            guard let chunks = stated.chunks else { continue }
            let isList = chunks.parts.allSatisfy { isDigest($0.sha256) && $0.count >= 0 }
            guard isList, (1...64).contains(chunks.pages) else {
                throw corrupt("has no chunk list of \(file)")
            }
        }
        return manifest
    }

    private static func isDigest(_ text: String) -> Bool {
        text.utf8.count == 64 && text.utf8.allSatisfy { (0x30...0x39).contains($0) || (0x61...0x66).contains($0) }
    }
}

/// A snapshot on this machine.
public struct Snapshot: Sendable, Equatable {
    /// Its name.
    public let name: String
    /// Its directory.
    public let path: String
    /// What it holds.
    public let manifest: SnapshotManifest
    /// Makes one.
    public init(name: String, path: String, manifest: SnapshotManifest) {
        self.name = name
        self.path = path
        self.manifest = manifest
    }
    /// Whether the volumes are in the backend's own files; others do not say, and then they are where no archive is.
    public var volumesSaved: Bool { Self.hasVolumesSaved(manifest) }

    /// As `volumesSaved`, of a snapshot that is not here yet.
    public static func hasVolumesSaved(_ manifest: SnapshotManifest) -> Bool {
        if let stated = manifest.volumesSaved { return stated }
        let files = manifest.snapshotFiles ?? []
        return !files.isEmpty && !files.contains(SnapshotStore.volumesFile)
    }

    /// The same without the archive of the volumes: for a backend that wakes with those of another snapshot.
    public var withoutVolumes: Snapshot {
        var manifest = manifest
        manifest.snapshotFiles = manifest.snapshotFiles?.filter { $0 != SnapshotStore.volumesFile }
        manifest.files?[SnapshotStore.volumesFile] = nil
        manifest.volumesSaved = false
        return Snapshot(name: name, path: path, manifest: manifest)
    }
}

/// A durable volume and where it is.
public struct DurableVolume: Sendable, Equatable {
    /// A DNS label.
    public var name: String
    /// Its directory on this machine.
    public var path: String
    /// Makes one.
    public init(name: String, path: String) {
        self.name = name
        self.path = path
    }
}
