import ActorContract
import PluginHost
import PluginOverlays

/// The settings that come from file, environment and command line together.
extension CommandReader {
    /// The file that `--config` names, else the usual one.
    ///
    /// - Throws: every mistake in it.
    func configuration() throws(UsageError) -> Configuration {
        do throws(Configuration.Mistakes) {
            return try Configuration.find(parsed.value("config"), environment: environment)
        } catch { throw UsageError(configuration: error.lines) }
    }

    /// The command line with its gaps filled from the file: an option wins.
    func merged(_ configuration: Configuration) -> ParsedArguments {
        var whole = parsed
        for key in SettingKey.table {
            guard let flag = key.flag, let value = configuration.values[key.name] else { continue }
            switch (key.kind, value.texts) {
            // A switch says yes by being there; log.format is one too, for its one word.
            case (.boolean, ["true"]), (.choice(["auto", "json"]), ["json"]): whole.adopt(flag, [""])
            case (.boolean, _), (.choice(["auto", "json"]), _): continue
            default: whole.adopt(flag, value.texts)
            }
        }
        return whole
    }

    /// The overlays of the file or of the environment, and above them those of the command line.
    ///
    /// - Throws: when file and environment both name some: a list that is silently dropped would change what serves
    ///   (C18).
    func sources(_ configuration: Configuration) throws(UsageError) -> [PluginSource] {
        let flags = directories("overlay").map { PluginSource.overlay($0) }
        let variable = try variableSources()
        guard variable.isEmpty || configuration.sources.isEmpty else {
            let line = "overlays.sources (\(configuration.path ?? ""):\(configuration.sourcesLine))"
            throw error("overlays are named by SUBSTRATE_OVERLAY_SOURCES and by \(line): name all of them in one place")
        }
        return variable + configuration.sources + flags
    }

    /// Overlays of the environment: a YAML list as in the file, or directories with `:` between them.
    private func variableSources() throws(UsageError) -> [PluginSource] {
        guard let text = environment.overlaySources, !text.isEmpty else { return [] }
        guard text.hasPrefix("[") else {
            return text.split(separator: ":").map { PluginSource.overlay(environment.absolute(String($0))) }
        }
        do throws(Configuration.Mistakes) {
            let whole = "overlays: { sources: \(text) }"
            return try Configuration.parse(
                Array(whole.utf8),
                path: "\(environment.workingDirectory)/$SUBSTRATE_OVERLAY_SOURCES",
                environment: environment
            ).sources
        } catch { throw UsageError(configuration: error.lines) }
    }

    /// What every container is shown of this machine.
    ///
    /// - Throws: the first that is none, or is not there.
    func mounts() throws(UsageError) -> [OperatorMount] {
        let list = MountList(parsed.list("mount"))
        if let fault = list.faults.first { throw error("--mount: \(fault)") }
        return list.mounts
    }

    /// The certificates that actors may ask for, by name.
    ///
    /// - Throws: the first that is no `NAME=PATH`, or whose name is taken.
    func trustBundles() throws(UsageError) -> [String: String] {
        var bundles: [String: String] = [:]
        for text in parsed.list("trust-bundle") {
            let parts = text.split(separator: "=", maxSplits: 1).map(String.init)
            guard parts.count == 2, parts[1].hasPrefix("/") else {
                throw error("--trust-bundle: \"\(text)\" is no NAME=PATH with an absolute PATH")
            }
            guard bundles.updateValue(parts[1], forKey: parts[0]) == nil else {
                throw error("--trust-bundle: \(parts[0]) is named twice")
            }
        }
        return bundles
    }

    /// What each backend is given, `--grant` included: without `BACKEND/` it is for the one that was named.
    ///
    /// - Parameters:
    ///   - configuration: the file's.
    ///   - backend: the one that is served or explained; nil when none is.
    /// - Returns: by the backend's name.
    /// - Throws: which `--grant` is none.
    func grants(_ configuration: Configuration, to backend: String?) throws(UsageError) -> [String: BackendSettings] {
        var all = configuration.backends
        for text in parsed.list("grant") {
            let (named, rest) = Self.target(text)
            guard let name = named ?? backend else {
                throw error("--grant \(text): to which backend? write --grant BACKEND/\(text)")
            }
            do throws(OperatorGrant.Fault) {
                let grant = try OperatorGrant(rest)
                all[name, default: BackendSettings()].grants.removeAll { $0.grant.target == grant.target }
                all[name, default: BackendSettings()].grants.append(.init(grant: grant, origin: .flag("--grant")))
            } catch { throw self.error("--grant \(text): \(error.text)") }
        }
        return all
    }

