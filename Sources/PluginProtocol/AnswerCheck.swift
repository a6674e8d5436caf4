/// Compares what a verb answered with the shapes that it may answer; the supervisor and the host run this same code.
public enum AnswerCheck {
    /// The result as the host gets it: null, a map, or a reason's text.
    ///
    /// - Parameters:
    ///   - status: what came first.
    ///   - result: what came second, or null.
    ///   - verb: the verb's name.
    ///   - network: the descriptor's `network`: an address is answered with `backend`, and only there.
    ///   - mayHold: the request's `may_hold`: without it no program may go on.
    /// - Returns: the result.
    /// - Throws: what is wrong, with the code `verb.result`.
    public static func check(
        _ status: String,
        _ result: PluginValue,
        verb: String,
        network: String,
        mayHold: Bool = false
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
        let fields = PluginVerb.row(verb)?.result.fields ?? []
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
                if !field.isOptional { throw fault("\(verb) answered no \(field.name)", expected: words(field.type)) }
                if field.type == .address, network == "backend" {
                    throw fault(
                        "\(verb) answered no address",
                        expected: "an IPv4 or IPv6 address, without a port",
                        mend: "network = \"backend\" means that \(verb) says where the actor is"
                    )
                }
                continue
            }
            try check(value, field.name, field.type, verb: verb, network: network)
            if field.name == "held", value == .boolean(true), !mayHold {
                throw fault(
                    "\(verb) answered held, and request.may_hold is false",
                    expected: "false, or no held",
                    got: "true",
                    mend: "end the programs: none is kept frozen now"
                )
            }
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
        _ field: PluginFieldType,
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
        case (.process, .handle(let handle)) where handle != .function && !handle.isAsset: return
        case (.integer(let range), .integer(let number)) where range.contains(number): return
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
        case (.map(.text), _):
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
        case (.plain(let limit), _):
            switch value {
            case .map, .list: break
            default: throw wrong()
            }
            try PlainState.check(value, name, limit: limit)
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

    private static func words(_ field: PluginFieldType) -> String {
        switch field {
        case .plain: "a table"
        case .address: "an IPv4 or IPv6 address, without a port"
        case .boolean: "true or false"
        case .process: "a process, started with stdio = \"client\""
        case .integer(let range):
            range.lowerBound == 0 ? "an integer, 0 or more" : "an integer over \(range.lowerBound - 1)"
        case .map: "a map from scope, verb or limit to a reason"
        default: "a value"
        }
    }

    static func fault(_ message: String, expected: String = "", got: String = "", mend: String = "") -> ArgumentFault {
        ArgumentFault(code: "verb.result", message: message, expected: expected, got: got, mend: mend)
    }
}
