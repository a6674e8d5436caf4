import PluginProtocol

/// Values as Lua writes them.
enum LuaWords {
    static func literal(_ value: PluginValue) -> String {
        switch value {
        case .null, .handle: "nil"
        case .boolean(let flag): "\(flag)"
        case .integer(let number): "\(number)"
        case .float(let number): "\(number)"
        case .text(let text): "\"\(text)\""
        case .bytes(let bytes): "\"\(String(decoding: bytes, as: UTF8.self))\""
        case .list(let items): items.isEmpty ? "{}" : "{ \(items.map(literal).joined(separator: ", ")) }"
        case .map(let pairs):
            pairs.isEmpty
                ? "{}"
                : "{ \(pairs.sorted { $0.key < $1.key }.map { "\($0.key) = \(literal($0.value))" }.joined(separator: ", ")) }"
        }
    }
}
