import FoundationEssentials
import HostErrors

/// What a snapshot is and holds: `manifest.json`, written last.
///
/// - Source: contract §1.8; `backend` and `files` are our additions, which other readers ignore.
public struct SnapshotManifest: Sendable, Equatable, Codable {
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
    /// One file of the snapshot.
    public struct File: Sendable, Equatable, Codable {
        /// Its size in bytes.
        public var size: Int64
        /// 64 lower-case hex digits.
        public var sha256: String
        /// Makes one.
        public init(size: Int64, sha256: String) {
            self.size = size
            self.sha256 = sha256
        }
    }
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
    /// Size and digest of each file; absent in others' snapshots.
    public var files: [String: File]?
    /// The durable volumes in `durable-dir.tar`.
    public var volumes: [String]?
    /// Whether the backend saved the volumes in files of its own; nil is no.
    public var volumesSaved: Bool?
    /// Seconds since 1970 when it was made.
    public var createdAt: Int64?

    /// Makes one.
    public init(sandboxClass: String, assets: [String: Asset], scope: String, backend: Backend) {
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

    /// Reads `manifest.json`.
    static func decoded(_ bytes: [UInt8], _ name: String) throws(HostError) -> SnapshotManifest {
        do { return try JSONDecoder().decode(SnapshotManifest.self, from: Data(bytes)) } catch {
            throw HostError(.dataLoss, .snapshotCorrupt, "snapshot \(name): manifest.json is not a manifest: \(error)")
        }
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
