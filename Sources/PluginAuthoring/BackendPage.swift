public import PluginOverlays
public import PluginProtocol

/// What one backend does, in words: `plugin doc ./mine`.
public enum BackendPage {
    /// The page.
    ///
    /// - Parameters:
    ///   - descriptor: what the script says it is.
    ///   - entry: its file; the comment at its head is the author's own introduction.
    /// - Returns: Markdown.
    public static func text(_ descriptor: PluginDescriptor, entry: PluginEntry) -> String {
        var lines = ["# \(descriptor.name)", ""]
        if !descriptor.summary.isEmpty { lines += [descriptor.summary, ""] }
        let source = String(decoding: entry.source, as: UTF8.self).split(separator: "\n")
        let head = source.prefix { $0.hasPrefix("--") && !$0.hasPrefix("---@") }
            .map { String($0.drop { $0 == "-" || $0 == " " }) }
        if !head.isEmpty { lines += head + [""] }
        lines.append("- **Isolation** \(descriptor.isolation), as \(entry.origin) claims")
        lines.append("- **File** \(entry.path)")
        lines.append("- **Saves** \(descriptor.scopes.isEmpty ? "nothing" : descriptor.scopes.joined(separator: ", "))")
        let limits = descriptor.enforces.isEmpty ? "no limit" : descriptor.enforces.joined(separator: ", ")
        lines += ["- **Enforces** \(limits)", "- **Network** \(descriptor.network)"]
        lines += presence("Assets", descriptor.assets) + presence("Tools", descriptor.tools)
        lines += presence("Devices", descriptor.devices)
        lines += ["", "## What it does", ""]
        for row in PluginVerb.rows {
            let has = descriptor.verbs.contains(row.name)
            lines.append("- `\(row.name)` \(has ? "its own" : row.absent.isEmpty ? "absent" : "absent: \(row.absent)")")
        }
        lines += ["", "## What it may call", ""]
        lines += descriptor.needs.compactMap(HostFunction.named).map { "- `\($0.name)`: \($0.summary)" }
        if !descriptor.config.isEmpty {
            lines += ["", "## Settings", ""]
            for (name, field) in descriptor.config.sorted(by: { $0.key < $1.key }) {
                let fallback = field.fallback.map { "default `\(LuaWords.literal($0))`" } ?? "must be given"
                lines.append("- `\(name)` \(field.type), \(fallback)\(field.help.isEmpty ? "" : ": \(field.help)")")
            }
        }
        return lines.joined(separator: "\n") + "\n"
    }

    private static func presence(_ title: String, _ names: [String: Bool]) -> [String] {
        if names.isEmpty { return [] }
        let list = names.sorted { $0.key < $1.key }.map { "\($0.key) (\($0.value ? "required" : "optional"))" }
        return ["- **\(title)** \(list.joined(separator: ", "))"]
    }
}
