public import ActorContract
public import ActorNetwork

/// What the operator decided about this host, as far as actors are concerned.
public struct HostSettings: Sendable {
    /// Where all state is; absolute.
    public var baseDirectory: String
    /// How many actors one slot holds in autumn; 0 = no limit but the machine's.
    public var slotCapacity = 0
    /// How many Runs, Restores and Starts are at work at once, and how many Checkpoints; the next ones wait their turn.
    public var verbsAtOnce = DebugSetting.verbsAtOnce ?? 64
    /// How many may wait; one more is refused with HOST_BUSY.
    public var verbsWaiting = 256
    /// How many slots are kept prepared, of a backend that has `prepare`.
    public var warmSlots = 0
    /// How much memory paused actors may keep whose programs are frozen rather than ended; 0: none are.
    public var heldBytes: Int64 = 0
    /// How many local snapshots of an actor are kept when a newer one was made; 0 = all.
    public var keepSnapshots = 0
    /// What the operator shows to every container of every actor.
    public var mounts: [OperatorMount] = []
    /// Whether each workload that the launcher starts gets a user namespace, or does not start.
    public var userNamespace = false
    /// The ids for user namespaces; nil: actors get none.
    public var ranges: IDRanges?
    /// How actors get out through a gateway; nil: none does.
    public var egress: EgressSettings?
    /// The certificates that actors may ask for.
    public var trustBundles = TrustBundles([:])
    /// This machine's architecture, in the contract's words.
    public var architecture = "amd64"
    /// Makes settings with the defaults.
    ///
    /// - Parameter baseDirectory: absolute; made private if missing.
    public init(baseDirectory: String) { self.baseDirectory = baseDirectory }
}

/// How long a verb may take and what it may be told by.
public struct VerbContext: Sendable {
    /// Milliseconds until the caller's deadline.
    public var timeoutMilliseconds: Int64
    /// When the caller stops waiting, a little early so that an answer still reaches it; nil if it waits for ever.
    public var deadline: ContinuousClock.Instant?
    /// Time for programs to end after TERM.
    public var graceMilliseconds: Int64 = 10_000
    /// Makes one.
    ///
    /// - Parameters:
    ///   - timeoutMilliseconds: as above.
    ///   - deadline: as above.
    public init(timeoutMilliseconds: Int64, deadline: ContinuousClock.Instant? = nil) {
        self.timeoutMilliseconds = timeoutMilliseconds
        self.deadline = deadline
    }
}
