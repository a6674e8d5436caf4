public import HostErrors

/// What a backend says it is, after its descriptor was checked.
public struct BackendDescription: Sendable, Equatable {
    /// The name of `--backend=NAME`.
    public var name = ""
    /// The script's SHA-256, 64 hex digits.
    public var sha256 = ""
    /// Where the script is.
    public var path = ""
    /// Who ships it: `shipped` or `overlay DIR`.
    public var origin = ""
    /// The claim of what stands between the actor and this machine.
    public var isolation = ""
    /// One line for lists.
    public var summary = ""
    /// Further values of `sandbox_class` that it accepts.
    public var classes: [String] = []
    /// What its snapshots can hold.
    public var scopes: [SnapshotScope] = []
    /// The limits that it enforces: `cpu`, `memory`, `pids`.
    public var enforces: [String] = []
    /// The limits of one container that it enforces: `cpu`, `memory`.
    public var containerLimits: [String] = []
    /// The verbs that the script has.
    public var verbs: [String] = []
    /// The host functions that it needs.
    public var needs: [String] = []
    /// Assets by name; true = required.
    public var assets: [String: Bool] = [:]
    /// Where the host can reach an actor: `namespace`, `tap`, `backend` or `none`.
    public var network = "namespace"
    /// Whether actors get their own network namespace.
    public var needsNetwork = true
    /// Whether that network's address is of an interface which the backend's programs take for themselves.
    public var needsInterface = false
    /// Whether it makes things outside the slot, which only its own `stop` can end.
    public var isOutside = false
    /// Whether what an actor writes to its root is in its memory, and not on disk.
    public var keepsRootInMemory = false
    /// Whether containers need images.
    public var needsImage = true
    /// An empty description.
    public init() {}
    /// The names of the assets that a request must bring, sorted.
    public var requiredAssets: [String] { assets.filter(\.value).keys.sorted() }
}

/// The verbs that a backend may have, in the words of the contract.
public enum BackendVerb: String, Sendable, CaseIterable {
    case run, stop, checkpoint, restore, exec, probe, prepare, recover, stats

    /// Whether it is about a slot, and no actor.
    public var takesSlot: Bool { self == .probe || self == .prepare }
}

/// A program that outlives the verb which started it.
public struct KeptProcess: Sendable, Equatable, Codable {
    /// The container's name, or the script's name for it.
    public var name: String
    /// The pid of the actor's PID 1, in the host's pid namespace.
    public var pid: Int32
    /// Start time in clock ticks since boot: field 22 of `/proc/PID/stat`, so that a reused pid is not taken for it.
    public var startTime: UInt64
    /// The secret of the exit record that belongs to this start.
    public var nonce: String
    /// What stands between it and the machine, by the words of `--require`; nil where nobody said.
    public var applied: [String]?
    /// The `IsolationLevel` that this amounts to; nil where nobody said.
    public var isolation: String?
    /// The cgroup of it and all that it leaves, by its name below the machine's; nil where it is the actor's own.
    public var leaf: String?
    /// Its system call profile, for who enters it later; nil where it has none of ours.
    public var seccomp: String?
    /// Whether the host's own launcher started it, so that the host knows what stands around it.
    public var isLaunched: Bool { leaf == nil && !nonce.isEmpty }
    /// The kept program that waits for it and ends as it ended, by name; nil where there is none.
    public var keeper: String?
    /// Makes one.
    public init(
        name: String,
        pid: Int32,
        startTime: UInt64,
        nonce: String,
        applied: [String]? = nil,
        isolation: String? = nil,
        leaf: String? = nil,
        seccomp: String? = nil
    ) {
        self.leaf = leaf
        self.seccomp = seccomp
        self.name = name
        self.pid = pid
        self.startTime = startTime
        self.nonce = nonce
        self.applied = applied
        self.isolation = isolation
    }
}

