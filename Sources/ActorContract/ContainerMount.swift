/// What a container mounts beside its root, whoever asked for it.
public struct ContainerMount: Sendable, Equatable {
    /// The volume's name; of an operator's mount the target, which is no volume's name.
    public var name: String
    /// Where it is on this machine.
    public var source: String
    /// Where the container sees it.
    public var target: String
    /// Whether writes are refused.
    public var readOnly: Bool
}

extension PreparedActor {
    /// Everything that a container mounts beside its root and its identity, in the order of mounting.
    ///
    /// A mount of a volume that is not there is left out, as the contract's first dialect has it (§11 A9); autumn
    /// refused it before.
    /// - Parameter container: one of this actor's.
    /// - Returns: the volumes in the request's order, then the operator's.
    public func mounts(of container: Container) -> [ContainerMount] {
        container.volumeMounts.compactMap { mount in
            let durable = volumes[mount.name]
            return (durable ?? information[mount.name]).map { source in
                ContainerMount(name: mount.name, source: source, target: mount.mountPath, readOnly: durable == nil)
            }
        }
            + operatorMounts.map {
                ContainerMount(name: $0.target, source: $0.source, target: $0.target, readOnly: $0.isReadOnly)
            }
    }
}
