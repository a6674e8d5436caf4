import ActorContract
import PluginProtocol

/// The tables that a verb receives: lua.md §E.2.
struct VerbValues {
    let actor: PreparedActor
    let request: VerbRequest
    let verb: BackendVerb
    /// Granted programs of this machine: name → path.
    let tools: [String: String]
    /// The operator's settings of the script.
    let config: [String: PluginValue]

    /// The actor's table; `handles` names its live programs.
    func actorValue(_ handles: [String: PluginHandle]) -> PluginValue {
        let places = ActorDirectories(actor.directory)
        var fields: [String: PluginValue] = [
            "slot_id": .text(actor.slot),
            "dirs": .map([
                "runtime": .text(places.runtime), "bundles": .text(places.bundles), "logs": .text(places.logs),
                "work": .text(places.work),
            ]),
            "assets": .map(actor.assets.mapValues { .text($0) }),
            "tools": .map(tools.mapValues { .text($0) }), "config": .map(config), "probed": .map([:]),
            "devices": .map([:]),
            "processes": .map(handles.mapValues { .handle($0) }),
            "name": .text(actor.identity.key.name), "uid": .text(actor.identity.uid),
            "template": .text(actor.identity.template), "atespace": .text(atespace),
            "containers": .list(actor.containers.map(container)),
            "volumes": .list(
                actor.volumes.sorted { $0.key < $1.key }.map {
                    .map(["name": .text($0.key), "source": .text($0.value)])
                }
            ),
            "identity": .text(places.identity),
            "limits": .map([:]),
        ]
        if let namespace = actor.networkNamespace {
            fields["network"] = .map(["namespace": .text(namespace), "address": .text("169.254.17.2")])
        } else {
            fields["network"] = .boolean(false)
        }
        if !actor.state.isEmpty, let state = try? ValueCodec.decode(actor.state) { fields["state"] = state }
        return .map(fields)
    }

    /// The request's table.
    var requestValue: PluginValue {
        var fields: [String: PluginValue] = ["timeout_ms": .integer(request.timeoutMilliseconds)]
        if verb == .stop || verb == .checkpoint { fields["grace_ms"] = .integer(request.graceMilliseconds) }
        if let scope = request.scope { fields["scope"] = .text(scope.rawValue) }
        if !request.snapshotDirectory.isEmpty { fields["snapshot"] = .map(["dir": .text(request.snapshotDirectory)]) }
        if let exec = request.exec {
            fields["container"] = .text(exec.container)
            fields["command"] = .list(exec.command.map { .text($0) })
            fields["tty"] = .boolean(exec.hasTerminal)
            fields["env"] = .map(exec.environment.mapValues { .text($0) })
        }
        return .map(fields)
    }

    private var atespace: String {
        switch actor.identity.key {
        case .june(let namespace, _, _): namespace
        case .autumn(let atespace, _): atespace
        }
    }

    private func container(_ prepared: PreparedContainer) -> PluginValue {
        let container = prepared.container
        var fields: [String: PluginValue] = [
            "name": .text(container.name),
            "command": .list((container.command + container.args).map { .text($0) }),
            "cwd": .text("/"),
            "image": .text(container.image),
            "user": .map(["uid": .integer(0), "gid": .integer(0)]),
            "volumes": .list(
                container.volumeMounts.compactMap { mount in
                    guard let source = actor.volumes[mount.name] else { return nil }
                    return .map([
                        "name": .text(mount.name), "path": .text(mount.mountPath), "source": .text(source),
                        "read_only": .boolean(false),
                    ])
                }
            ),
        ]
        if verb == .run || verb == .restore {
            // A repeated name keeps its last value, as execve(2) readers do in practice.
            fields["env"] = .map(
                Dictionary(container.environment.map { ($0.name, .text($0.value)) }, uniquingKeysWith: { $1 })
            )
        }
        return .map(fields)
    }
}
