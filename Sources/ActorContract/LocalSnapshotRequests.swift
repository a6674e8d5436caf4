/// UploadPausedCheckpoint (autumn): a local snapshot goes to object storage.
public struct UploadPausedCheckpointRequest: Sendable, Equatable {
    /// Who.
    public var identity: ActorIdentity
    /// The local snapshot's name.
    public var snapshotName: String
    /// Where it goes: a URI prefix.
    public var destinationURI: String
    /// What of it goes; nil = all that it holds.
    public var scope: SnapshotScope?
    /// Whether the local copy stays.
    public var keepLocal: Bool
    /// Makes one.
    public init(
        identity: ActorIdentity,
        snapshotName: String,
        destinationURI: String,
        scope: SnapshotScope?,
        keepLocal: Bool
    ) {
        self.identity = identity
        self.snapshotName = snapshotName
        self.destinationURI = destinationURI
        self.scope = scope
        self.keepLocal = keepLocal
    }
}

/// PruneLocalCheckpoints (autumn): an actor's local snapshots go.
public struct PruneLocalCheckpointsRequest: Sendable, Equatable {
    /// Who.
    public var identity: ActorIdentity
    /// Makes one.
    public init(identity: ActorIdentity) { self.identity = identity }
}
