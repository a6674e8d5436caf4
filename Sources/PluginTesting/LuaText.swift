import PluginProtocol

/// Values as an author would write them.
enum LuaText {
    /// `{ "side", "web" }`, `"41"`, `nil`.
    static func of(_ value: PluginValue) -> String {
        switch value {
        case .null: "nil"
        case .boolean(let flag): "\(flag)"
        case .integer(let number): "\(number)"
        case .float(let number): "\(number)"
        case .text(let text): quoted(text)
        case .bytes(let raw): quoted(String(decoding: raw, as: UTF8.self))
        case .list(let items): items.isEmpty ? "{}" : "{ \(items.map(of).joined(separator: ", ")) }"
        case .map(let pairs):
            "{ \(pairs.sorted { $0.key < $1.key }.map { "\(key($0.key)) = \(of($0.value))" }.joined(separator: ", ")) }"
        case .handle(let handle):
            handle == .function
                ? "function" : TestFunction.Object(rawValue: handle.generation).map { "<\($0.name)>" } ?? "handle"
        }
    }

    /// Whether Lua would hold them for the same: the way that bytes crossed does not matter.
    static func same(_ left: PluginValue, _ right: PluginValue) -> Bool {
        switch (left, right) {
        case (.text(let text), .bytes(let raw)), (.bytes(let raw), .text(let text)): Array(text.utf8) == raw
        case (.integer(let number), .float(let other)), (.float(let other), .integer(let number)):
            Double(number) == other
        case (.list(let mine), .list(let others)):
            mine.count == others.count && zip(mine, others).allSatisfy { same($0, $1) }
        case (.map(let mine), .map(let others)):
            mine.count == others.count
                && mine.allSatisfy { pair in others[pair.key].map { same(pair.value, $0) } ?? false }
        default: left == right
        }
    }

    private static func quoted(_ text: String) -> String {
        var out = "\""
        for character in text.unicodeScalars {
            switch character {
            case "\"": out += "\\\""
            case "\\": out += "\\\\"
            case "\n": out += "\\n"
            case "\t": out += "\\t"
            default:
                out += character.value < 32 ? "\\\(character.value)" : String(character)
            }
        }
        return out + "\""
    }

    private static func key(_ name: String) -> String {
        let plain = name.unicodeScalars.allSatisfy { $0.isASCII && ($0.properties.isAlphabetic || $0 == "_") }
        return plain && !name.isEmpty ? name : "[\(quoted(name))]"
    }
}
