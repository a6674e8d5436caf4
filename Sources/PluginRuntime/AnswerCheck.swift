import PluginProtocol

/// Compares what a verb answered with the shapes that it may answer.
enum AnswerCheck {
    /// What is wrong, for `verb.result`.
    struct Fault: Error {
        var message: String
        var expected = ""
        var mend = ""
    }

    private static let results: [String: [String]] = [
        "run": ["state", "address"], "restore": ["state", "address"], "stop": [],
        "checkpoint": ["volumes_saved", "held", "state"], "exec": ["process"],
        "stats": ["memory_bytes", "cpu_ns", "pids"], "recover": ["state"],
        "probe": ["probed", "valid_ms", "without"], "prepare": ["prepared"],
    ]

    /// The result as the host gets it: null, a map, or a reason's text.
    ///
    /// - Parameters:
    ///   - status: what came first.
    ///   - result: what came second, or null.
    ///   - verb: the verb's name.
    /// - Returns: the result.
    /// - Throws: what is wrong.
    static func check(_ status: String, _ result: PluginValue, verb: String) throws(Fault) -> PluginValue {
        let known = PluginStatus.allCases.map(\.rawValue)
        guard let status = PluginStatus(rawValue: status) else {
            throw Fault(
                message: "\(verb) answered \"\(status)\", which is no status",
                expected: known.joined(separator: ", "),
                mend: Nearest.mend(status, among: known)
            )
        }
        guard status == .ok else {
            switch result {
            case .null, .text: return result
            case .bytes(let raw): return .text(String(decoding: raw, as: UTF8.self))
            default: throw Fault(message: "\(verb): the reason is \(ArgumentCheck.describe(result))", expected: "text")
            }
        }
        switch result {
        case .null: return .null
        case .list(let items) where items.isEmpty: return .null
        case .map(let pairs):
            let fields = results[verb] ?? []
            for key in pairs.keys.sorted() where !fields.contains(key) {
                throw Fault(
                    message: "\(verb) answered a field \"\(key)\"",
                    expected: fields.joined(separator: ", "),
                    mend: Nearest.mend(key, among: fields)
                )
            }
            for key in pairs.keys.sorted() {
                let value = pairs[key] ?? .null
                if verb == "exec", case .handle = value { continue }
                try plain(value, "\(verb): \(key)")
            }
            return result
        default:
            throw Fault(
                message: "\(verb) answered \(ArgumentCheck.describe(result)) as its result",
                expected: "a table"
            )
        }
    }

    private static func plain(_ value: PluginValue, _ path: String) throws(Fault) {
        switch value {
        case .handle: throw Fault(message: "\(path) is a process", mend: "name it, and find it in actor.processes")
        case .bytes: throw Fault(message: "\(path) is not valid UTF-8")
        case .float(let number) where !number.isFinite: throw Fault(message: "\(path) is \(number)")
        case .list(let items):
            for (index, item) in items.enumerated() { try plain(item, "\(path)[\(index + 1)]") }
        case .map(let pairs):
            for key in pairs.keys.sorted() { try plain(pairs[key] ?? .null, "\(path).\(key)") }
        default: return
        }
    }
}
