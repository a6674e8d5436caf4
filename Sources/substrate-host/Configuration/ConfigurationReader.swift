import HostErrors
import PluginHost
import PluginOverlays
import Transfer

/// Turns the nodes of a file into settings and collects every mistake.
struct ConfigurationReader {
    let path: String
    /// Its working directory is the file's own, so that relative paths mean the same whoever reads it.
    let environment: Environment
    private(set) var result = Configuration()
    private var found: [(line: Int, text: String)] = []
    /// Each with file and line, in the file's order.
    var mistakes: [String] {
        found.enumerated().sorted { ($0.element.line, $0.offset) < ($1.element.line, $1.offset) }
            .map { "\(path):\($0.element.line): \($0.element.text)" }
    }

    init(path: String, environment: Environment) {
        self.path = path
        var there = environment
        let directory = path.split(separator: "/").dropLast().joined(separator: "/")
        there.workingDirectory = "/" + directory
        self.environment = there
        result.path = path
    }

    /// Reads the whole document.
    mutating func read(_ root: YAMLNode) { readLevel(root, prefix: "") }

    mutating func mistake(_ line: Int, _ text: String) { found.append((line, text)) }

    /// The members of a map whose keys are fixed; a mistake for what is no map and for a key that is none.
    mutating func members(_ node: YAMLNode, of name: String, keys: [String]) -> [YAMLMember] {
        if case .null = node { return [] }
        guard case .map(let members, _) = node else {
            mistake(
                node.line,
                "\(name.isEmpty ? "the file" : name) is \(node.kind); write a map of \(keys.joined(separator: ", "))"
            )
            return []
        }
        return members.filter { member in
            if keys.contains(member.key) { return true }
            let full = name.isEmpty ? member.key : "\(name).\(member.key)"
            let near = nearestName(to: member.key, among: keys)
            let mend = near.map { "did you mean \($0)?" } ?? "there is \(keys.joined(separator: ", "))"
            mistake(member.line, "\(full) is no setting; \(mend)")
            return false
        }
    }

    private mutating func readLevel(_ node: YAMLNode, prefix: String) {
        let names = SettingKey.table.map(\.name).filter { $0.hasPrefix(prefix) }.map { $0.dropFirst(prefix.count) }
        var keys: [String] = []
        for name in names {
            let first = String(name.prefix { $0 != "." })
            if !keys.contains(first) { keys.append(first) }
        }
        for member in members(node, of: String(prefix.dropLast()), keys: keys) {
            let full = prefix + member.key
            if let key = SettingKey.named(full) {
                readKey(key, member)
            } else {
                readLevel(member.value, prefix: full + ".")
            }
        }
    }