/// One container, ready on disk.
public struct PreparedContainer: Sendable {
    /// As the request has it, environment included.
    public var container: Container
    /// The image's layers, bottom first.
    public var layers: [String]
    /// What the image says where the request does not.
    public var defaults: ImageDefaults
    /// Makes one.
    public init(container: Container, layers: [String], defaults: ImageDefaults = ImageDefaults()) {
        self.container = container
        self.layers = layers
        self.defaults = defaults
    }
}

/// What a verb is given: everything around the actor, made by the host before.
public struct PreparedActor: Sendable {
    /// Who.
    public var identity: ActorIdentity
    /// The slot.
    public var slot: String
    /// The containers, in start order.
    public var containers: [PreparedContainer] = []
    /// The durable volumes: name → directory on the host.
    public var volumes: [String: String] = [:]
    /// The volumes that tell the actor about itself: name → directory on the host, which nobody writes.
    public var information: [String: String] = [:]
    /// What the operator shows to every container.
    public var operatorMounts: [OperatorMount] = []
    /// The actor's directory.
    public var directory: String
    /// The network namespace's file; nil without one.
    public var networkNamespace: String?
    /// The cgroup's name below the host's own.
    public var cgroup: String
    /// Assets: name → path.
    public var assets: [String: String] = [:]
    /// Where the slot's runtime, bundles, logs, work and network are: a warm slot keeps its own.
    public var slotPlaces: ActorDirectories { ActorDirectories(slotDirectory.isEmpty ? directory : slotDirectory) }
    /// The machine's id that is 0 in its user namespace, the first of 65,536; nil where no range is for it.
    public var firstID: UInt32?
    /// Whether the operator wants a user namespace around each of its workloads.
    public var wantsUserNamespace = false
    /// Programs that earlier verbs kept and that live.
    public var processes: [KeptProcess] = []
    /// What the last verb answered in `state`, as the plugin protocol encodes it.
    public var state: [UInt8] = []
    /// What `probe` answered for these assets, tools and settings, encoded likewise; empty without it.
    public var probed: [UInt8] = []
    /// What `prepare` answered for the warm slot that the actor got, encoded likewise; nil in a cold one.
    public var prepared: [UInt8]?
    /// Where the slot's own directories are; empty: in the actor's.
    public var slotDirectory = ""
    /// The limits of its cgroup; nil is none.
    public var cpuMilli: Int64?
    /// See `cpuMilli`.
    public var memoryBytes: Int64?
    /// See `cpuMilli`.
    public var pids: Int64?
    /// The request's pause image; empty without one.
    public var pauseImage = ""
    /// Makes one.
    public init(identity: ActorIdentity, slot: String, directory: String, cgroup: String) {
        self.identity = identity
        self.slot = slot
        self.directory = directory
        self.cgroup = cgroup
    }
}

/// What a verb is asked.
public struct VerbRequest: Sendable {
    /// Time for the programs to end after they were asked to.
    public var graceMilliseconds: Int64 = 10_000
    /// The whole verb's time.
    public var timeoutMilliseconds: Int64 = 30_000
    /// For checkpoint and restore.
    public var scope: SnapshotScope?
    /// The snapshot's directory, for checkpoint and restore.
    public var snapshotDirectory = ""
    /// The names of the snapshot's files, sorted, for restore.
    public var snapshotFiles: [String] = []
    /// Whether the script that made the snapshot saved the volumes in files of its own, for restore.
    public var snapshotHasVolumes = false
    /// Whether the programs may go on after a checkpoint, to be kept frozen by the host.
    public var mayHold = false
    /// What is to be executed, for exec.
    public var exec: ExecRequest?
    /// The caller's streams, for exec.
    public var client: ClientStreams?
    /// Defaults.
    public init() {}
}

