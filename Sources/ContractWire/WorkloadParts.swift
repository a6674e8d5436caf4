import ActorContract
import HostErrors

extension WireMessage {
    /// The workload; an absent spec is an empty one.
    func workload(_ dialect: Dialect) throws(HostError) -> WorkloadSpec {
        var spec = WorkloadSpec()
        guard let message = message("spec") else { return spec }
        spec.containers = message.messages("containers").map { $0.container(dialect) }
        switch dialect {
        case .june:
            spec.pauseImage = message.string("pause_image")
            spec.volumes = message.messages("volumes").map { $0.juneVolume }
        case .autumn:
            let later = message.messages("volumes")
            let earlier = message.messages("earlier_volumes")
            guard later.isEmpty || earlier.isEmpty else {
                throw HostError(.invalidArgument, nil, "spec.volumes: fields 2 and 3 are both present")
            }
            spec.volumes = (later + earlier).map { $0.autumnVolume }
        }
        return spec
    }

    mutating func add(_ spec: WorkloadSpec, _ dialect: Dialect) {
        add("spec") { message in
            for container in spec.containers { message.add("containers") { $0.fill(container, dialect) } }
            if dialect == .june { message.add("pause_image", spec.pauseImage) }
            for volume in spec.volumes {
                message.add("volumes") { message in
                    message.add("name", volume.name)
                    switch volume.source {
                    case .unspecified: break
                    case .durableDirectory:
                        if dialect == .june { message.add("type", 1) }
                        message.add("durable_dir") { _ in }
                    case .systemInformation(let sources):
                        message.add("system_info") { info in
                            for files in sources { info.add("data_sources") { $0.fill(files) } }
                        }
                    case .unserved(let field):
                        // What it held is not kept: nobody serves it yet.
                        if message.schema.index(ofName: field) != nil { message.add(field) { _ in } }
                    }
                }
            }
        }
    }

    private func container(_ dialect: Dialect) -> Container {
        var container = Container()
        container.name = string("name")
        container.image = string("image")
        container.command = strings("command")
        container.environment = messages("env").map {
            EnvironmentEntry(name: $0.string("name"), value: $0.string("value"))
        }
        container.volumeMounts = messages("volume_mounts").map {
            VolumeMount(name: $0.string("name"), mountPath: $0.string("mount_path"))
        }
        if let probe = message(dialect == .june ? "readyz" : "wakeup_probe") {
            let get = probe.message("http_get")
            container.readiness = ReadinessProbe(
                path: get?.string("path") ?? "",
                port: get?.number32("port") ?? 0,
                timeoutSeconds: dialect == .june ? 0 : probe.number32("timeout_seconds"),
                hasHTTPGet: get != nil
            )
        }
        guard dialect == .autumn else { return container }
        container.args = strings("args")
        let capabilities = message("security_context")?.message("capabilities")
        container.capabilitiesAdd = capabilities?.strings("add") ?? []
        container.capabilitiesDrop = capabilities?.strings("drop") ?? []
        container.memoryBytes = message("resources")?.integer("memory_bytes") ?? 0
        container.cpuMillis = message("resources")?.integer("cpu_millis") ?? 0
        return container
    }

    private mutating func fill(_ container: Container, _ dialect: Dialect) {
        add("name", container.name)
        add("image", container.image)
        add("command", container.command)
        for entry in container.environment {
            add("env") { message in
                message.add("name", entry.name)
                message.add("value", entry.value)
            }
        }
        for mount in container.volumeMounts {
            add("volume_mounts") { message in
                message.add("name", mount.name)
                message.add("mount_path", mount.mountPath)
            }
        }
        if let probe = container.readiness {
            add(dialect == .june ? "readyz" : "wakeup_probe") { message in
                if probe.hasHTTPGet {
                    message.add("http_get") { get in
                        get.add("path", probe.path)
                        get.add("port", probe.port)
                    }
                }
                if dialect == .autumn { message.add("timeout_seconds", probe.timeoutSeconds) }
            }
        }
        guard dialect == .autumn else { return }
        add("args", container.args)
        if !container.capabilitiesAdd.isEmpty || !container.capabilitiesDrop.isEmpty {
            add("security_context") { message in
                message.add("capabilities") { capabilities in
                    capabilities.add("add", container.capabilitiesAdd)
                    capabilities.add("drop", container.capabilitiesDrop)
                }
            }
        }
        if container.memoryBytes != 0 || container.cpuMillis != 0 {
            add("resources") { message in
                message.add("memory_bytes", container.memoryBytes)
                message.add("cpu_millis", container.cpuMillis)
            }
        }
    }

    private var juneVolume: Volume {
        let type = number32("type")
        let source: Volume.Source =
            if type == 1 || (type == 0 && has("durable_dir")) {
                .durableDirectory
            } else if type == 0 {
                .unspecified
            } else {
                .unserved("type \(type)")
            }
        return Volume(name: string("name"), source: source)
    }

    private var autumnVolume: Volume {
        let unserved = ["external", "image"].first { has($0) }
        let source: Volume.Source =
            if has("durable_dir") {
                .durableDirectory
            } else if let info = message("system_info") {
                info.systemInformation
            } else {
                unserved.map { .unserved($0) } ?? .unspecified
            }
        return Volume(name: string("name"), source: source)
    }

    private var systemInformation: Volume.Source {
        let sources = messages("data_sources")
        if let other = sources.firstIndex(where: { !$0.has("actor_metadata") && !$0.has("trust_bundle") }) {
            return .unserved("system_info.data_sources[\(other)]")
        }
        return .systemInformation(
            sources.map { source in
                if let bundle = source.message("trust_bundle") {
                    // The earlier variant had one name.
                    let names = (bundle.has("name") ? [bundle.string("name")] : []) + bundle.strings("names")
                    return [SystemInformationFile(bundles: names, path: bundle.string("path"))]
                }
                return (source.message("actor_metadata")?.messages("items") ?? []).map { item in
                    SystemInformationFile(
                        field: SystemInformationFile.Field(rawValue: item.number32("field")) ?? .unspecified,
                        path: item.string("path")
                    )
                }
            }
        )
    }

    private mutating func fill(_ files: [SystemInformationFile]) {
        if let file = files.first, let names = file.bundles {
            add("trust_bundle") { message in
                message.add("path", file.path)
                message.add("names", names)
            }
            return
        }
        add("actor_metadata") { message in
            for file in files {
                message.add("items") { item in
                    item.add("field", file.field.rawValue)
                    item.add("path", file.path)
                }
            }
        }
    }
}
