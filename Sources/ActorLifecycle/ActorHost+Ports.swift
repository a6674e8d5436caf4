public import ActorContract
public import HostErrors

/// Ports of actors on this machine's loopback: they end with the actor, however it ends.
extension ActorHost {
    /// Opens a loopback port that leads into a ready actor.
    ///
    /// - Parameters:
    ///   - key: the actor.
    ///   - port: inside the actor, 1...65535.
    ///   - hostPort: on 127.0.0.1; 0 lets the system choose.
    /// - Returns: the loopback port.
    /// - Throws: `invalidArgument` for a port that is none, `alreadyExists` when it is taken, `failedPrecondition` when
    ///   the actor is not ready.
    public func publish(_ key: ActorKey, port: Int, hostPort: Int) async throws(HostError) -> Int {
        let record = try get(key)
        guard record.status == .ready else {
            throw HostError(
                .failedPrecondition,
                .actorNotRunning,
                "actor \(key.text) is \(record.status.rawValue), and only a ready one has ports"
            )
        }
        let namespace = slotDirectories(try entry(key).record).network
        return try await Offload.run { () throws(HostError) in
            try self.ports.publish(key, namespace: namespace, address: record.address, port: port, hostPort: hostPort)
        }
    }

    /// Closes the loopback ports that lead to a port of an actor.
    ///
    /// - Parameters:
    ///   - key: the actor.
    ///   - port: inside the actor.
    public func forget(_ key: ActorKey, port: Int) { ports.forget(key, port: port) }

    /// The open ports of an actor.
    ///
    /// - Parameter key: the actor.
    /// - Returns: pairs of loopback port and port inside.
    public func ports(_ key: ActorKey) -> [(hostPort: Int, actorPort: Int)] { ports.list(key) }
}
