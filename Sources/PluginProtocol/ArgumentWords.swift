/// Values and kinds in the words of Lua's users.
enum ArgumentWords {
    /// `a string`, `nil`.
    static func noun(_ value: PluginValue) -> String {
        switch value {
        case .null: "nil"
        case .boolean(let flag): "\(flag)"
        case .integer: "an integer"
        case .float: "a float"
        case .text, .bytes: "a string"
        case .list, .map: "a table"
        case .handle(let handle): handle == .function ? "a function" : handle.isAsset ? "an asset" : "a process"
        }
    }

    /// The value itself where it is short: `"text"`, `2500.0`.
    static func literal(_ value: PluginValue) -> String {
        switch value {
        case .integer(let number): "\(number)"
        case .float(let number): "\(number)"
        case .text(let text): "\"\(text.prefix(60))\(text.count > 60 ? "…" : "")\""
        case .handle(let handle) where handle.isAsset:
            "handle<asset:\(handle.index & ~PluginHandle.assetMark).\(handle.generation)>"
        case .handle(let handle) where handle != .function: "handle<process:\(handle.index).\(handle.generation)>"
        default: noun(value)
        }
    }

    /// `2 strings`, `an integer, a table`, `nothing`.
    static func several(_ values: [PluginValue]) -> String {
        let nouns = values.map(noun)
        guard let first = nouns.first else { return "nothing" }
        if nouns.count > 1, Set(nouns).count == 1, let blank = first.firstIndex(of: " ") {
            return "\(nouns.count) \(first[first.index(after: blank)...])\(first.hasSuffix("ss") ? "es" : "s")"
        }
        return nouns.joined(separator: ", ")
    }

    /// What a kind is, for `expected`.
    static func expected(_ kind: ArgumentKind) -> String {
        switch kind {
        case .text: "a string"
        case .bytes: "a string of any bytes"
        case .path: "an absolute path"
        case .program: "an asset or a tool of this actor"
        case .oneOf(let allowed): allowed.joined(separator: ", ")
        case .integer: "an integer"
        case .boolean: "true or false"
        case .list(let element): "a list of \(plural(element))"
        case .map: "a map of strings"
        case .arguments: "a list of strings and integers"
        case .process: "a process"
        case .processes: "a process, a list or a map of them"
        case .asset: "an asset"
        case .either(let kinds): kinds.map(expected).joined(separator: ", or ")
        case .record(let fields): "a table: \(fields.map(\.name).joined(separator: ", "))"
        }
    }

    private static func plural(_ kind: ArgumentKind) -> String {
        switch kind {
        case .text, .bytes: "strings"
        case .path: "absolute paths"
        case .integer: "integers"
        case .process: "processes"
        case .oneOf(let allowed): allowed.joined(separator: ", ")
        default: "values"
        }
    }

    /// `…` and `{…}`.
    static func placeholder(_ kind: ArgumentKind) -> String {
        switch kind {
        case .list, .map, .arguments, .record: "{…}"
        default: "…"
        }
    }

    /// A value one could write.
    static func example(_ kind: ArgumentKind) -> String {
        switch kind {
        case .list, .map, .record: "{}"
        case .arguments: "{ \"…\" }"
        case .integer(let range): "\(range.lowerBound)"
        case .boolean: "true"
        case .process, .processes: "p"
        case .asset: "asset"
        default: "\"…\""
        }
    }
}
