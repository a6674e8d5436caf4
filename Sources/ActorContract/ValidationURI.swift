/// The check of a snapshot's URI prefix, as Go's `net/url` reads URLs, with its texts.
///
/// - Source: contract §1.4 V11.
enum URIPrefix {
    /// A text that is no URL, in the parser's words.
    private struct ParseFault: Error {
        let text: String
    }

    private struct Parsed {
        var scheme = ""
        var opaque = ""
        var user = false
        var host = ""
        var query = ""
        var fragment = ""
    }

    /// What is wrong with it; nil = nothing.
    static func fault(_ uri: String) -> String? {
        do throws(ParseFault) {
            let parsed = try parse(uri)
            if parsed.host.isEmpty { return "missing bucket" }
            guard parsed.opaque.isEmpty, !parsed.user, parsed.query.isEmpty, parsed.fragment.isEmpty else {
                return "must contain only a scheme, bucket, and path"
            }
            return nil
        } catch { return "parse \(Validation.quoted(uri)): \(error.text)" }
    }

    private static func parse(_ uri: String) throws(ParseFault) -> Parsed {
        var parsed = Parsed()
        let (beforeFragment, fragment) = cut(Substring(uri), "#")
        if beforeFragment.unicodeScalars.contains(where: { $0.value < 0x20 || $0.value == 0x7F }) {
            throw ParseFault(text: "net/url: invalid control character in URL")
        }
        var rest = try takeScheme(beforeFragment, into: &parsed)
        let query: Substring
        (rest, query) = cut(rest, "?")
        parsed.query = String(query)
        if !rest.hasPrefix("/") {
            if !parsed.scheme.isEmpty {
                parsed.opaque = String(rest)
                return parsed
            }
            let segment = cut(rest, "/").0
            if segment.utf8.contains(UInt8(ascii: ":")) {
                throw ParseFault(text: "first path segment in URL cannot contain colon")
            }
        }
        if rest.hasPrefix("//"), !parsed.scheme.isEmpty || !rest.hasPrefix("///") {
            let authority = rest.dropFirst(2).prefix { $0 != "/" }
            rest = rest.dropFirst(2 + authority.count)
            try takeAuthority(authority, into: &parsed)
        }
        try checkEscapes(rest)
        try checkEscapes(fragment)
        parsed.fragment = String(fragment)
        return parsed
    }

    private static func takeScheme(_ text: Substring, into parsed: inout Parsed) throws(ParseFault) -> Substring {
        for (index, byte) in text.utf8.enumerated() {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"): continue
            case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "."):
                if index == 0 { return text }
            case UInt8(ascii: ":"):
                guard index > 0 else { throw ParseFault(text: "missing protocol scheme") }
                let (scheme, rest) = cut(text, ":")
                parsed.scheme = scheme.lowercased()
                return rest
            default: return text
            }
        }
        return text
    }

    private static func takeAuthority(_ authority: Substring, into parsed: inout Parsed) throws(ParseFault) {
        var host = authority
        if let at = authority.utf8.lastIndex(of: UInt8(ascii: "@")) {
            parsed.user = true
            try checkEscapes(authority[..<at])
            host = authority[authority.utf8.index(after: at)...]
        }
        if host.hasPrefix("[") {
            guard let close = host.utf8.lastIndex(of: UInt8(ascii: "]")) else {
                throw ParseFault(text: "missing ']' in host")
            }
            try checkPort(host[host.utf8.index(after: close)...])
        } else {
            if let colon = host.utf8.lastIndex(of: UInt8(ascii: ":")) { try checkPort(host[colon...]) }
            try checkEscapes(host)
            let forbidden = Set(" \"<>^`{|}\\".unicodeScalars)
            if let scalar = host.unicodeScalars.first(where: { forbidden.contains($0) }) {
                throw ParseFault(text: "invalid character \(Validation.quoted(String(scalar))) in host name")
            }
        }
        parsed.host = String(host)
    }

    private static func checkPort(_ text: Substring) throws(ParseFault) {
        if text.isEmpty { return }
        let isDigits = text.utf8.dropFirst().allSatisfy { (0x30...0x39).contains($0) }
        guard text.hasPrefix(":"), isDigits else {
            throw ParseFault(text: "invalid port \(Validation.quoted(String(text))) after host")
        }
    }

    private static func checkEscapes(_ text: Substring) throws(ParseFault) {
        let bytes = Array(text.utf8)
        var at = 0
        while at < bytes.count {
            guard bytes[at] == UInt8(ascii: "%") else {
                at += 1
                continue
            }
            let digits = bytes[(at + 1)...].prefix(2)
            guard digits.count == 2, digits.allSatisfy({ Character(Unicode.Scalar($0)).isHexDigit && $0 < 0x80 }) else {
                let shown = String(decoding: bytes[at...].prefix(3), as: UTF8.self)
                throw ParseFault(text: "invalid URL escape \(Validation.quoted(shown))")
            }
            at += 3
        }
    }

    /// Cuts at the first separator, which belongs to neither part.
    private static func cut(_ text: Substring, _ separator: Unicode.Scalar) -> (Substring, Substring) {
        guard let index = text.unicodeScalars.firstIndex(of: separator) else { return (text, "") }
        return (text[..<index], text[text.unicodeScalars.index(after: index)...])
    }
}
