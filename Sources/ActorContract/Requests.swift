/// The assets of a request: architecture → name → file.
public struct SandboxAssets: Sendable, Equatable, Codable {
    /// One downloadable file and its digest.
    public struct File: Sendable, Equatable, Codable {
        /// Where it is.
        public var url: String
        /// 64 hex digits.
        public var sha256: String
        /// Makes one.
        public init(url: String, sha256: String) {
            self.url = url
            self.sha256 = sha256
        }
    }
    /// The class of sandbox, matched against the backend's name and classes.
    public var sandboxClass = ""
    /// architecture (`amd64`, `arm64`) → asset name → file.
    public var assets: [String: [String: File]] = [:]
    /// Autumn's pause image; empty when none.
    public var pauseImage = ""
    /// Empty assets.
    public init() {}
}

/// What a snapshot holds.
public enum SnapshotScope: String, Sendable, Codable {
    /// Memory and file system.
    case full
    /// The durable volumes alone.
    case data
    /// Autumn, restore only: golden guest state and the actor's own data.
    case dataOnGolden = "data_on_golden"
}

/// Where a snapshot is, or goes.
public enum SnapshotPlace: Sendable, Equatable, Codable {
    /// On this node, by name.
    case local(String)
    /// In object storage, by URI prefix.
    case external(String)
}

/// Run, either dialect, validated by `Validation`.
public struct RunRequest: Sendable, Equatable {
    /// Who.
    public var identity: ActorIdentity
    /// The slot: target_ateom_uid.
    public var slot: String
    /// What.
    public var spec: WorkloadSpec
    /// With which runtime files; nil when absent.
    public var assets: SandboxAssets?
    /// Autumn: CPU limit in thousandths of a core, 0 = none.
    public var cpuMilli: Int64 = 0
    /// Autumn: memory limit in bytes, 0 = none.
    public var memoryBytes: Int64 = 0
    /// Autumn: egress gateway's address; nil = no egress.
    public var egressGateway: String?
    /// Makes one.
    public init(identity: ActorIdentity, slot: String, spec: WorkloadSpec, assets: SandboxAssets? = nil) {
        self.identity = identity
        self.slot = slot
        self.spec = spec
        self.assets = assets
    }
}

/// Checkpoint, either dialect.
public struct CheckpointRequest: Sendable, Equatable {
    /// Who.
    public var identity: ActorIdentity
    /// The slot: target_ateom_uid.
    public var slot: String
    /// The workload, without environment.
    public var spec: WorkloadSpec
    /// Where the snapshot goes.
    public var place: SnapshotPlace
    /// What it holds: full or data.
    public var scope: SnapshotScope
    /// Makes one.
    public init(identity: ActorIdentity, slot: String, spec: WorkloadSpec, place: SnapshotPlace, scope: SnapshotScope) {
        self.identity = identity
        self.slot = slot
        self.spec = spec
        self.place = place
        self.scope = scope
    }
}

/// Restore, either dialect.
public struct RestoreRequest: Sendable, Equatable {
    /// Everything that a Run carries too.
    public var run: RunRequest
    /// Where the snapshot is.
    public var place: SnapshotPlace
    /// What to restore of it.
    public var scope: SnapshotScope
    /// Autumn: the golden snapshot's URI with scope data_on_golden; empty = none.
    public var baseURI = ""
    /// Autumn: whether the golden snapshot is shared by many readers.
    public var baseShared = false
    /// Autumn: whether an external snapshot is shared by many readers.
    public var shared = false
    /// Makes one.
    public init(run: RunRequest, place: SnapshotPlace, scope: SnapshotScope) {
        self.run = run
        self.place = place
        self.scope = scope
    }
}

/// Terminate (autumn): Stop and Remove.
public struct TerminateRequest: Sendable, Equatable {
    /// Who.
    public var identity: ActorIdentity
    /// The slot: target_ateom_uid.
    public var slot: String
    /// The workload.
    public var spec: WorkloadSpec
    /// Makes one.
    public init(identity: ActorIdentity, slot: String, spec: WorkloadSpec) {
        self.identity = identity
        self.slot = slot
        self.spec = spec
    }
}
