import ActorContract

/// The parts that requests of both dialects share, from and to messages.
extension WireMessage {
    /// Who, from the dialect's identity fields.
    func identity(_ dialect: Dialect) -> ActorIdentity {
        switch dialect {
        case .june:
            let namespace = string("actor_template_namespace")
            let template = string("actor_template_name")
            return ActorIdentity(
                key: .june(namespace: namespace, template: template, id: string("actor_id")),
                uid: "",
                templateNamespace: namespace,
                template: template
            )
        case .autumn:
            // Prune names the actor alone.
            let hasTemplate = schema.index(ofName: "actor_template_name") != nil
            return ActorIdentity(
                key: .autumn(atespace: string("atespace"), name: string("actor_name")),
                uid: string("actor_uid"),
                templateNamespace: hasTemplate ? string("actor_template_atespace") : "",
                template: hasTemplate ? string("actor_template_name") : ""
            )
        }
    }

    mutating func add(_ identity: ActorIdentity) {
        switch identity.key {
        case .june(let namespace, let template, let id):
            add("actor_template_namespace", namespace)
            add("actor_template_name", template)
            add("actor_id", id)
        case .autumn(let atespace, let name):
            add("atespace", atespace)
            add("actor_name", name)
            add("actor_uid", identity.uid)
            guard schema.index(ofName: "actor_template_name") != nil else { return }
            add("actor_template_atespace", identity.templateNamespace)
            add("actor_template_name", identity.template)
        }
    }

    /// The assets; nil when the request has none.
    func assets(_ dialect: Dialect) -> SandboxAssets? {
        guard let message = message("sandbox_assets") else { return nil }
        var assets = SandboxAssets()
        assets.sandboxClass = message.string("sandbox_class")
        for (architecture, files) in message.map("assets") {
            assets.assets[architecture] = files.map("files").mapValues { file in
                SandboxAssets.File(url: file.string("url"), sha256: file.string("sha256"))
            }
        }
        if dialect == .autumn { assets.pauseImage = message.string("pause_image") }
        return assets
    }

    mutating func add(_ assets: SandboxAssets, _ dialect: Dialect) {
        add("sandbox_assets") { message in
            message.add("sandbox_class", assets.sandboxClass)
            for (architecture, files) in assets.assets.sorted(by: { $0.key < $1.key }) {
                message.add("assets") { entry in
                    entry.add("key", architecture)
                    entry.add("value") { value in
                        for (name, file) in files.sorted(by: { $0.key < $1.key }) {
                            value.add("files") { entry in
                                entry.add("key", name)
                                entry.add("value") { message in
                                    message.add("url", file.url)
                                    message.add("sha256", file.sha256)
                                }
                            }
                        }
                    }
                }
            }
            if dialect == .autumn { message.add("pause_image", assets.pauseImage) }
        }
    }

    /// Where the snapshot is, by the type and the arm that was sent; unchecked.
    func rawPlace(_ dialect: Dialect) -> RawSnapshotPlace {
        let isJune = dialect == .june
        return RawSnapshotPlace(
            type: number32("type"),
            localName: message("local_config")?.string(isJune ? "snapshot_prefix" : "snapshot_name"),
            externalURI: message("external_config")?.string(isJune ? "snapshot_uri_prefix" : "snapshot_uri")
        )
    }

    mutating func add(_ place: SnapshotPlace, shared: Bool, _ dialect: Dialect) {
        let isJune = dialect == .june
        switch place {
        case .local(let name):
            add("type", 1)
            add("local_config") { $0.add(isJune ? "snapshot_prefix" : "snapshot_name", name) }
        case .external(let uri):
            add("type", 2)
            add("external_config") { message in
                message.add(isJune ? "snapshot_uri_prefix" : "snapshot_uri", uri)
                if shared { message.add("sharing", 2) }
            }
        }
    }
}

extension SnapshotScope {
    /// The enumeration's number, the same in both dialects.
    var number: Int {
        switch self {
        case .full: 1
        case .data: 2
        case .dataOnGolden: 3
        }
    }
}
