/// Compares what a verb answered with the shapes that it may answer; the supervisor and the host run this same code.
public enum AnswerCheck {
    /// What a verb may answer with `ok`.
    private enum Field {
        case state, address, boolean, process, count, probed, milliseconds, reasons, prepared
    }

    private static let results: [String: [(name: String, field: Field, required: Bool)]] = [
        "run": [("state", .state, false), ("address", .address, false)],
        "restore": [("state", .state, false), ("address", .address, false)],
        "stop": [],
        "checkpoint": [("volumes_saved", .boolean, false), ("held", .boolean, false)],
        "exec": [("process", .process, true)],
        "stats": [("memory_bytes", .count, true), ("cpu_ns", .count, true), ("pids", .count, true)],
        "recover": [("state", .state, false)],
        "probe": [("probed", .probed, false), ("valid_ms", .milliseconds, false), ("without", .reasons, false)],
        "prepare": [("prepared", .prepared, false)],
    ]

    /// The result as the host gets it: null, a map, or a reason's text.
    ///
    /// - Parameters:
    ///   - status: what came first.
    ///   - result: what came second, or null.
    ///   - verb: the verb's name.
    ///   - network: the descriptor's `network`: an address is answered with `backend`, and only there.
    /// - Returns: the result.
    /// - Throws: what is wrong, with the code `verb.result`.
    public static func check(
        _ status: String,
        _ result: PluginValue,
        verb: String,
        network: String
    ) throws(ArgumentFault) -> PluginValue {
        let known = PluginStatus.allCases.map(\.rawValue)
        guard let status = PluginStatus(rawValue: status) else {
            throw fault(
                "\(verb) answered \"\(status.prefix(60))\", which is no status",
                expected: known.joined(separator: ", "),
                mend: Nearest.mend(status, among: known)
            )
        }
        guard status == .ok else { return try reason(result, verb) }
        let fields = results[verb] ?? []
        let pairs: [String: PluginValue]
        switch result {
        case .null: pairs = [:]
        case .list(let items) where items.isEmpty: pairs = [:]
        case .map(let map): pairs = map
        default: throw fault("\(verb) answered \(ArgumentWords.noun(result)) as its result", expected: "a table")
        }
        try named(pairs, fields.map(\.name), verb)
        for field in fields {
            guard let value = pairs[field.name], value != .null else {
                if field.required { throw fault("\(verb) answered no \(field.name)", expected: words(field.field)) }
                if field.field == .address, network == "backend" {
                    throw fault(
                        "\(verb) answered no address",
                        expected: "an IPv4 or IPv6 address, without a port",
                        mend: "network = \"backend\" means that \(verb) says where the actor is"
                    )
                }
                continue
            }
            try check(value, field.name, field.field, verb: verb, network: network)
        }
        return pairs.isEmpty ? .null : .map(pairs)
    }

    private static func reason(_ result: PluginValue, _ verb: String) throws(ArgumentFault) -> PluginValue {
        switch result {
        case .null, .text: return result
        case .bytes(let raw):
            // A program's last line may be anything; NUL has no place in a status message.
            return .text(String(decoding: raw.map { $0 == 0 ? 63 : $0 }, as: UTF8.self))
        default: throw fault("\(verb): the reason is \(ArgumentWords.noun(result))", expected: "a string")
        }
    }

    private static func named(_ pairs: [String: PluginValue], _ fields: [String], _ verb: String) throws(ArgumentFault)
    {
        for key in pairs.keys.sorted() where !fields.contains(key) {
            var mend = Nearest.mend(key, among: fields)
            if mend == "did you mean address?" { mend += " (only with network = \"backend\")" }
            throw fault(
                "\(verb) answered a field \"\(key)\"",
                expected: fields.isEmpty ? "no result" : fields.joined(separator: ", "),
                got: key,
                mend: mend
            )
        }
    }

    private static func check(
        _ value: PluginValue,
        _ name: String,
        _ field: Field,
        verb: String,
        network: String
    ) throws(ArgumentFault) {
        func wrong() -> ArgumentFault {
            fault(
                "\(verb): \(name) is \(ArgumentWords.noun(value))",
                expected: words(field),
                got: ArgumentWords.literal(value)
            )
        }
        switch (field, value) {
        case (.boolean, .boolean): return
        case (.process, .handle(let handle)) where handle != .function: return
        case (.count, .integer(let number)) where number >= 0: return
        case (.milliseconds, .integer(let number)) where number > 0: return
        case (.address, .text(let text)):
            guard network == "backend" else {
                throw fault(
                    "\(verb) answered an address, and network is \"\(network)\"",
                    mend: "address comes with network = \"backend\" alone"
                )
            }
            guard AddressText.isAddress(text) else {
                throw fault("\(verb): address is \"\(text.prefix(60))\"", expected: words(field))
            }
        case (.reasons, _):
            guard let pairs = map(value) else { throw wrong() }
            let limits = ["cpu", "memory", "pids"]
            let known = ["full", "data"] + limits + PluginVerb.all.filter { $0 != "stop" && $0 != "probe" }
            for (key, reason) in pairs.sorted(by: { $0.key < $1.key }) {
                guard known.contains(key) else {
                    throw fault(
                        "\(verb): without.\(key.prefix(60)) is no scope, verb or limit",
                        expected: known.joined(separator: ", "),
                        mend: Nearest.mend(key, among: known)
                    )
                }
                guard case .text = reason else {
                    throw fault("\(verb): without.\(key) is \(ArgumentWords.noun(reason))", expected: "a string")
                }
            }
        case (.state, _), (.probed, _), (.prepared, _):
            switch value {
            case .map, .list: break
            default: throw wrong()
            }
            try PlainState.check(value, name, limit: field == .probed ? 16 << 10 : 64 << 10)
        default: throw wrong()
        }
    }

    private static func map(_ value: PluginValue) -> [String: PluginValue]? {
        switch value {
        case .map(let pairs): pairs
        case .list(let items) where items.isEmpty: [:]
        default: nil
        }
    }

    private static func words(_ field: Field) -> String {
        switch field {
        case .state, .probed, .prepared: "a table"
        case .address: "an IPv4 or IPv6 address, without a port"
        case .boolean: "true or false"
        case .process: "a process, started with stdio = \"client\""
        case .count: "an integer, 0 or more"
        case .milliseconds: "an integer over 0"
        case .reasons: "a map from scope, verb or limit to a reason"
        }
    }

    static func fault(_ message: String, expected: String = "", got: String = "", mend: String = "") -> ArgumentFault {
        ArgumentFault(code: "verb.result", message: message, expected: expected, got: got, mend: mend)
    }
}
