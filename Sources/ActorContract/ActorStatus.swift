/// Where an actor is in its life.
///
/// - Source: DESIGN "Words and status".
public enum ActorStatus: String, Sendable, CaseIterable, Codable {
    /// Known, and nothing done yet.
    case created
    /// Its images and assets are being had.
    case pulling
    /// Its processes are starting.
    case starting
    /// It is being made from a snapshot.
    case restoring
    /// It answers.
    case ready
    /// A snapshot of it is being made.
    case checkpointing
    /// Ended with a local snapshot.
    case paused
    /// Ended with an external snapshot.
    case suspended
    /// Ended: by request, or with exit status 0.
    case stopped
    /// Ended by a failure; the reason says which.
    case failed
    /// Being deleted.
    case removing
    /// Gone.
    case removed

    /// Whether the actor holds its slot and may have processes.
    public var isLive: Bool {
        switch self {
        case .created, .pulling, .starting, .restoring, .ready, .checkpointing: true
        case .paused, .suspended, .stopped, .failed, .removing, .removed: false
        }
    }

    /// The statuses that may follow this one.
    public var successors: Set<ActorStatus> {
        switch self {
        case .created: [.pulling, .starting, .restoring, .stopped, .failed, .removing]
        case .pulling: [.starting, .restoring, .stopped, .failed, .removing]
        case .starting: [.ready, .stopped, .failed, .removing]
        case .restoring: [.ready, .stopped, .failed, .removing]
        case .ready: [.checkpointing, .stopped, .failed, .removing]
        // Back to ready when a checkpoint fails without harm, or leaves the actor running.
        case .checkpointing: [.ready, .paused, .suspended, .stopped, .failed, .removing]
        // Run and Restore begin anew at created; Start runs the kept root again.
        // An upload of what was paused suspends it.
        case .paused: [.created, .pulling, .starting, .restoring, .suspended, .removing]
        case .suspended, .stopped, .failed: [.created, .pulling, .starting, .restoring, .removing]
        // A removal that could not finish is tried again, never undone.
        case .removing: [.removed, .failed]
        // The name is free again.
        case .removed: [.created]
        }
    }

    /// Whether `next` may follow; the same status again is no move.
    public func canMove(to next: ActorStatus) -> Bool { successors.contains(next) }
}

/// Why an actor failed, as clients read it.
public enum FailureReason: String, Sendable, CaseIterable, Codable {
    /// It did not fail.
    case none = ""
    /// An image or asset could not be had.
    case pull
    /// A process could not be started.
    case `init`
    /// The request cannot be carried out as it stands.
    case config
    /// The backend's script failed.
    case plugin
    /// The sandbox's rules were broken.
    case policy
    /// The workload never answered 200.
    case readinessTimeout = "readiness_timeout"
    /// It ended before its time.
    case crashed
    /// The kernel killed it: it used more memory than its limit.
    case outOfMemory = "out_of_memory"
    /// The machine restarted under it.
    case rebooted
    /// It did not fail: after a restart of the host its backend could not say yet whether it lives.
    case unconfirmed
}
