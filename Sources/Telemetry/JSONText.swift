/// Strings as JSON writes them.
public enum JSONText {
    /// Writes a string as a JSON literal, in which no control character stands as itself.
    ///
    /// - Parameter text: any string.
    /// - Returns: the literal with its quotes.
    /// - Source: RFC 8259 §7; the C1 controls, U+2028 and bidirectional marks are escaped too, for terminals.
    public static func quoted(_ text: String) -> String {
        var result = "\""
        result.reserveCapacity(text.utf8.count + 2)
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case "\r": result += "\\r"
            case "\t": result += "\\t"
            case _ where isControl(scalar):
                let digits = String(scalar.value, radix: 16)
                result += "\\u" + String(repeating: "0", count: max(0, 4 - digits.count)) + digits
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }

    /// Whether a terminal or a line-splitter might take it for more than a character; all are below U+10000.
    static func isControl(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0..<0x20, 0x7f..<0xa0, 0x2028...0x202e, 0x2066...0x2069, 0xfeff: true
        default: false
        }
    }
}
