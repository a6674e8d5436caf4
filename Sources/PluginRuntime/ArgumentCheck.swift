import PluginProtocol

/// What is wrong with an argument: the parts of a trap's text.
struct ArgumentFault: Error {
    var code = "api.type"
    var message: String
    var expected = ""
    var got = ""
    var mend = ""
}

/// Compares what a script passed with the row's shape, and makes the map that the host gets.
enum ArgumentCheck {
    /// The arguments under their names.
    ///
    /// - Parameters:
    ///   - values: by position.
    ///   - function: the row.
    /// - Returns: a map; what was absent or nil is not in it.
    /// - Throws: the first thing wrong.
    static func check(_ values: [PluginValue], of function: HostFunction) throws(ArgumentFault) -> PluginValue {
        switch function.arguments {
        case .record(let fields):
            guard values.count == 1, let pairs = map(values[0]) else {
                throw ArgumentFault(
                    code: values.count == 1 ? "api.type" : "api.arity",
                    message: "\(function.name) takes one table",
                    expected: "{ \(fields.map(\.name).joined(separator: ", ")) }",
                    got: values.isEmpty ? "nothing" : values.map(describe).joined(separator: ", ")
                )
            }
            return .map(try record(pairs, fields, of: function.name))
        case .positions(let fields):
            let required = fields.prefix { $0.required }.count
            guard (required...fields.count).contains(values.count) else {
                throw ArgumentFault(
                    code: "api.arity",
                    message: "\(function.name) takes \(required) to \(fields.count) arguments",
                    expected: fields.map(\.name).joined(separator: ", "),
                    got: "\(values.count)"
                )
            }
            let pairs = zip(fields, values).filter { $0.1 != .null }.map { ($0.0.name, $0.1) }
            return .map(try record(Dictionary(uniqueKeysWithValues: pairs), fields, of: function.name))
        }
    }

    private static func record(
        _ pairs: [String: PluginValue],
        _ fields: [ArgumentField],
        of name: String
    ) throws(ArgumentFault) -> [String: PluginValue] {
        let known = fields.map(\.name)
        for key in pairs.keys.sorted() where !known.contains(key) {
            throw ArgumentFault(
                code: "api.name",
                message: "\(name) has no field \"\(key)\"",
                expected: known.joined(separator: ", "),
                got: key,
                mend: Nearest.mend(key, among: known)
            )
        }
        var checked: [String: PluginValue] = [:]
        for field in fields {
            guard let value = pairs[field.name] else {
                if field.required { throw ArgumentFault(message: "\(name): \(field.name) is nil", got: "nil") }
                continue
            }
            checked[field.name] = try kind(value, field.kind, "\(name): \(field.name)")
        }
        return checked
    }

    private static func kind(
        _ value: PluginValue,
        _ kind: ArgumentKind,
        _ path: String
    ) throws(ArgumentFault) -> PluginValue {
        switch (kind, value) {
        case (.text, .text), (.boolean, .boolean), (.processes, .handle): return value
        case (.text, .bytes):
            throw ArgumentFault(code: "api.text", message: "\(path) is not text", expected: "valid UTF-8 without NUL")
        case (.oneOf(let allowed), .text(let text)):
            if allowed.contains(text) { return value }
            throw ArgumentFault(
                code: "api.range",
                message: "\(path) is \"\(text)\"",
                expected: allowed.joined(separator: ", "),
                mend: Nearest.mend(text, among: allowed)
            )
        case (.integer(let range), .integer(let number)):
            if range.contains(number) { return value }
            throw ArgumentFault(
                code: "api.range",
                message: "\(path) is \(number)",
                expected: "\(range.lowerBound) to \(range.upperBound)"
            )
        case (.integer, .float(let number)):
            throw ArgumentFault(
                message: "\(path) is a float",
                expected: "an integer",
                got: "\(number)",
                mend: "use // for division, or math.tointeger"
            )
        case (.list(let element), .list(let values)):
            return .list(try each(values, element, path))
        case (.map, _):
            if let pairs = map(value) {
                for key in pairs.keys.sorted() { _ = try self.kind(pairs[key] ?? .null, .text, "\(path).\(key)") }
                return .map(pairs)
            }
        case (.arguments, .list(let values)):
            return .list(try flat(values, path))
        case (.processes, .list(let values)):
            return .list(try each(values, .processes, path))
        case (.processes, .map(let pairs)):
            return .list(try each(pairs.keys.sorted().compactMap { pairs[$0] }, .processes, path))
        case (.record(let fields), _):
            if let pairs = map(value) { return .map(try record(pairs, fields, of: path)) }
        default: break
        }
        throw ArgumentFault(
            message: "\(path) is \(describe(value))",
            expected: words(kind),
            got: describe(value),
            mend: mend(kind, value)
        )
    }

    private static func each(
        _ values: [PluginValue],
        _ element: ArgumentKind,
        _ path: String
    ) throws(ArgumentFault) -> [PluginValue] {
        var checked: [PluginValue] = []
        for (index, value) in values.enumerated() { checked.append(try kind(value, element, "\(path)[\(index + 1)]")) }
        return checked
    }

    private static func flat(_ values: [PluginValue], _ path: String) throws(ArgumentFault) -> [PluginValue] {
        var line: [PluginValue] = []
        for (index, value) in values.enumerated() {
            switch value {
            case .text: line.append(value)
            case .integer(let number): line.append(.text("\(number)"))
            case .boolean(false): continue
            case .list(let nested): line += try flat(nested, "\(path)[\(index + 1)]")
            default:
                throw ArgumentFault(
                    message: "\(path)[\(index + 1)] is \(describe(value))",
                    expected: "a string, an integer, false or a list",
                    got: describe(value)
                )
            }
        }
        return line
    }

    /// An empty Lua table is an empty list on the wire.
    private static func map(_ value: PluginValue) -> [String: PluginValue]? {
        switch value {
        case .map(let pairs): pairs
        case .list(let values) where values.isEmpty: [:]
        default: nil
        }
    }

    private static func mend(_ kind: ArgumentKind, _ value: PluginValue) -> String {
        if case .processes = kind, case .text = value {
            return "the first value is the status: local p = try(host.workload.start {…})"
        }
        return ""
    }

    private static func words(_ kind: ArgumentKind) -> String {
        switch kind {
        case .text: "a string"
        case .oneOf(let allowed): allowed.joined(separator: ", ")
        case .integer: "an integer"
        case .boolean: "true or false"
        case .list: "a list"
        case .map: "a map of strings"
        case .arguments: "a list of strings and integers"
        case .processes: "a process, a list or a map of them"
        case .record: "a table"
        }
    }

    /// A value in the words of Lua.
    static func describe(_ value: PluginValue) -> String {
        switch value {
        case .null: "nil"
        case .boolean: "a boolean"
        case .integer: "an integer"
        case .float: "a float"
        case .text, .bytes: "a string"
        case .list, .map: "a table"
        case .handle: "a process"
        }
    }
}
