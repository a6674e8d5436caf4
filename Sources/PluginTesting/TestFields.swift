import PluginProtocol

/// Fields that were checked against a row.
struct TestFields {
    private let fields: [String: PluginValue]
    init(_ fields: [String: PluginValue]) { self.fields = fields }

    func value(_ name: String) -> PluginValue { fields[name] ?? .null }

    func text(_ name: String) -> String { String(decoding: Self.bytes(value(name)), as: UTF8.self) }

    /// What is absent is false.
    func flag(_ name: String) -> Bool { fields[name] == .boolean(true) }

    func integer(_ name: String) -> Int64? { if case .integer(let number)? = fields[name] { number } else { nil } }

    func map(_ name: String) -> [String: PluginValue] {
        if case .map(let pairs)? = fields[name] { pairs } else { [:] }
    }

    func list(_ name: String) -> [PluginValue] { if case .list(let items)? = fields[name] { items } else { [] } }

    func texts(_ name: String) -> [String] { list(name).map { String(decoding: Self.bytes($0), as: UTF8.self) } }

    /// The number of a thing of that kind; nil for any other.
    func index(_ name: String, _ object: TestFunction.Object) -> Int? {
        guard case .handle(let handle)? = fields[name], handle.generation == object.rawValue else { return nil }
        return Int(handle.index)
    }

    static func bytes(_ value: PluginValue) -> [UInt8] {
        switch value {
        case .text(let text): Array(text.utf8)
        case .bytes(let raw): raw
        default: []
        }
    }
}

/// A rule as written in a test: what stands at positions first, fields after it.
struct RuleText {
    let fields: TestFields
    /// What stood at positions.
    let words: [String]

    /// Reads one.
    ///
    /// - Parameters:
    ///   - value: as the test gave it.
    ///   - place: such as `t.program: rules[2]`.
    ///   - known: the fields that it may have.
    /// - Throws: the first thing wrong.
    init(_ value: PluginValue, place: String, known: [ArgumentField]) throws(ArgumentFault) {
        var pairs: [String: PluginValue]
        switch value {
        case .list(let items): pairs = ["args": .list(items)]
        case .map(let map): pairs = map
        default: throw ArgumentFault(message: "\(place) is no table", expected: "{ \"word\", code = … }")
        }
        let names = known.map(\.name)
        for key in pairs.keys.sorted() where key != "args" {
            guard let field = known.first(where: { $0.name == key }) else {
                throw ArgumentFault(
                    code: "api.name",
                    message: "\(place) has no field \"\(key)\"",
                    expected: names.joined(separator: ", "),
                    mend: Nearest.mend(key, among: names)
                )
            }
            guard let given = pairs[key], Self.fits(given, field.kind) else {
                throw ArgumentFault(
                    message: "\(place): \(key) is \(LuaText.of(pairs[key] ?? .null))",
                    expected: Self.words(field.kind)
                )
            }
        }
        fields = TestFields(pairs)
        words = fields.list("args").map { value -> String in
            if case .integer(let number) = value {
                "\(number)"
            } else {
                String(decoding: TestFields.bytes(value), as: UTF8.self)
            }
        }
    }

    private static func fits(_ value: PluginValue, _ kind: ArgumentKind) -> Bool {
        switch (kind, value) {
        case (.integer(let range), .integer(let number)): range.contains(number)
        case (.text, .text), (.bytes, .text), (.bytes, .bytes): true
        default: false
        }
    }

    private static func words(_ kind: ArgumentKind) -> String {
        if case .integer(let range) = kind { return "an integer, \(range.lowerBound) to \(range.upperBound)" }
        return "a string"
    }
}

extension ProgramRule {
    private static let fields: [ArgumentField] = [
        .optional("code", .integer(0...255), "its exit code"),
        .optional("stdout", .bytes(1 << 20), "what it prints"),
        .optional("stderr", .bytes(1 << 20), "what it complains of"),
        .optional("ms", .integer(0...86_400_000), "how long it runs"),
        .optional("pidfile", .text, "where it leaves the number of a program that it leaves behind"),
    ]
    private static let directories = ["runtime", "bundles", "logs", "work"]

    /// A rule of `t:program`: `{ "checkpoint", code = 128, stderr = "file exists" }`.
    ///
    /// - Throws: the first thing wrong.
    init(_ value: PluginValue, place: String) throws(ArgumentFault) {
        let text = try RuleText(value, place: "t.program: \(place)", known: Self.fields)
        self.init(arguments: text.words)
        let fields = text.fields
        if let code = fields.integer("code") { self.code = Int32(clamping: code) }
        stdout = fields.text("stdout")
        stderr = fields.text("stderr")
        milliseconds = fields.integer("ms")
        pidfile = fields.text("pidfile")
        guard pidfile.isEmpty || Self.directories.contains(where: { pidfile.hasPrefix("\($0)/") }) else {
            throw ArgumentFault(
                code: "api.range",
                message: "t.program: \(place): pidfile is \"\(pidfile)\"",
                expected: "a path that begins with one of actor.dirs: \(Self.directories.joined(separator: "/, "))/"
            )
        }
    }
}

extension SocketRule {
    private static let fields: [ArgumentField] = [
        .optional("code", .integer(100...599), "the answer's status"),
        .optional("body", .bytes(1 << 19), "the answer's body"),
        .optional("ms", .integer(0...86_400_000), "how long it takes"),
    ]

    /// A rule of `t:http`: `{ "PUT", "/boot", code = 204 }`.
    ///
    /// - Throws: the first thing wrong.
    init(_ value: PluginValue, place: String) throws(ArgumentFault) {
        let text = try RuleText(value, place: "t.http: \(place)", known: Self.fields)
        self.init()
        var words = text.words[...]
        if let first = words.first, !first.hasPrefix("/") { method = words.removeFirst() }
        if let second = words.first, second.hasPrefix("/") { path = words.removeFirst() }
        let methods = Self.methods
        guard words.isEmpty, method.isEmpty || methods.contains(method) else {
            throw ArgumentFault(
                code: "api.range",
                message: "t.http: \(place) asks for \(LuaText.of(.list(text.words.map { .text($0) })))",
                expected: "a method, a path or both: { \"PUT\", \"/boot\", code = 204 }",
                mend: Nearest.mend(method, among: methods)
            )
        }
        if let code = text.fields.integer("code") { self.code = Int(code) }
        body = TestFields.bytes(text.fields.value("body"))
        milliseconds = text.fields.integer("ms") ?? 0
    }

    /// Those that the row knows.
    private static var methods: [String] {
        guard
            case .oneOf(let names)? = HostFunction.httpRequest.arguments.fields.first(where: { $0.name == "method" })?
                .kind
        else { return [] }
        return names
    }
}