/// What a verb answered.
public struct VerbAnswer: Sendable {
    /// Programs that it kept.
    public var processes: [KeptProcess] = []
    /// New state; nil keeps the old one.
    public var state: [UInt8]?
    /// What `probe` found.
    public var probe: ProbeAnswer?
    /// The table that `prepare` made, as the plugin protocol encodes it.
    public var prepared: [UInt8] = []
    /// What `stats` counted.
    public var statistics: ActorStatistics?
    /// Where the actor is reached, of a backend with a network of its own; empty otherwise.
    public var address = ""
    /// Whether the script saved the volumes itself.
    public var volumesSaved = false
    /// Whether the programs go on after a checkpoint.
    public var isHeld = false
    /// The program of exec, joined with the caller's streams; whoever asked waits for its end and reaps it.
    public var client: KeptProcess?
    /// Time spent in host calls that waited for programs, in milliseconds.
    public var programMilliseconds = 0.0
    /// An empty answer.
    public init() {}
}

/// Stops a verb that is in flight: the supervisor's SIGKILL, whenever it comes.
public protocol VerbCancellation: Sendable {
    /// Calls `action` when the verb is cancelled, at once if it already is.
    func onCancel(_ action: @escaping @Sendable () -> Void)
    /// Whether it was cancelled.
    var isCancelled: Bool { get }
}

/// Journals an effect before it happens and its outcome after.
public protocol EffectLog: Sendable {
    /// Records that an effect is about to happen; durable when it returns.
    ///
    /// - Parameters:
    ///   - effect: its name, such as `workload.start`.
    ///   - target: what it is about, such as a container's name.
    /// - Returns: the record's number.
    /// - Throws: `resourceExhausted` when the journal cannot be written: the effect must not happen then.
    func begin(_ effect: String, target: String) throws(HostError) -> Int64
    /// Records how it ended.
    ///
    /// - Parameters:
    ///   - number: what `begin` answered.
    ///   - outcome: `ok` or a status.
    ///   - process: the program that it left running, if one.
    /// - Throws: as `begin`.
    func finish(_ number: Int64, outcome: String, process: KeptProcess?) throws(HostError)
}

/// What isolates actors: implemented by one type, which asks a script.
public protocol ActorBackend: Sendable {
    /// What it is.
    var description: BackendDescription { get }
    /// What a `probe` depends on beside the assets: the revision, the operator's settings, the tools; may block.
    ///
    /// Equal texts mean that an answer of then still holds.
    func circumstances() -> String
    /// Refuses what the operator did not give and the script cannot do without.
    ///
    /// - Throws: `failedPrecondition` (`NOT_GRANTED`).
    func admit() throws(HostError)
    /// The backend as a Run or a Restore that begins now uses it; may block.
    ///
    /// What it answers never changes, whatever becomes of the script: an actor is served by one revision.
    func newest() -> any ActorBackend
    /// The backend as it was when an actor was started; may block.
    ///
    /// - Parameter sha256: what `description.sha256` was then.
    /// - Returns: that revision.
    /// - Throws: `failedPrecondition` (`PLUGIN`) when it was not kept.
    func revision(_ sha256: String) throws(HostError) -> any ActorBackend
    /// Performs one verb; blocks, and is called off the cooperative pool.
    ///
    /// - Throws: the status that the script answered or the trap that ended it; `cancelled` after a cancel.
    func perform(
        _ verb: BackendVerb,
        actor: PreparedActor,
        request: VerbRequest,
        log: any EffectLog,
        cancellation: any VerbCancellation
    ) throws(HostError) -> VerbAnswer
}

extension ActorBackend {
    /// A backend without settings and tools depends on its revision alone.
    public func circumstances() -> String { description.sha256 }
    /// A backend that needs nothing is granted everything.
    public func admit() throws(HostError) {}
    /// A backend that never changes is its own newest revision.
    public func newest() -> any ActorBackend { self }
    /// A backend that never changes has one revision.
    public func revision(_ sha256: String) throws(HostError) -> any ActorBackend { self }
}
