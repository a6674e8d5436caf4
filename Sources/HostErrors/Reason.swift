/// The closed list of machine-readable causes, sent as `google.rpc.ErrorInfo.reason` in the domain `substrate.dev`.
///
/// - Source: DESIGN "Words and status": one enum, UPPER_SNAKE, the same in both dialects.
public enum Reason: String, Sendable, CaseIterable {
    /// The actor is live with other bytes than this request's.
    case actorRunning = "ACTOR_RUNNING"
    /// The slot has no room for another actor.
    case slotOccupied = "SLOT_OCCUPIED"
    /// Another operation on this actor is in progress: try again.
    case actorBusy = "ACTOR_BUSY"
    /// No actor of that key is known to this host.
    case actorNotFound = "ACTOR_NOT_FOUND"
    /// The actor is not in a state that allows this operation.
    case actorNotRunning = "ACTOR_NOT_RUNNING"
    /// The actor of this name has another uid than the request's.
    case actorUIDMismatch = "ACTOR_UID_MISMATCH"
    /// The request's sandbox class is not served by this host's backend.
    case sandboxClassMismatch = "SANDBOX_CLASS_MISMATCH"
    /// The backend cannot do the scope that was asked for.
    case scopeUnsupported = "SCOPE_UNSUPPORTED"
    /// The backend does not have that verb.
    case verbUnsupported = "VERB_UNSUPPORTED"
    /// The backend does not enforce a limit that was asked for.
    case limitUnsupported = "LIMIT_UNSUPPORTED"
    /// The request, or its reply, is larger than this host takes.
    case limitExceeded = "LIMIT_EXCEEDED"
    /// A feature of the contract that this host does not serve yet.
    case notServed = "NOT_SERVED"
    /// The image cannot be had or is not one.
    case image = "IMAGE"
    /// An asset cannot be had, or is not what its digest says.
    case asset = "ASSET"
    /// The snapshot is not here.
    case snapshotNotFound = "SNAPSHOT_NOT_FOUND"
    /// The snapshot exists with other contents.
    case snapshotExists = "SNAPSHOT_EXISTS"
    /// The snapshot does not verify.
    case snapshotCorrupt = "SNAPSHOT_CORRUPT"
    /// The snapshot was made by another backend, revision or architecture.
    case snapshotIncompatible = "SNAPSHOT_INCOMPATIBLE"
    /// The object store of a snapshot is none, cannot be reached or refuses.
    case snapshotStore = "SNAPSHOT_STORE"
    /// The backend script called wrongly, overspent or raised.
    case plugin = "PLUGIN"
    /// A need of the script was not granted.
    case notGranted = "NOT_GRANTED"
    /// The supervisor broke the rules of its sandbox.
    case policy = "POLICY"
    /// The workload never answered 200.
    case readinessTimeout = "READINESS_TIMEOUT"
    /// The workload ended before it was ready, or died afterwards.
    case crashed = "CRASHED"
    /// The kernel killed the workload before it was ready: it used more memory than its limit.
    case outOfMemory = "OUT_OF_MEMORY"
    /// Something this host needs is missing on the machine.
    case machine = "MACHINE"
    /// The disk or a budget is full.
    case storageFull = "STORAGE_FULL"
    /// As many verbs are at work as this host does at once: try again later.
    case hostBusy = "HOST_BUSY"
    /// A watcher read too slowly and missed changes: watch again, which begins with how things are.
    case missedChanges = "MISSED_CHANGES"
    /// The host is draining.
    case draining = "DRAINING"
}
