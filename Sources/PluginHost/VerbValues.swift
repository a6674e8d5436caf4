import ActorContract
import PluginProtocol
import SystemLayer

/// The tables that a verb receives: lua.md §E.2.
struct VerbValues {
    let actor: PreparedActor
    let request: VerbRequest
    let verb: BackendVerb
    /// Granted programs of this machine: name → path.
    let tools: [String: String]
    /// Granted device nodes: name → path.
    var devices: [String: String] = [:]
    /// The operator's settings of the script.
    let config: [String: PluginValue]
    /// What the host made for the network, by the descriptor's word.
    var network = "namespace"
    /// Where cgroups are.
    var layout = CgroupLayout()

    /// The slot's table, with the actor's own fields where the verb is about one; `handles` names its live programs.
    func actorValue(_ handles: [String: PluginHandle]) -> PluginValue {
        let places = actor.slotPlaces
        var fields: [String: PluginValue] = [
            "slot_id": .text(actor.slot),
            "dirs": .map([
                "runtime": .text(places.runtime), "bundles": .text(places.bundles), "logs": .text(places.logs),
                "work": .text(places.work),
            ]),
            "network": networkValue, "cgroup": cgroupValue,
            "assets": .map(actor.assets.mapValues { .text($0) }),
            "tools": .map(tools.mapValues { .text($0) }), "config": .map(config),
            "devices": .map(devices.mapValues { .text($0) }),
            "probed": Self.decoded(actor.probed) ?? .map([:]),
            "processes": .map(handles.mapValues { .handle($0) }),
        ]
        if verb.takesSlot { return .map(fields) }
        fields["name"] = .text(actor.identity.key.name)
        fields["uid"] = .text(actor.identity.uid)
        fields["template"] = .text(actor.identity.template)
        fields["atespace"] = .text(atespace)
        fields["containers"] = .list(actor.containers.map(container))
        fields["volumes"] = .list(actor.volumes.sorted { $0.key < $1.key }.map(volume))
        fields["identity"] = .text("\(ActorDirectories(actor.directory).identity)/actor-id")
        fields["limits"] = limits
        if !actor.pauseImage.isEmpty { fields["pause_image"] = .text(actor.pauseImage) }
        if let prepared = actor.prepared { fields["prepared"] = Self.decoded(prepared) ?? .map([:]) }
        if let state = Self.decoded(actor.state) { fields["state"] = state }
        return .map(fields)
    }

    /// The request's table.
    var requestValue: PluginValue {
        var fields: [String: PluginValue] = ["timeout_ms": .integer(request.timeoutMilliseconds)]
        if verb == .checkpoint { fields["may_hold"] = .boolean(request.mayHold) }
        if verb == .stop || verb == .checkpoint { fields["grace_ms"] = .integer(request.graceMilliseconds) }
        // What stands in for the memory is a full snapshot; whose the volumes are is another thing.
        if let scope = request.scope {
            fields["scope"] = .text(scope == .dataOnGolden ? SnapshotScope.full.rawValue : scope.rawValue)
        }
        if request.scope == .dataOnGolden { fields["own_volumes"] = .boolean(true) }
        if !request.snapshotDirectory.isEmpty {
            var snapshot: [String: PluginValue] = ["dir": .text(request.snapshotDirectory)]
            if verb == .restore {
                snapshot["files"] = .list(request.snapshotFiles.map { .text($0) })
                snapshot["volumes_saved"] = .boolean(request.snapshotHasVolumes)
            }
            fields["snapshot"] = .map(snapshot)
        }
        if let exec = request.exec {
            fields["container"] = .text(exec.container)
            fields["command"] = .list(exec.command.map { .text($0) })
            fields["tty"] = .boolean(exec.hasTerminal)
            fields["env"] = .map(exec.environment.mapValues { .text($0) })
        }
        return .map(fields)
    }

