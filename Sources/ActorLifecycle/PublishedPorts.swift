import ActorContract
import ActorNetwork
import HostErrors
import Synchronization

/// The loopback ports that lead into actors: made on request, gone with the host or the actor.
final class PublishedPorts: Sendable {
    private struct Entry {
        let actorPort: Int
        let forwarder: PortForwarder
    }
    private let entries = Mutex<[ActorKey: [Entry]]>([:])

    /// Opens one.
    ///
    /// - Returns: the loopback port.
    /// - Throws: `invalidArgument` for a port that is none, `resourceExhausted` when it is taken.
    func publish(
        _ key: ActorKey,
        namespace: String,
        address: String?,
        port: Int,
        hostPort: Int
    ) throws(HostError) -> Int {
        guard let target = UInt16(exactly: port), target > 0 else {
            throw HostError(.invalidArgument, nil, "port is \(port): a port is 1 to 65535")
        }
        guard let wanted = UInt16(exactly: hostPort) else {
            throw HostError(.invalidArgument, nil, "host_port is \(hostPort): a port is 1 to 65535, or 0 for any")
        }
        let forwarder = try PortForwarder(
            listenHost: "127.0.0.1",
            port: wanted,
            namespacePath: namespace,
            address: address,
            targetPort: target
        )
        entries.withLock { $0[key, default: []].append(Entry(actorPort: port, forwarder: forwarder)) }
        return Int(forwarder.port)
    }

    /// Closes the ones that lead to a port.
    func forget(_ key: ActorKey, port: Int) {
        let gone = entries.withLock { entries in
            let gone = (entries[key] ?? []).filter { $0.actorPort == port }
            entries[key]?.removeAll { $0.actorPort == port }
            return gone
        }
        for entry in gone { entry.forwarder.stop() }
    }

    /// Closes all of an actor.
    func close(_ key: ActorKey) {
        let gone = entries.withLock { $0.removeValue(forKey: key) ?? [] }
        // Their threads end in their own time: a port is nobody's reason to wait.
        if !gone.isEmpty { Offload.later { for entry in gone { entry.forwarder.stop() } } }
    }

    /// What is open.
    func list(_ key: ActorKey) -> [(hostPort: Int, actorPort: Int)] {
        entries.withLock { entries in
            (entries[key] ?? []).map { (Int($0.forwarder.port), $0.actorPort) }
        }
    }
}