    private mutating func readKey(_ key: SettingKey, _ member: YAMLMember) {
        let name = key.name
        switch key.kind {
        case .sources: readSources(member)
        case .backends: readBackends(member.value)
        case .text:
            if let text = scalar(member.value, name, "one word") { keep(name, [text], member) }
        case .path:
            if let text = scalar(member.value, name, "a path") { keep(name, [environment.absolute(text)], member) }
        case .texts: keep(name, list(member.value, name, "a list of words"), member)
        case .paths: keep(name, list(member.value, name, "a list of paths").map(environment.absolute), member)
        case .origins:
            let origins = list(member.value, name, "a list of http://HOST:PORT and https://HOST:PORT")
            for text in origins {
                do throws(HostError) { _ = try TrustedOrigin(text) } catch {
                    mistake(member.line, "\(name) holds \"\(text)\": \(error.message)")
                }
            }
            keep(name, origins, member)
        case .mounts:
            let texts = list(member.value, name, "a list of HOST:TARGET[:ro]")
            for fault in MountList(texts).faults { mistake(member.line, "\(name): \(fault)") }
            keep(name, texts, member)
        case .size:
            guard let text = scalar(member.value, name, ByteSize.form) else { return }
            guard ByteSize.parse(text) != nil else {
                return mistake(member.value.line, "\(name) is \"\(text)\"; write \(ByteSize.form)")
            }
            keep(name, [text], member)
        case .addresses:
            var addresses: [String] = []
            for text in list(member.value, name, "a list of unix:PATH and tcp:HOST:PORT") {
                do throws(UsageError) {
                    addresses.append(
                        try Endpoint(text, option: "listen", command: "", environment: environment).description
                    )
                } catch {
                    mistake(member.line, "\(name) holds \"\(text)\"; an address is unix:PATH or tcp:HOST:PORT")
                }
            }
            keep(name, addresses, member)
        case .boolean:
            guard let text = scalar(member.value, name, "true or false") else { return }
            guard ["true", "false"].contains(text) else {
                return mistake(member.value.line, "\(name) is \"\(text)\"; write true or false")
            }
            keep(name, [text], member)
        case .integer(let range):
            if let number = integer(member.value, name, range) { keep(name, ["\(number)"], member) }
        case .choice(let words):
            guard let text = scalar(member.value, name, "one of \(words.joined(separator: ", "))") else { return }
            guard words.contains(text) else {
                let near = nearestName(to: text, among: words).map { "; did you mean \($0)?" } ?? ""
                return mistake(
                    member.value.line,
                    "\(name) is \"\(text)\"; write one of \(words.joined(separator: ", "))\(near)"
                )
            }
            keep(name, [text], member)
        }
    }

    private mutating func keep(_ name: String, _ texts: [String], _ member: YAMLMember) {
        result.values[name] = Configuration.Value(texts: texts, line: member.line)
    }

    mutating func scalar(_ node: YAMLNode, _ name: String, _ wanted: String) -> String? {
        guard case .scalar(let text, let line) = node else {
            mistake(node.line, "\(name) is \(node.kind); write \(wanted)")
            return nil
        }
        guard !text.isEmpty else {
            mistake(line, "\(name) is \"\"; write \(wanted), or leave the key out")
            return nil
        }
        return text
    }

    mutating func integer(_ node: YAMLNode, _ name: String, _ range: ClosedRange<Int>) -> Int? {
        let wanted = "a whole number from \(range.lowerBound) to \(range.upperBound)"
        guard let text = scalar(node, name, wanted) else { return nil }
        guard let number = Int(text), range.contains(number) else {
            mistake(node.line, "\(name) is \"\(text)\"; write \(wanted)")
            return nil
        }
        return number
    }

    mutating func list(_ node: YAMLNode, _ name: String, _ wanted: String) -> [String] {
        guard case .list(let items, _) = node else {
            mistake(node.line, "\(name) is \(node.kind); write \(wanted)")
            return []
        }
        var texts: [String] = []
        for (index, item) in items.enumerated() {
            if let text = scalar(item, "\(name)[\(index)]", "one word") { texts.append(text) }
        }
        return texts
    }

    private mutating func readSources(_ member: YAMLMember) {
        guard case .list(let items, _) = member.value else {
            return mistake(member.value.line, "overlays.sources is \(member.value.kind); write a list of directories")
        }
        result.sourcesLine = member.line
        for (index, item) in items.enumerated() {
            guard let source = readSource(item, "overlays.sources[\(index)]") else { continue }
            if result.sources.contains(where: { $0.directory == source.directory }) {
                mistake(item.line, "overlays.sources[\(index)] is \(source.directory) again: name each directory once")
            }
            result.sources.append(source)
        }
    }

