import PluginProtocol

/// The names that a script may use, to mend what Lua's own errors complain of.
enum LuaNames {
    private static let globals = [
        "assert", "error", "ipairs", "next", "pairs", "rawequal", "rawget", "rawlen", "rawset", "select", "tonumber",
        "type", "pcall", "xpcall", "setmetatable", "getmetatable", "tostring", "print", "try", "host", "string",
        "table", "math", "utf8", "json", "require",
    ]
    private static let library = [
        "byte", "char", "find", "format", "gmatch", "gsub", "len", "lower", "match", "pack", "packsize", "rep",
        "reverse", "sub", "unpack", "upper", "concat", "insert", "move", "remove", "sort", "abs", "ceil", "floor",
        "fmod", "huge", "max", "maxinteger", "min", "mininteger", "modf", "sqrt", "tointeger", "ult", "codepoint",
        "codes", "offset", "encode", "decode", "object", "null",
    ]
    /// Fields of the tables that a verb receives.
    private static let fields = [
        "slot_id", "dirs", "network", "cgroup", "assets", "tools", "config", "probed", "devices", "processes", "name",
        "uid", "atespace", "template", "containers", "volumes", "identity", "limits", "pause_image", "prepared",
        "state", "timeout_ms", "grace_ms", "scope", "snapshot", "container", "command", "env",
    ]
    private static let absent = [
        "io": "files are written with host.file.write, and programs run with host.process.run",
        "os": "the time left is host.clock.left(); programs run with host.process.run",
        "debug": "every error already carries its line and trace",
        "coroutine": "host calls wait by themselves; two programs at once are process.start and process.wait",
        "load": "a backend is one file of text", "loadfile": "a backend is one file of text",
        "dofile": "a backend is one file of text", "package": "a backend is one file of text",
        "collectgarbage": "memory is the host's: 32 MiB in one verb",
    ]

    /// How to mend an error of Lua's own, or nothing: such as `attempt to index a nil value (field 'netwrk')`.
    static func mend(_ message: String) -> String {
        guard message.hasPrefix("attempt to "), message.contains("a nil value") else { return "" }
        for (kind, names) in [("global", globals), ("field", library + fields), ("method", library)] {
            guard let name = quoted(message, after: "(\(kind) '") else { continue }
            if kind == "global", let words = absent[name] { return "\(name) is not there: \(words)" }
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
