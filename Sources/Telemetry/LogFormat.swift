/// How a log record is written, always as one line.
public enum LogFormat: Sendable, Equatable {
    /// For people: time of day, level, message, `key=value`.
    case human(color: Bool)
    /// One JSON object a line: `time`, `level`, `message`, then the metadata flat.
    case json

    /// The longest line with its newline: a pipe takes that much whole or not at all.
    ///
    /// - Source: pipe(7) "PIPE_BUF".
    public static let lineLimit = 4096
    /// The longest message or value before escaping; more is cut.
    static let textLimit = 1024

    /// Writes a record; control characters are escaped, long texts cut, and what does not fit is left out.
    ///
    /// - Parameter record: what was logged.
    /// - Returns: the line with its newline, at most `lineLimit` bytes.
    public func line(_ record: LogRecord) -> String {
        switch self {
        case .human(let color): human(record, color: color)
        case .json: json(record)
        }
    }

    private func json(_ record: LogRecord) -> String {
        var line =
            "{\"time\":\"\(WallClock.text(record.timeNanoseconds))\",\"level\":\"\(record.level.rawValue)\",\"message\":"
        line += JSONText.quoted(cut(record.message))
        let ending = ",\"log.cut\":\"true\"}\n"
        for (key, value) in last(record.metadata) {
            // These three are ours; a caller's field of the name must not stand beside them.
            let name = ["time", "level", "message"].contains(key) ? "field.\(key)" : key
            let field = ",\(JSONText.quoted(cut(name))):\(JSONText.quoted(cut(value)))"
            if line.utf8.count + field.utf8.count + ending.utf8.count > Self.lineLimit { return line + ending }
            line += field
        }
        return line + "}\n"
    }

    private func human(_ record: LogRecord, color: Bool) -> String {
        let dim = color ? "\u{1b}[2m" : ""
        let off = color ? "\u{1b}[0m" : ""
        var line = "\(dim)\(WallClock.timeOfDay(record.timeNanoseconds))\(off) "
        let name = record.level.rawValue.uppercased()
        let level = name + String(repeating: " ", count: max(0, 8 - name.count))
        line += (color ? paint(record.level) + level + off : level) + " " + shown(cut(record.message))
        let ending = " …\n"
        for (key, value) in last(record.metadata) {
            let field = " \(dim)\(shown(cut(key)))=\(off)\(shown(cut(value), quoting: true))"
            if line.utf8.count + field.utf8.count + ending.utf8.count > Self.lineLimit { return line + ending }
            line += field
        }
        return line + "\n"
    }

    private func paint(_ level: LogLevel) -> String {
        switch level {
        case .trace, .debug: "\u{1b}[2m"
        case .info, .notice: "\u{1b}[36m"
        case .warning: "\u{1b}[33m"
        case .error, .critical: "\u{1b}[31m"
        }
    }

    /// The last value of each key, where the key first stood.
    private func last(_ metadata: [(key: String, value: String)]) -> [(key: String, value: String)] {
        var place: [String: Int] = [:]
        var fields: [(key: String, value: String)] = []
        for (key, value) in metadata {
            if let index = place[key] {
                fields[index].value = value
            } else {
                place[key] = fields.count
                fields.append((key: key, value: value))
            }
        }
        return fields
    }

    /// Cuts on a character's border, counting what escaping adds.
    private func cut(_ text: String) -> String {
        if escapedCount(text) <= Self.textLimit { return text }
        var kept = ""
        var count = 0
        for scalar in text.unicodeScalars {
            count += cost(scalar)
            if count > Self.textLimit - 3 { break }
            kept.unicodeScalars.append(scalar)
        }
        return kept + "…"
    }

    private func escapedCount(_ text: String) -> Int { text.unicodeScalars.reduce(0) { $0 + cost($1) } }

    private func cost(_ scalar: Unicode.Scalar) -> Int {
        if JSONText.isControl(scalar) || scalar == "\"" || scalar == "\\" { return 6 }
        return UTF8.width(scalar)
    }

    /// Text without a control character that could move the cursor or fake a line.
    private func shown(_ text: String, quoting: Bool = false) -> String {
        let quoted = JSONText.quoted(text)
        if quoting, text.isEmpty || text.contains(where: { $0 == " " || $0 == "\"" || $0 == "=" }) { return quoted }
        if quoted.utf8.count == text.utf8.count + 2 { return text }
        return quoting ? quoted : String(quoted.dropFirst().dropLast())
    }
}
