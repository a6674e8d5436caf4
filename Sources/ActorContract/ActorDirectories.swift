/// Where an actor's things are below its directory: one layout, known to whoever makes and whoever uses them.
///
/// - Source: contract §1.9 for the names that upstream shares.
public struct ActorDirectories: Sendable {
    /// The actor's own directory, absolute.
    public let root: String
    /// Makes the names; nothing is created.
    ///
    /// - Parameter root: absolute, without a slash at its end.
    public init(_ root: String) { self.root = root }
    /// Holds the identity file, shown at `/run/ate`.
    public var identity: String { "\(root)/identity" }
    /// The identity's files, in the words of the programs that read them.
    public static let (actorID, token) = ("actor-id", "token")
    /// Parent of the volumes that tell the actor about itself.
    public var information: String { "\(root)/system-info" }
    /// One of them.
    public func information(_ volume: String) -> String { "\(information)/\(volume)" }
    /// Parent of the durable volumes.
    public var durable: String { "\(root)/durable-dir" }
    /// Parent of the containers' writable layers.
    public var roots: String { "\(root)/roots" }
    /// Parent of the containers' spools.
    public var logs: String { "\(root)/logs" }
    /// Parent of the containers' exit records.
    public var exits: String { "\(root)/exits" }
    /// A runtime's own state.
    public var runtime: String { "\(root)/runtime" }
    /// The script's working directory.
    public var work: String { "\(root)/work" }
    /// OCI bundles.
    public var bundles: String { "\(root)/bundles" }
    /// The file on which the network namespace is mounted.
    public var network: String { "\(root)/network" }
    /// Parent of local snapshots; survives every reset.
    public var snapshots: String { "\(root)/local-checkpoint" }
    /// What stays of a removed actor that has snapshots: these, and the file that keeps the images they were made from.
    public static let keptWithSnapshots = ["local-checkpoint", "images"]
    /// What a script leaves in it while it checkpoints becomes the snapshot's.
    public var checkpoint: String { "\(root)/checkpoint" }
    /// The files of the snapshot that the actor was restored from; a runtime may read them as long as it lives.
    public var restoreState: String { "\(root)/restore-state" }
    /// A durable volume.
    public func volume(_ name: String) -> String { "\(durable)/\(name)" }
    /// What a container wrote.
    public func upper(_ container: String) -> String { "\(roots)/\(container)/upper" }
    /// The overlay's own scratch directory.
    public func scratch(_ container: String) -> String { "\(roots)/\(container)/work" }
    /// A container's whole root, where programs of this machine find it.
    public func merged(_ container: String) -> String { "\(roots)/\(container)/root" }
    /// A container's spool.
    public func log(_ container: String) -> String { "\(logs)/\(container)" }
    /// A container's exit records.
    public func exit(_ container: String) -> String { "\(exits)/\(container)" }
}
