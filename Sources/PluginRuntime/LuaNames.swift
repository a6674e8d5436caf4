import PluginProtocol

/// The names that a script may use, to mend what Lua's own errors complain of.
enum LuaNames {
    private static let globals = LuaSurface.functions + LuaSurface.libraries.map(\.key) + ["host"]
    private static let library = LuaSurface.libraries.flatMap(\.value)
    /// Fields of the tables that a verb receives.
    private static let fields =
        PluginTable.fields(of: "Actor").map(\.name) + PluginVerb.rows.flatMap(\.request.fields).map(\.name)

    /// How to mend an error of Lua's own, or nothing: such as `attempt to index a nil value (field 'netwrk')`.
    static func mend(_ message: String) -> String {
        guard message.hasPrefix("attempt to "), message.contains("a nil value") else { return "" }
        for (kind, names) in [("global", globals), ("field", library + fields), ("method", library)] {
            guard let name = quoted(message, after: "(\(kind) '") else { continue }
            if kind == "global", let words = LuaSurface.absent.first(where: { $0.key == name })?.value {
                return "\(name) is not there: \(words)"
            }
            if names.contains(name) { return "" }
            return Nearest.mend(name, among: names)
        }
        return ""
    }

    private static func quoted(_ message: String, after opening: String) -> String? {
        let text = Array(message.utf8)
        let wanted = Array(opening.utf8)
        guard text.count >= wanted.count else { return nil }
        for start in 0...text.count - wanted.count where text[start..<start + wanted.count].elementsEqual(wanted) {
            return String(decoding: text[(start + wanted.count)...].prefix { $0 != 0x27 }, as: UTF8.self)
        }
        return nil
    }
}
