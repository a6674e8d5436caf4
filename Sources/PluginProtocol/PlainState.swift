/// The rules of what a script may have the host remember: plain, shallow, small.
///
/// - Source: the plugin language's rules for `state`.
enum PlainState {
    /// The deepest nesting, the table itself included.
    static let maxDepth = 8

    /// Refuses what cannot be kept.
    ///
    /// - Parameters:
    ///   - value: a table.
    ///   - path: its name.
    ///   - limit: bytes of its canonical JSON.
    /// - Throws: the path and what is wrong there.
    static func check(_ value: PluginValue, _ path: String, limit: Int) throws(ArgumentFault) {
        let bytes = try size(value, path, depth: 1)
        guard bytes <= limit else {
            throw AnswerCheck.fault("\(path) has \(bytes) bytes as JSON", expected: "at most \(limit)")
        }
    }

    /// The bytes of the canonical JSON: no blanks, keys in order, only the escapes that must be.
    private static func size(_ value: PluginValue, _ path: String, depth: Int) throws(ArgumentFault) -> Int {
        switch value {
        case .null: return 4
        case .boolean(let flag): return flag ? 4 : 5
        case .integer(let number): return "\(number)".utf8.count
        case .float(let number):
            guard number.isFinite else { throw AnswerCheck.fault("\(path) is \(number)", expected: "a finite number") }
            return "\(number)".utf8.count
        case .text(let text): return size(text)
        case .bytes: throw AnswerCheck.fault("\(path) is not valid UTF-8", expected: "text without NUL")
        case .handle(let handle):
            if handle == .function { throw AnswerCheck.fault("\(path) is a function", expected: "plain data") }
            throw AnswerCheck.fault(
                "\(path) is \(ArgumentWords.noun(value))",
                expected: "plain data",
                mend: handle.isAsset
                    ? "an asset is open for one verb" : "name the process and find it in actor.processes"
            )
        case .list(let items):
            try shallow(path, depth)
            var total = 2 + max(0, items.count - 1)
            for (index, item) in items.enumerated() {
                total += try size(item, "\(path)[\(index + 1)]", depth: depth + 1)
            }
            return total
        case .map(let pairs):
            try shallow(path, depth)
            var total = 2 + max(0, pairs.count - 1)
            for (key, item) in pairs.sorted(by: { $0.key < $1.key }) {
                total += size(key) + 1 + (try size(item, "\(path).\(key)", depth: depth + 1))
            }
            return total
        }
    }

    private static func shallow(_ path: String, _ depth: Int) throws(ArgumentFault) {
        guard depth <= maxDepth else {
            throw AnswerCheck.fault(
                "\(path) is nested deeper than \(maxDepth)",
                expected: "a nesting of at most \(maxDepth)"
            )
        }
    }

    private static func size(_ text: String) -> Int {
        text.utf8.reduce(2) { total, byte in
            switch byte {
            case 0x22, 0x5c, 8, 9, 10, 12, 13: total + 2
            case 0..<0x20: total + 6
            default: total + 1
            }
        }
    }
}
