import PluginProtocol

/// Fields that were checked against a row.
struct TestFields {
    private let fields: [String: PluginValue]
    init(_ fields: [String: PluginValue]) { self.fields = fields }

    func value(_ name: String) -> PluginValue { fields[name] ?? .null }

    func text(_ name: String) -> String { String(decoding: Self.bytes(value(name)), as: UTF8.self) }

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

extension ProgramRule {
    private static let fields: [ArgumentField] = [
        .optional("args", .arguments, "all of them are among the program's, in this order"),
        .optional("code", .integer(0...255), "its exit code"),
        .optional("stdout", .bytes(1 << 20), "what it prints"),
        .optional("stderr", .bytes(1 << 20), "what it complains of"),
        .optional("ms", .integer(0...86_400_000), "how long it runs"),
    ]

    /// A rule as written in a test: `{ "checkpoint", code = 128, stderr = "file exists" }`.
    ///
    /// - Throws: the first thing wrong.
    init(_ value: PluginValue, place: String) throws(ArgumentFault) {
        var pairs: [String: PluginValue]
        switch value {
        case .list(let items): pairs = ["args": .list(items)]
        case .map(let map): pairs = map
        default: throw ArgumentFault(message: "t.program: \(place) is no table", expected: "{ \"arg\", code = … }")
        }
        let known = Self.fields.map(\.name)
        for key in pairs.keys.sorted() where !known.contains(key) {
            throw ArgumentFault(
                code: "api.name",
                message: "t.program: \(place) has no field \"\(key)\"",
                expected: known.joined(separator: ", "),
                mend: Nearest.mend(key, among: known)
            )
        }
        let fields = TestFields(pairs)
        let arguments = fields.list("args").map { value -> String in
            if case .integer(let number) = value {
                "\(number)"
            } else {
                String(decoding: TestFields.bytes(value), as: UTF8.self)
            }
        }
        self.init(arguments: arguments)
        if let code = fields.integer("code") { self.code = Int32(clamping: code) }
        stdout = fields.text("stdout")
        stderr = fields.text("stderr")
        milliseconds = fields.integer("ms")
    }
}
