/// Compares what a script passed with a row's shape; the supervisor and the host run this same code.
///
/// The supervisor answers an author's mistake on the spot; the host checks again, since a supervisor is not trusted.
public struct ArgumentCheck: Sendable {
    private let function: HostFunction
    private let programs: [String: String]

    /// Makes the check of one call.
    ///
    /// - Parameters:
    ///   - function: the row.
    ///   - programs: what may be run: path → name in Lua, such as `actor.tools.bwrap`.
    public init(_ function: HostFunction, programs: [String: String] = [:]) {
        self.function = function
        self.programs = programs
    }

    /// What a program is called in Lua: an asset, a tool, or a file of an asset that is a directory.
    ///
    /// - Parameters:
    ///   - path: as a script gave it.
    ///   - programs: what may be run: path → name in Lua.
    /// - Returns: such as `actor.assets.release/bin/vmm`; nil for what may not be run.
    public static func program(_ path: String, among programs: [String: String]) -> String? {
        if let name = programs[path] { return name }
        for (root, name) in programs where name.hasPrefix("actor.assets.") && path.hasPrefix("\(root)/") {
            let rest = path.dropFirst(root.count + 1)
            let parts = rest.split(separator: "/", omittingEmptySubsequences: false)
            if parts.allSatisfy({ !$0.isEmpty && $0 != "." && $0 != ".." }) { return "\(name)/\(rest)" }
        }
        return nil
    }

    /// The arguments under their names, as the supervisor sends them.
    ///
    /// - Parameter values: by position.
    /// - Returns: a map; what was absent or nil is not in it.
    /// - Throws: the first thing wrong.
    public func check(_ values: [PluginValue]) throws(ArgumentFault) -> PluginValue {
        switch function.arguments {
        case .record(let fields):
            guard values.count == 1, let pairs = Self.map(values[0]) else { throw notOneTable(fields, values) }
            return .map(try record(pairs, fields, "", of: function.name))
        case .positions(let fields):
            let required = fields.prefix { $0.required }.count
            guard (required...fields.count).contains(values.count) else {
                throw ArgumentFault(
                    code: "api.arity",
                    message: "\(function.name) takes \(Self.arity(required, fields.count))",
                    expected: fields.isEmpty ? "nothing" : fields.map(\.name).joined(separator: ", "),
                    got: ArgumentWords.several(values)
                )
            }
            let pairs = zip(fields, values).filter { $0.1 != .null }.map { ($0.0.name, $0.1) }
            return .map(try record(Dictionary(uniqueKeysWithValues: pairs), fields, "", of: function.name))
        }
    }

    /// The arguments as a frame brought them, with every default filled in.
    ///
    /// - Parameter value: untrusted.
    /// - Returns: each field that has a value.
    /// - Throws: the first thing wrong.
    public func complete(_ value: PluginValue) throws(ArgumentFault) -> [String: PluginValue] {
        guard let pairs = Self.map(value) else {
            throw ArgumentFault(message: "\(function.name) takes one table", got: ArgumentWords.noun(value))
        }
        let checked = try record(pairs, function.arguments.fields, "", of: function.name)
        return Self.filled(checked, function.arguments.fields)
    }

    private static func filled(_ pairs: [String: PluginValue], _ fields: [ArgumentField]) -> [String: PluginValue] {
        var filled = pairs
        for field in fields {
            if case .record(let inner) = field.kind, case .map(let nested)? = filled[field.name] {
                filled[field.name] = .map(Self.filled(nested, inner))
            } else if filled[field.name] == nil {
                filled[field.name] = field.fallback
            }
        }
        return filled
    }

    private func notOneTable(_ fields: [ArgumentField], _ values: [PluginValue]) -> ArgumentFault {
        let required = fields.filter(\.required)
        let shape = required.map { "\($0.name) = \(ArgumentWords.placeholder($0.kind))" }.joined(separator: ", ")
        let example = required.map { "\($0.name) = \(ArgumentWords.example($0.kind))" }.joined(separator: ", ")
        return ArgumentFault(
            code: values.count == 1 ? "api.type" : "api.arity",
            message: "\(function.name) takes one table",
            expected: "{ \(shape) }",
            got: ArgumentWords.several(values),
            mend: "host.\(function.name) { \(example) }"
        )
    }

    private static func arity(_ least: Int, _ most: Int) -> String {
        if most == 0 { return "no arguments" }
        if least == most { return least == 1 ? "1 argument" : "\(least) arguments" }
        return "\(least) \(most == least + 1 ? "or" : "to") \(most) arguments"
    }

    private func record(
        _ pairs: [String: PluginValue],
        _ fields: [ArgumentField],
        _ prefix: String,
        of subject: String
    ) throws(ArgumentFault) -> [String: PluginValue] {
        let known = fields.map(\.name)
        for key in pairs.keys.sorted() where !known.contains(key) {
            throw ArgumentFault(
                code: "api.name",
                message: "\(subject) has no field \"\(key)\"",
                expected: known.prefix(7).joined(separator: ", ") + (known.count > 7 ? ", …" : ""),
                got: key,
                mend: Nearest.mend(key, among: known)
            )
        }
        var checked: [String: PluginValue] = [:]
        for (index, field) in fields.enumerated() {
            guard let value = pairs[field.name], value != .null else {
                if field.required { throw wrong(field.kind, .null, "\(prefix)\(field.name)") }
                continue
            }
            // A list that is the whole first position needs no name: `process.wait: [2] is …`.
            var path = "\(prefix)\(field.name)"
            if case .positions = function.arguments, index == 0, prefix.isEmpty, Self.isSeveral(value) { path = "" }
            checked[field.name] = try kind(value, field.kind, path)
        }
        return checked
    }