    private mutating func readSource(_ node: YAMLNode, _ name: String) -> PluginSource? {
        if case .scalar = node {
            return scalar(node, name, "a directory").map { .overlay(environment.absolute($0)) }
        }
        var directory: String?
        var surfaces: [PluginSurface: Subdirectory] = [:]
        let fields = ["dir"] + PluginSurface.allCases.map { "\($0.rawValue)_subdir" }
        for member in members(node, of: name, keys: fields) {
            let field = "\(name).\(member.key)"
            guard member.key != "dir" else {
                directory = scalar(member.value, field, "a directory").map(environment.absolute)
                continue
            }
            guard let surface = PluginSurface(rawValue: String(member.key.dropLast("_subdir".count))) else { continue }
            guard case .scalar(let text, let line) = member.value else {
                mistake(
                    member.value.line,
                    "\(field) is \(member.value.kind); write a directory of the overlay, or \"\" to turn it off"
                )
                continue
            }
            do throws(Subdirectory.Fault) { surfaces[surface] = try Subdirectory(text) } catch {
                mistake(line, "\(field) is \"\(text)\"; \(error.mend)")
            }
        }
        guard let directory else {
            if case .map = node { mistake(node.line, "\(name).dir is missing; write the overlay's directory") }
            return nil
        }
        return PluginSource(directory: directory, origin: "overlay \(directory)", surfaces: surfaces)
    }

    private mutating func readBackends(_ node: YAMLNode) {
        if case .null = node { return }
        guard case .map(let members, _) = node else {
            return mistake(node.line, "backends is \(node.kind); write a map from a backend's name to what it is given")
        }
        for member in members { result.backends[member.key] = readBackend(member) }
    }

    private mutating func readBackend(_ backend: YAMLMember) -> BackendSettings {
        var settings = BackendSettings()
        let name = "backends.\(backend.key)"
        for member in members(backend.value, of: name, keys: ["grants", "config", "pool", "held", "tool_user"]) {
            switch member.key {
            case "tool_user":
                // 4294967295 is "no change" to setresuid(2).
                settings.toolUser = integer(member.value, "\(name).tool_user", 0...4_294_967_294).map { UInt32($0) }
                settings.toolUserOrigin = .file(path, line: member.line)
            case "grants": readGrants(member.value, name, into: &settings)
            case "config":
                if case .null = member.value { continue }
                guard case .map(let values, _) = member.value else {
                    mistake(member.value.line, "\(name).config is \(member.value.kind); write a map of NAME: VALUE")
                    continue
                }
                for value in values {
                    guard case .scalar(let text, _) = value.value else {
                        mistake(value.line, "\(name).config.\(value.key) is \(value.value.kind); write one value")
                        continue
                    }
                    settings.config[value.key] = .init(text: text, origin: .file(path, line: value.line))
                }
            case "held":
                for entry in members(member.value, of: "\(name).held", keys: ["memory"]) {
                    let field = "\(name).held.memory"
                    guard let text = scalar(entry.value, field, ByteSize.form) else { continue }
                    settings.heldBytes = ByteSize.parse(text)
                    settings.heldOrigin = .file(path, line: entry.line)
                    if settings.heldBytes == nil {
                        mistake(entry.line, "\(field) is \"\(text)\"; write \(ByteSize.form)")
                    }
                }
            default:
                for entry in members(member.value, of: "\(name).pool", keys: ["size"]) {
                    settings.poolSize = integer(entry.value, "\(name).pool.size", 0...1000)
                    settings.poolOrigin = .file(path, line: entry.line)
                }
            }
        }
        return settings
    }

    private mutating func readGrants(_ node: YAMLNode, _ name: String, into settings: inout BackendSettings) {
        guard case .list(let items, _) = node else {
            return mistake(
                node.line,
                "\(name).grants is \(node.kind); write a list such as [tool:bwrap=/usr/bin/bwrap]"
            )
        }
        for (index, item) in items.enumerated() {
            let field = "\(name).grants[\(index)]"
            guard let text = scalar(item, field, "a grant such as tool:bwrap=/usr/bin/bwrap") else { continue }
            do throws(OperatorGrant.Fault) {
                let grant = try OperatorGrant(text)
                if let before = settings.grants.first(where: { $0.grant.target == grant.target }) {
                    mistake(item.line, "\(field) gives \(grant.target) again; \(before.origin) gave it already")
                }
                settings.grants.append(.init(grant: grant, origin: .file(path, line: item.line)))
            } catch {
                mistake(item.line, "\(field): \(error.text)")
            }
        }
    }
}
