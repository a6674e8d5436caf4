import PluginHost
import PluginOverlays

/// What would hold if `serve` began now, each setting with who said so.
struct EffectiveSettings: Equatable, Sendable {
    /// One line of `config show`.
    struct Row: Equatable, Sendable {
        /// The key, dotted; items of lists and maps have their own rows.
        let key: String
        let value: JSONText
        let origin: SettingOrigin
        /// What must be read beside it.
        var warning: String?
    }

    /// The file that was read.
    var file: String?
    /// In the order of the table of keys.
    var rows: [Row] = []
}

extension CommandReader {
    /// Every setting and its origin.
    ///
    /// - Throws: what `serve` would refuse of it.
    func effective() throws(UsageError) -> EffectiveSettings {
        let configuration = try configuration()
        var settings = EffectiveSettings(file: configuration.path)
        let overlays = try sources(configuration)
        let given = try grants(
            configuration,
            to: parsed.value("backend") ?? configuration.values["backend"]?.texts.first
        )
        let named = directory("base-dir") ?? configuration.values["base_dir"]?.texts.first
        let base = if let named { named } else { try baseDirectory() }
        for key in SettingKey.table {
            switch key.kind {
            case .sources:
                let origin: SettingOrigin =
                    if !configuration.sources.isEmpty, parsed.has("overlay") {
                        .flag("--overlay, above \(configuration.path ?? ""):\(configuration.sourcesLine)")
                    } else if !configuration.sources.isEmpty {
                        .file(configuration.path ?? "", line: configuration.sourcesLine)
                    } else if parsed.has("overlay") { .flag("--overlay") } else if !overlays.isEmpty {
                        .environment("SUBSTRATE_OVERLAY_SOURCES")
                    } else { .standard }
                settings.rows.append(
                    .init(key: key.name, value: .list(overlays.map { .string($0.directory) }), origin: origin)
                )
            case .backends:
                for (name, backend) in given.sorted(by: { $0.key < $1.key }) {
                    settings.rows += Self.rows(name, backend)
                }
            default: settings.rows.append(row(key, configuration, base: base))
            }
        }
        return settings
    }

    private func row(_ key: SettingKey, _ configuration: Configuration, base: String) -> EffectiveSettings.Row {
        // `--json` of this command is about its own output.
        if let flag = key.flag, flag != "json", parsed.has(flag) {
            let texts = key.kind == .boolean ? ["true"] : parsed.list(flag)
            let isPath = key.kind == .path || key.kind == .paths
            return .init(
                key: key.name,
                value: Self.value(isPath ? texts.map(environment.absolute) : texts, key.kind),
                origin: .flag("--\(flag)")
            )
        }
        if let value = configuration.values[key.name], let origin = configuration.origin(key.name) {
            return .init(key: key.name, value: Self.value(value.texts, key.kind), origin: origin)
        }
        let standard: JSONText =
            switch key.name {
            case "base_dir": .string(base)
            case "listen": .list([.string("unix:\(base)/host.sock")])
            case "backend", "image_auth_file", "localhost_registry_replacement", "egress.trust", "egress.certificate",
                "egress.key", "egress.dns":
                .null
            case "plugins_dir":
                .optional(ShippedPlugins.find(pluginsDirOption: nil, executableRealPath: Program.path))
            default: key.standard == "[]" ? .list([]) : Self.value([key.standard], key.kind)
            }
        return .init(key: key.name, value: standard, origin: .standard)
    }

    private static func value(_ texts: [String], _ kind: SettingKey.Kind) -> JSONText {
        let first = texts.first ?? ""
        return switch kind {
        case .boolean: .bool(first == "true")
        case .size: ByteSize.parse(first).map(JSONText.integer) ?? .string(first)
        case .integer: Int64(first).map(JSONText.integer) ?? .string(first)
        case .texts, .paths, .addresses, .origins, .mounts, .sources: .list(texts.map { .string($0) })
        case .text, .path, .choice, .backends: .string(first)
        }
    }

    private static func rows(_ name: String, _ backend: BackendSettings) -> [EffectiveSettings.Row] {
        var rows = backend.grants.map { given in
            EffectiveSettings.Row(
                key: "backends.\(name).grants",
                value: .string(given.grant.text),
                origin: given.origin,
                warning: given.grant.isTool ? OperatorGrant.warning : nil
            )
        }
        for (key, value) in backend.config.sorted(by: { $0.key < $1.key }) {
            rows.append(.init(key: "backends.\(name).config.\(key)", value: .string(value.text), origin: value.origin))
        }
        if let user = backend.toolUser {
            rows.append(
                .init(key: "backends.\(name).tool_user", value: .integer(Int64(user)), origin: backend.toolUserOrigin)
            )
        }
        if let size = backend.poolSize {
            rows.append(
                .init(key: "backends.\(name).pool.size", value: .integer(Int64(size)), origin: backend.poolOrigin)
            )
        }
        if let bytes = backend.heldBytes {
            rows.append(
                .init(key: "backends.\(name).held.memory", value: .integer(bytes), origin: backend.heldOrigin)
            )
        }
        return rows
    }
}
