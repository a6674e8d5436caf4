public import ActorContract

/// What the journal keeps of one actor: everything but secrets.
public struct ActorRecord: Sendable, Codable {
    /// Who.
    public var identity: ActorIdentity
    /// The slot.
    public var slot: String
    /// The backend's name.
    public var backend: String
    /// The SHA-256 of the backend's script, for what is resumed later.
    public var backendSHA256: String
    /// Where the actor is in its life, by the status machine's words.
    public var status: ActorStatus
    /// Why it failed; none otherwise.
    public var reason: FailureReason = .none
    /// One line for people.
    public var message = ""
    /// When the status changed, in milliseconds since 1970.
    public var sinceMilliseconds: Int64 = 0
    /// The keyed hash of the request that made this state.
    public var fingerprint = ""
    /// The workload, without environment values.
    public var spec: WorkloadSpec
    /// Assets of this architecture.
    public var assets: [String: SandboxAssets.File] = [:]
    /// The request's sandbox class.
    public var sandboxClass = ""
    /// CPU limit in thousandths, 0 = none.
    public var cpuMilli: Int64 = 0
    /// Memory limit in bytes, 0 = none.
    public var memoryBytes: Int64 = 0
    /// Where its connections go out, or did in its last activation; nil: nowhere.
    public var egressGateway: String?
    /// Whether the workload had environment values, which are not in the journal.
    public var hasEnvironment = false
    /// Programs that are kept.
    public var processes: [KeptProcess] = []
    /// The script's state.
    public var state: [UInt8] = []
    /// The name of the newest local snapshot.
    public var snapshot = ""
    /// What the checkpoint in flight or the last one saves; nil before the first.
    public var snapshotScope: SnapshotScope?
    /// Where that snapshot goes, or went; nil: it is local.
    public var destination: String?
    /// The phases of the last verb.
    public var phases: [Phase] = []
    /// The warm slot whose directories, network and cgroup it has; nil: its own.
    public var warmSlot: String?
    /// The first of the 65,536 ids of the machine that are its user namespace's; nil: it has none.
    public var firstID: UInt32?
    /// Where it is reached, of a backend with a network of its own; nil otherwise.
    public var address: String?
    /// What the script claims that it puts between the actor and this machine; nil in an old record.
    public var claim: String?
    /// Whose claim that is: the file, and where it came from; nil in an old record.
    public var claimedBy: String?
    /// What `probe` had answered when it was begun, encoded; nil without it.
    public var probed: [UInt8]?
    /// The request's pause image; nil without one.
    public var pauseImage: String?
    /// What each container has from its image, by the container's name; nil before there was one.
    public var defaults: [String: ImageDefaults]?
    /// The SHA-256 of the token that its last start gave it, 64 hex digits; nil before the first.
    public var tokenSHA256: String?
    /// Whether the backend may have made something outside this machine that no `stop` has ended yet; nil is no.
    public var owesStop: Bool?
    /// Whether network, cgroup or mounts may still be there.
    public var needsTeardown = false
    /// Makes one in the state `created`.
    public init(identity: ActorIdentity, slot: String, backend: String, backendSHA256: String, spec: WorkloadSpec) {
        self.identity = identity
        self.slot = slot
        self.backend = backend
        self.backendSHA256 = backendSHA256
        self.status = .created
        self.spec = spec
    }
}

/// One stage of a verb and its time.
public struct Phase: Sendable, Codable, Equatable {
    /// What was done.
    public var name: String
    /// How long it took, in milliseconds.
    public var milliseconds: Double
    /// Whether a program was waited for, rather than the host at work.
    public var program: Bool
    /// Makes one.
    public init(name: String, milliseconds: Double, program: Bool) {
        self.name = name
        self.milliseconds = milliseconds
        self.program = program
    }
}