    private static func isSeveral(_ value: PluginValue) -> Bool {
        switch value {
        case .list, .map: true
        default: false
        }
    }

    private func kind(_ value: PluginValue, _ kind: ArgumentKind, _ path: String) throws(ArgumentFault) -> PluginValue {
        switch (kind, value) {
        case (.text, .text), (.boolean, .boolean): return value
        case (.process, .handle(let handle)), (.processes, .handle(let handle)):
            if handle != .function, !handle.isAsset { return value }
        case (.asset, .handle(let handle)):
            if handle.isAsset { return value }
        case (.text, .bytes), (.path, .bytes), (.program, .bytes):
            throw fault("api.text", path, "is not text", expected: "valid UTF-8 without NUL")
        case (.bytes(let most), .text(let text)):
            if text.utf8.count <= most { return value }
            throw fault("api.limit", path, "has \(text.utf8.count) bytes", expected: "at most \(most)")
        case (.bytes(let most), .bytes(let raw)):
            if raw.count <= most { return value }
            throw fault("api.limit", path, "has \(raw.count) bytes", expected: "at most \(most)")
        case (.path, .text(let text)):
            if text.hasPrefix("/") { return value }
            throw fault("api.range", path, "is \(ArgumentWords.literal(value))", expected: "an absolute path")
        case (.program, .text(let text)):
            if Self.program(text, among: programs) != nil { return value }
        case (.oneOf(let allowed), .text(let text)):
            if allowed.contains(text) { return value }
            throw fault(
                "api.range",
                path,
                "is \"\(text)\"",
                expected: allowed.joined(separator: ", "),
                mend: Nearest.mend(text, among: allowed)
            )
        case (.integer(let range), .integer(let number)):
            if range.contains(number) { return value }
            throw fault("api.range", path, "is \(number)", expected: "\(range.lowerBound) to \(range.upperBound)")
        case (.list(let element), .list(let values)): return .list(try each(values, element, path))
        case (.map, _):
            if let pairs = Self.map(value) {
                for key in pairs.keys.sorted() { _ = try self.kind(pairs[key] ?? .null, .text, "\(path).\(key)") }
                return .map(pairs)
            }
        case (.arguments, .list(let values)): return .list(try flat(values, path))
        case (.processes, .list(let values)): return .list(try each(values, .process, path))
        case (.processes, .map(let pairs)):
            var checked: [PluginValue] = []
            for key in pairs.keys.sorted() {
                checked.append(try self.kind(pairs[key] ?? .null, .process, "\(path).\(key)"))
            }
            return .list(checked)
        case (.either(let kinds), _):
            if kinds.isEmpty { return value }
            for one in kinds {
                do { return try self.kind(value, one, path) } catch { continue }
            }
        case (.record(let fields), _):
            if let pairs = Self.map(value) {
                return .map(try record(pairs, fields, "\(path).", of: "\(function.name): \(path)"))
            }
        default: break
        }
        throw wrong(kind, value, path)
    }

    private func wrong(_ kind: ArgumentKind, _ value: PluginValue, _ path: String) -> ArgumentFault {
        let shown = path.isEmpty ? "the argument" : path.hasPrefix(".") ? String(path.dropFirst()) : path
        return ArgumentFault(
            message: "\(function.name): \(shown) is \(ArgumentWords.noun(value))",
            expected: ArgumentWords.expected(kind),
            got: ArgumentWords.literal(value),
            mend: mend(kind, value)
        )
    }

    private func fault(
        _ code: String,
        _ path: String,
        _ words: String,
        expected: String,
        mend: String = ""
    ) -> ArgumentFault {
        ArgumentFault(code: code, message: "\(function.name): \(path) \(words)", expected: expected, mend: mend)
    }

    private func mend(_ kind: ArgumentKind, _ value: PluginValue) -> String {
        switch (kind, value) {
        case (.process, .text), (.processes, .text):
            return "the first value is the status: local p = try(host.process.start {…})"
        case (.asset, .text): return "the first value is the status: local asset = try(host.asset.open {…})"
        case (.integer, .float): return "use // for division, or math.tointeger"
        case (.program, .null):
            let granted = programs.values.sorted().joined(separator: ", ")
            return granted.isEmpty
                ? "a name that was not granted is nil; nothing is granted here"
                : "a name that was not granted is nil; granted here: \(granted)"
        case (.program, .text):
            let granted = programs.values.sorted().joined(separator: ", ")
            return granted.isEmpty ? "nothing is granted here" : "granted here: \(granted)"
        default: return ""
        }
    }

    private func each(_ values: [PluginValue], _ element: ArgumentKind, _ path: String) throws(ArgumentFault)
        -> [PluginValue]
    {
        var checked: [PluginValue] = []
        for (index, value) in values.enumerated() { checked.append(try kind(value, element, "\(path)[\(index + 1)]")) }
        return checked
    }

    private func flat(_ values: [PluginValue], _ path: String) throws(ArgumentFault) -> [PluginValue] {
        var line: [PluginValue] = []
        for (index, value) in values.enumerated() {
            switch value {
            case .text: line.append(value)
            case .integer(let number): line.append(.text("\(number)"))
            case .boolean(false): continue
            case .list(let nested): line += try flat(nested, "\(path)[\(index + 1)]")
            case .bytes:
                throw fault("api.text", "\(path)[\(index + 1)]", "is not text", expected: "valid UTF-8 without NUL")
            default:
                throw ArgumentFault(
                    message: "\(function.name): \(path)[\(index + 1)] is \(ArgumentWords.noun(value))",
                    expected: "a string, an integer, false or a list",
                    got: ArgumentWords.literal(value)
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
}
