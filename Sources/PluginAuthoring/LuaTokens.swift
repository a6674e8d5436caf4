/// A word of Lua, and the line it stands on.
struct LuaToken: Equatable {
    enum Kind: Equatable { case name, keyword, string, number, symbol }
    let kind: Kind
    let text: String
    let line: Int
    /// Where it begins and ends in the source's bytes.
    let range: Range<Int>

    func isSymbol(_ text: String) -> Bool { kind == .symbol && self.text == text }
    func isKeyword(_ text: String) -> Bool { kind == .keyword && self.text == text }
}

/// Lua's words, comments left out: enough to see calls and names; what is wrong in the text is the supervisor's to say.
///
/// - Source: the Lua 5.4 reference manual §3.1.
struct LuaTokens {
    private static let keywords: Set<String> = [
        "and", "break", "do", "else", "elseif", "end", "false", "for", "function", "goto", "if", "in", "local", "nil",
        "not",
        "or", "repeat", "return", "then", "true", "until", "while",
    ]
    private let bytes: [UInt8]
    private var at = 0
    private var line = 1

    private init(_ bytes: [UInt8]) { self.bytes = bytes }

    /// Every word of a source.
    static func read(_ source: [UInt8]) -> [LuaToken] {
        var reader = LuaTokens(source)
        var tokens: [LuaToken] = []
        while let token = reader.next() { tokens.append(token) }
        return tokens
    }

    private func byte(_ offset: Int = 0) -> UInt8? { at + offset < bytes.count ? bytes[at + offset] : nil }

    private static func isLetter(_ byte: UInt8) -> Bool {
        (0x61...0x7a).contains(byte) || (0x41...0x5a).contains(byte) || byte == 0x5f
    }
    private static func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }

    private mutating func next() -> LuaToken? {
        skipBlank()
        guard let first = byte() else { return nil }
        let start = at
        let startLine = line
        func token(_ kind: LuaToken.Kind) -> LuaToken {
            let text = String(decoding: bytes[start..<at], as: UTF8.self)
            let isKeyword = kind == .name && Self.keywords.contains(text)
            return LuaToken(kind: isKeyword ? .keyword : kind, text: text, line: startLine, range: start..<at)
        }
        if Self.isLetter(first) {
            while let next = byte(), Self.isLetter(next) || Self.isDigit(next) { at += 1 }
            return token(.name)
        }
        if Self.isDigit(first) || first == 0x2e && byte(1).map(Self.isDigit) == true {
            while let next = byte(), Self.isLetter(next) || Self.isDigit(next) || next == 0x2e { at += 1 }
            return token(.number)
        }
        if first == 0x22 || first == 0x27 {
            quoted(first)
            return token(.string)
        }
        if first == 0x5b, let level = longLevel() {
            long(level)
            return token(.string)
        }
        let two = bytes[at..<min(at + 2, bytes.count)]
        let three = bytes[at..<min(at + 3, bytes.count)]
        if three.elementsEqual("...".utf8) {
            at += 3
        } else if ["==", "~=", "<=", ">=", "..", "::", "//", "<<", ">>"].contains(where: { two.elementsEqual($0.utf8) })
        {
            at += 2
        } else {
            at += 1
        }
        return token(.symbol)
    }

    private mutating func skipBlank() {
        while let next = byte() {
            if next == 0x0a {
                line += 1
                at += 1
            } else if next == 0x20 || (0x09...0x0d).contains(next) {
                at += 1
            } else if next == 0x2d, byte(1) == 0x2d {
                at += 2
                if byte() == 0x5b, let level = longLevel() {
                    long(level)
                } else {
                    while let next = byte(), next != 0x0a { at += 1 }
                }
            } else {
                return
            }
        }
    }

    private mutating func quoted(_ quote: UInt8) {
        at += 1
        while let next = byte(), next != quote, next != 0x0a || bytes[at - 1] == 0x5c {
            if next == 0x0a { line += 1 }
            if next == 0x5c, byte(1) != 0x0a { at += 1 }
            at += 1
        }
        at += at < bytes.count ? 1 : 0
        at = min(at, bytes.count)
    }

    /// The number of `=` in a long bracket that opens here; nil where none does.
    private func longLevel() -> Int? {
        var level = 0
        while byte(1 + level) == 0x3d { level += 1 }
        return byte(1 + level) == 0x5b ? level : nil
    }

    private mutating func long(_ level: Int) {
        at += level + 2
        while let next = byte() {
            if next == 0x0a { line += 1 }
            if next == 0x5d, byte(level + 1) == 0x5d, (0..<level).allSatisfy({ byte(1 + $0) == 0x3d }) {
                at += level + 2
                return
            }
            at += 1
        }
    }
}
