extension Container {
    /// Whether the request limits this container by itself.
    public var hasLimits: Bool { memoryBytes > 0 || cpuMillis > 0 }

    /// The cgroup of one container's programs, by its name below the machine's.
    ///
    /// Where one container of an actor has limits, each has a cgroup: version 2 knows no limits between a cgroup and
    /// processes beside it.
    /// - Parameters:
    ///   - name: the container's.
    ///   - containers: all of the actor's.
    ///   - actor: the actor's cgroup.
    /// - Returns: its own, below the actor's, or the actor's.
    public static func cgroup(of name: String, among containers: [Container], actor: String) -> String {
        let isOwn = containers.contains(where: \.hasLimits) && containers.contains { $0.name == name }
        return isOwn ? "\(actor)/container-\(name)" : actor
    }
}

extension PreparedActor {
    /// The cgroup of one container's programs, by its name below the machine's.
    public func cgroup(of container: String) -> String {
        Container.cgroup(of: container, among: containers.map(\.container), actor: cgroup)
    }

    /// The limits of one container: at most the actor's, which hold anyway; nil is none.
    public func limits(of container: Container) -> (cpuMilli: Int64?, memoryBytes: Int64?) {
        func least(_ own: Int64, _ whole: Int64?) -> Int64? {
            own > 0 ? min(own, whole ?? own) : nil
        }
        return (least(container.cpuMillis, cpuMilli), least(container.memoryBytes, memoryBytes))
    }
}