    /// `BACKEND/GRANT`: the slash of a path comes after the grant's colon, that of a backend before it.
    private static func target(_ text: String) -> (backend: String?, grant: String) {
        guard let slash = text.firstIndex(of: "/"), !text[..<slash].contains(":"), slash != text.startIndex else {
            return (nil, text)
        }
        return (String(text[..<slash]), String(text[text.index(after: slash)...]))
    }

    /// Where a client finds the host when `--connect` does not say.
    func usualEndpoint() throws(UsageError) -> Endpoint {
        if parsed.value("base-dir") == nil {
            let configuration = try configuration()
            if let first = configuration.values["listen"]?.texts.first {
                return try Endpoint(first, option: "connect", command: command, environment: environment)
            }
            if let base = configuration.values["base_dir"]?.texts.first {
                return try Endpoint(socket: base + "/host.sock", command: command)
            }
        }
        return try Endpoint(socket: try baseDirectory() + "/host.sock", command: command)
    }

    /// `backends`: names of files and overlays ask for the files, `--connect` and `--base-dir` for the host.
    func backends() throws(UsageError) -> BackendsOptions {
        let isHost = parsed.has("connect") || parsed.has("base-dir")
        let isFiles = parsed.has("overlay") || parsed.has("plugins-dir") || parsed.has("config")
        guard !isHost || !isFiles else {
            throw error("--connect and --base-dir ask a host, --overlay, --plugins-dir and --config read files: choose")
        }
        let configuration = try configuration()
        var connect: Endpoint?
        if let text = parsed.value("connect") {
            connect = try Endpoint(text, option: "connect", command: command, environment: environment)
        } else if !isFiles {
            connect = try usualEndpoint()
        }
        return BackendsOptions(
            overlays: isHost ? [] : try sources(configuration),
            pluginsDirectory: pluginsDirectory(configuration),
            json: parsed.has("json"),
            connect: connect,
            isConnectOptional: !isHost
        )
    }

    /// `config check [FILE]` and `config show`.
    func config() throws(UsageError) -> ConfigOptions {
        let json = parsed.has("json")
        let file = parsed.operands.dropFirst().first ?? parsed.value("config")
        switch parsed.operands[0] {
        case "check":
            let extra = parsed.values.keys.filter { !["config", "json"].contains($0) }.min()
            if let extra { throw error("check takes no --\(extra): it reads a file") }
            return .check(file: file.map(environment.absolute), json: json)
        case "show":
            guard parsed.operands.count == 1 else {
                throw error("show takes no \"\(parsed.operands[1])\": write --config \(parsed.operands[1])")
            }
            return .show(try effective(), json: json)
        default: throw unknownAction(["check", "show"])
        }
    }

    /// `overlays ls|explain|check [NAME]`.
    func overlays() throws(UsageError) -> OverlaysOptions {
        guard let action = OverlaysOptions.Action(rawValue: parsed.operands[0]) else {
            throw unknownAction(OverlaysOptions.Action.allCases.map(\.rawValue))
        }
        let name = parsed.operands.dropFirst().first
        if action == .explain, name == nil { throw error("explain needs NAME: `\(Program.name) backends` lists them") }
        if action == .ls, let name { throw error("ls takes no \"\(name)\": it lists every source") }
        let configuration = try configuration()
        return OverlaysOptions(
            action: action,
            name: name,
            sources: try sources(configuration),
            pluginsDirectory: pluginsDirectory(configuration),
            backends: try grants(configuration, to: name),
            json: parsed.has("json")
        )
    }

    private func pluginsDirectory(_ configuration: Configuration) -> String? {
        directory("plugins-dir") ?? configuration.values["plugins_dir"]?.texts.first
    }

    private func unknownAction(_ actions: [String]) -> UsageError {
        let word = parsed.operands[0]
        let near = nearestName(to: word, among: actions).map { "; did you mean \"\($0)\"?" } ?? ""
        return error("there is \(actions.joined(separator: ", ")), not \"\(word)\"" + near)
    }
}
