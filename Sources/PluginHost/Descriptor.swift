import ActorContract
import HostErrors
import PluginOverlays
import PluginProtocol

/// A descriptor as the supervisor checked it, read once more: the supervisor is not trusted.
enum Descriptor {
    /// Reads what a script says that it is.
    ///
    /// - Throws: `internal` (`PLUGIN`) with the field that is wrong.
    static func read(_ value: PluginValue, entry: PluginEntry) throws(HostError) -> BackendDescription {
        guard case .map(let fields) = value else { throw wrong(entry, "it answered no table") }
        func text(_ name: String) throws(HostError) -> String {
            switch fields[name] {
            case .text(let text): return text
            case nil, .null: return ""
            default: throw wrong(entry, "\(name) is no string")
            }
        }
        func texts(_ name: String) throws(HostError) -> [String] {
            switch fields[name] {
            case nil, .null: return []
            case .map(let map) where map.isEmpty: return []
            case .list(let list):
                return list.compactMap { if case .text(let text) = $0 { text } else { nil } }
            default: throw wrong(entry, "\(name) is no list")
            }
        }
        var described = BackendDescription()
        described.name = try text("name")
        guard described.name == entry.name else {
            throw wrong(
                entry,
                "name is \"\(described.name)\", the file is \(entry.name): they must be equal, in lower case"
            )
        }
        described.sha256 = entry.revision
        described.path = entry.path
        described.origin = entry.origin
        described.isolation = try text("isolation")
        described.summary = try text("summary")
        described.classes = try texts("classes")
        described.enforces = try texts("enforces")
        described.verbs = try texts("verbs")
        described.needs = try texts("needs")
        for scope in try texts("scopes") {
            guard let known = SnapshotScope(rawValue: scope), known != .dataOnGolden else {
                throw wrong(entry, "scopes holds \"\(scope)\": scopes are \"full\" and \"data\"")
            }
            described.scopes.append(known)
        }
        if case .map(let assets)? = fields["assets"] {
            for (name, kind) in assets { described.assets[name] = kind == .text("required") }
        }
        let network = try text("network")
        described.needsNetwork = network.isEmpty || network == "namespace"
        described.needsImage = try text("image") != "none"
        for need in described.needs where HostFunction.named(need) == nil {
            throw wrong(entry, "needs \(need): this host has no such function")
        }
        return described
    }

    static func wrong(_ entry: PluginEntry, _ text: String) -> HostError {
        HostError(.internal, .plugin, "\(entry.path): \(text)")
    }
}