    /// A table that was answered earlier; an empty one is a table too.
    private static func decoded(_ bytes: [UInt8]) -> PluginValue? {
        guard !bytes.isEmpty, let value = try? ValueCodec.decode(bytes) else { return nil }
        return value == .list([]) ? .map([:]) : value
    }

    private var networkValue: PluginValue {
        guard ["namespace", "interface", "tap"].contains(network), let namespace = actor.networkNamespace else {
            return .boolean(false)
        }
        // No gateway: there is no way out of it.
        let isLoopback = network != "interface"
        return .map([
            "namespace": .text(namespace), "address": .text("169.254.17.2"),
            "interface": .text(isLoopback ? "lo" : "eth0"), "mtu": .integer(isLoopback ? 65536 : 1500),
        ])
    }

    private var cgroupValue: PluginValue {
        let cgroup = Cgroup.open(layout: layout, name: actor.cgroup)
        let version = layout.v2Base == nil ? "1" : layout.v1Bases.isEmpty ? "2" : "hybrid"
        return .map(["version": .text(version), "path": .text(cgroup.v2Path ?? cgroup.v1Paths.first ?? "")])
    }

    private var limits: PluginValue {
        let all = ["cpu_milli": actor.cpuMilli, "memory_bytes": actor.memoryBytes, "pids": actor.pids]
        return .map(all.compactMapValues { $0.map { .integer($0) } })
    }

    private var atespace: String {
        switch actor.identity.key {
        case .june(let namespace, _, _): namespace
        case .autumn(let atespace, _): atespace
        }
    }

    /// A durable volume: its path is where the first container that mounts it has it.
    private func volume(_ name: String, _ source: String) -> PluginValue {
        var fields: [String: PluginValue] = [
            "name": .text(name), "source": .text(source), "read_only": .boolean(false),
        ]
        let mounts = actor.containers.flatMap(\.container.volumeMounts)
        if let mount = mounts.first(where: { $0.name == name }) { fields["path"] = .text(mount.mountPath) }
        return .map(fields)
    }

    private func container(_ prepared: PreparedContainer) -> PluginValue {
        let container = prepared.container
        let own = actor.limits(of: container)
        var fields: [String: PluginValue] = [
            "name": .text(container.name),
            "command": .list((container.command + container.args).map { .text($0) }),
            "cwd": .text(prepared.defaults.workingDirectory),
            "image": .text(container.image),
            "root": .text(ActorDirectories(actor.directory).merged(container.name)),
            "user": .map([
                "uid": .integer(Int64(prepared.defaults.user)), "gid": .integer(Int64(prepared.defaults.group)),
                "groups": .list(prepared.defaults.groups.map { .integer(Int64($0)) }),
            ]),
            "capabilities": .list(WorkloadCapabilities.names(container).map { .text($0) }),
            "ports": .list((container.readiness.map { [$0.port] } ?? []).map { .integer(Int64($0)) }),
            "limits": .map(
                ["cpu_milli": own.cpuMilli, "memory_bytes": own.memoryBytes].compactMapValues { limit in
                    limit.map { .integer($0) }
                }
            ),
            "volumes": .list(
                actor.mounts(of: container).map { mount in
                    .map([
                        "name": .text(mount.name), "path": .text(mount.target), "source": .text(mount.source),
                        "read_only": .boolean(mount.readOnly),
                    ])
                }
            ),
        ]
        if verb == .run || verb == .restore {
            // A repeated name keeps its last value, as execve(2) readers do in practice.
            let image = (prepared.defaults.environment ?? []).map { entry in
                let name = entry.prefix { $0 != "=" }
                return (String(name), PluginValue.text(String(entry.dropFirst(name.count + 1))))
            }
            fields["env"] = .map(
                Dictionary(
                    image + container.environment.map { ($0.name, .text($0.value)) },
                    uniquingKeysWith: { $1 }
                )
            )
        }
        return .map(fields)
    }
}
