/// Reads the literal `require "name"` calls out of Lua text, comments and strings left aside.
///
/// It need not understand more: a name that is computed is refused where the script runs.
struct RequireScan {
    /// One call.
    struct Requirement: Equatable {
        let name: String
        let line: Int
    }

    private let text: [UInt8]
    private var at = 0
    private var line = 1

    private init(_ text: [UInt8]) { self.text = text }

    /// Every call in order.
    ///
    /// - Parameter text: Lua source, sound or not.
    /// - Returns: the names with the lines on which they stand.
    static func requirements(in text: [UInt8]) -> [Requirement] {
        var scan = RequireScan(text)
        return scan.all()
    }

    private mutating func all() -> [Requirement] {
        var found: [Requirement] = []
        var previous: UInt8 = 0
        while let byte = peek() {
            switch byte {
            case UInt8(ascii: "-") where peek(1) == byte: skipComment()
            case UInt8(ascii: "\""), UInt8(ascii: "'"): _ = quoted()
            case UInt8(ascii: "[") where level() != nil: skipLong()
            case _ where Self.isWord(byte):
                let word = takeWord()
                if word == "require", previous != UInt8(ascii: "."), previous != UInt8(ascii: ":") {
                    let start = line
                    if let name = argument() { found.append(Requirement(name: name, line: start)) }
                }
            default:
                advance()
                if byte > 32 { previous = byte }
                continue
            }
            previous = 0
        }
        return found
    }

    /// The literal after the word, with or without a parenthesis; nil when something else stands there.
    private mutating func argument() -> String? {
        skipSpace()
        if peek() == UInt8(ascii: "(") {
            advance()
            skipSpace()
        }
        guard let quote = peek(), quote == UInt8(ascii: "\"") || quote == UInt8(ascii: "'") else { return nil }
        return quoted()
    }

    private func peek(_ ahead: Int = 0) -> UInt8? { at + ahead < text.count ? text[at + ahead] : nil }

    private mutating func advance() {
        if peek() == 10 { line += 1 }
        at += 1
    }

    private mutating func skipSpace() { while let byte = peek(), byte <= 32 { advance() } }

    private mutating func takeWord() -> String {
        let start = at
        while let byte = peek(), Self.isWord(byte) { at += 1 }
        return String(decoding: text[start..<at], as: UTF8.self)
    }

    /// A string in quotes; its text when it is closed on its line.
    private mutating func quoted() -> String? {
        guard let quote = peek() else { return nil }
        advance()
        let start = at
        while let byte = peek(), byte != quote, byte != 10 {
            if byte == UInt8(ascii: "\\") { advance() }
            if peek() != nil { advance() }
        }
        guard peek() == quote else { return nil }
        let name = String(decoding: text[start..<at], as: UTF8.self)
        advance()
        return name
    }

    private mutating func skipComment() {
        at += 2
        if peek() == UInt8(ascii: "["), level() != nil { return skipLong() }
        while let byte = peek(), byte != 10 { advance() }
    }

    /// How many `=` stand in the long bracket that opens here; nil when none does.
    private func level() -> Int? {
        var count = 0
        while peek(1 + count) == UInt8(ascii: "=") { count += 1 }
        return peek(1 + count) == UInt8(ascii: "[") ? count : nil
    }

    private mutating func skipLong() {
        let count = level() ?? 0
        at += count + 2
        let closing = [UInt8(ascii: "]")] + [UInt8](repeating: UInt8(ascii: "="), count: count) + [UInt8(ascii: "]")]
        while at < text.count {
            if text[at...].starts(with: closing) {
                at += closing.count
                return
            }
            advance()
        }
    }

    private static func isWord(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: "_") || (48...57).contains(byte) || (65...90).contains(byte) || (97...122).contains(byte)
    }
}
