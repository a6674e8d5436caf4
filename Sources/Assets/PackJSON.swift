/// A value of a pack's header: JSON without fractions.
///
/// A reader of our own, since the header must be told apart from every other spelling of the same JSON.
indirect enum PackJSON: Equatable {
    case null
    case bool(Bool)
    /// As it was written, a minus and digits.
    case integer(String)
    /// A number with a fraction or an exponent: JSON, and never canonical.
    case fraction
    case string(String)
    case list([PackJSON])
    /// Members as they came, doubled ones too.
    case object([(name: String, value: PackJSON)])

    static func == (left: PackJSON, right: PackJSON) -> Bool { left.canonical == right.canonical }

    /// The one way to write it: sorted members, no spaces.
    var canonical: String {
        var text = ""
        write(to: &text)
        return text
    }

    private func write(to text: inout String) {
        switch self {
        case .null, .fraction: text += "null"
        case .bool(let value): text += value ? "true" : "false"
        case .integer(let digits): text += digits
        case .string(let value): text += Self.quoted(value)
        case .list(let items):
            text += "["
            for (index, item) in items.enumerated() {
                if index > 0 { text += "," }
                item.write(to: &text)
            }
            text += "]"
        case .object(let members):
            text += "{"
            let sorted = members.sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
            for (index, member) in sorted.enumerated() {
                if index > 0 { text += "," }
                text += Self.quoted(member.name) + ":"
                member.value.write(to: &text)
            }
            text += "}"
        }
    }

    /// Only what JSON cannot hold bare is escaped.
    private static func quoted(_ value: String) -> String {
        var text = "\""
        for scalar in value.unicodeScalars {
            switch scalar {
            case "\"": text += "\\\""
            case "\\": text += "\\\\"
            case "\n": text += "\\n"
            case "\r": text += "\\r"
            case "\t": text += "\\t"
            case "\u{8}": text += "\\b"
            case "\u{C}": text += "\\f"
            case _ where scalar.value < 0x20:
                let digits = String(scalar.value, radix: 16)
                text += "\\u" + String(repeating: "0", count: 4 - digits.utf8.count) + digits
            default: text.unicodeScalars.append(scalar)
            }
        }
        return text + "\""
    }

    /// Whether a fraction or a doubled member is anywhere in it.
    var isNeverCanonical: Bool {
        switch self {
        case .fraction: true
        case .list(let items): items.contains(where: \.isNeverCanonical)
        case .object(let members):
            Set(members.map(\.name)).count != members.count || members.contains { $0.value.isNeverCanonical }
        default: false
        }
    }
}

/// Reads the JSON of RFC 8259, to a depth of 32.
struct PackJSONReader {
    private static let depthLimit = 32
    private let bytes: [UInt8]
    private var at = 0

    /// The value that the bytes are; nil where they are none.
    static func read(_ bytes: [UInt8]) -> PackJSON? {
        guard String(validating: bytes, as: UTF8.self) != nil else { return nil }
        var reader = PackJSONReader(bytes: bytes)
        guard let value = reader.value(0) else { return nil }
        reader.skipSpace()
        return reader.at == bytes.count ? value : nil
    }

    private init(bytes: [UInt8]) { self.bytes = bytes }

    private var next: UInt8? { at < bytes.count ? bytes[at] : nil }

    private mutating func take(_ byte: UInt8) -> Bool {
        guard next == byte else { return false }
        at += 1
        return true
    }

    private mutating func skipSpace() {
        while let byte = next, [0x20, 0x09, 0x0A, 0x0D].contains(byte) { at += 1 }
    }

    private mutating func take(_ word: StaticString, _ value: PackJSON) -> PackJSON? {
        let text = Array("\(word)".utf8)
        guard bytes[at...].starts(with: text) else { return nil }
        at += text.count
        return value
    }

    private mutating func value(_ depth: Int) -> PackJSON? {
        guard depth < Self.depthLimit else { return nil }
        skipSpace()
        switch next {
        case UInt8(ascii: "{"): return object(depth)
        case UInt8(ascii: "["): return list(depth)
        case UInt8(ascii: "\""): return string().map { .string($0) }
        case UInt8(ascii: "t"): return take("true", .bool(true))
        case UInt8(ascii: "f"): return take("false", .bool(false))
        case UInt8(ascii: "n"): return take("null", .null)
        default: return number()
        }
    }

    private mutating func object(_ depth: Int) -> PackJSON? {
        at += 1
        var members: [(name: String, value: PackJSON)] = []
        skipSpace()
        if take(UInt8(ascii: "}")) { return .object([]) }
        while true {
            skipSpace()
            guard next == UInt8(ascii: "\""), let name = string() else { return nil }
            skipSpace()
            guard take(UInt8(ascii: ":")), let value = value(depth + 1) else { return nil }
            members.append((name, value))
            skipSpace()
            if take(UInt8(ascii: "}")) { return .object(members) }
            guard take(UInt8(ascii: ",")) else { return nil }
        }
    }

    private mutating func list(_ depth: Int) -> PackJSON? {
        at += 1
        var items: [PackJSON] = []
        skipSpace()
        if take(UInt8(ascii: "]")) { return .list([]) }
        while true {
            guard let item = value(depth + 1) else { return nil }
            items.append(item)
            skipSpace()
            if take(UInt8(ascii: "]")) { return .list(items) }
            guard take(UInt8(ascii: ",")) else { return nil }
        }
    }

    private mutating func number() -> PackJSON? {
        let start = at
        _ = take(UInt8(ascii: "-"))
        let first = at
        while let byte = next, (0x30...0x39).contains(byte) { at += 1 }
        guard at > first, bytes[first] != 0x30 || at == first + 1 else { return nil }
        var isFraction = false
        if take(UInt8(ascii: ".")) {
            isFraction = true
            let digits = at
            while let byte = next, (0x30...0x39).contains(byte) { at += 1 }
            guard at > digits else { return nil }
        }
        if take(UInt8(ascii: "e")) || take(UInt8(ascii: "E")) {
            isFraction = true
            if !take(UInt8(ascii: "+")) { _ = take(UInt8(ascii: "-")) }
            let digits = at
            while let byte = next, (0x30...0x39).contains(byte) { at += 1 }
            guard at > digits else { return nil }
        }
        let text = String(decoding: bytes[start..<at], as: UTF8.self)
        // -0 has a sign that no whole number has.
        return isFraction || text == "-0" ? .fraction : .integer(text)
    }

    private mutating func string() -> String? {
        at += 1
        var text: [UInt8] = []
        while let byte = next {
            at += 1
            switch byte {
            case UInt8(ascii: "\""): return String(validating: text, as: UTF8.self)
            case 0..<0x20: return nil
            case UInt8(ascii: "\\"):
                guard let escaped = next else { return nil }
                at += 1
                switch escaped {
                case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): text.append(escaped)
                case UInt8(ascii: "b"): text.append(8)
                case UInt8(ascii: "f"): text.append(12)
                case UInt8(ascii: "n"): text.append(10)
                case UInt8(ascii: "r"): text.append(13)
                case UInt8(ascii: "t"): text.append(9)
                case UInt8(ascii: "u"):
                    guard let scalar = scalar() else { return nil }
                    text += Array(String(Character(scalar)).utf8)
                default: return nil
                }
            default: text.append(byte)
            }
        }
        return nil
    }

    private mutating func unit() -> UInt32? {
        guard at + 4 <= bytes.count else { return nil }
        var unit: UInt32 = 0
        for byte in bytes[at..<at + 4] {
            guard let digit = Character(Unicode.Scalar(byte)).hexDigitValue else { return nil }
            unit = unit << 4 | UInt32(digit)
        }
        at += 4
        return unit
    }

    private mutating func scalar() -> Unicode.Scalar? {
        guard let high = unit() else { return nil }
        guard (0xD800...0xDBFF).contains(high) else { return Unicode.Scalar(high) }
        guard take(UInt8(ascii: "\\")), take(UInt8(ascii: "u")), let low = unit(), (0xDC00...0xDFFF).contains(low)
        else { return nil }
        return Unicode.Scalar(0x10000 + (high - 0xD800) << 10 + (low - 0xDC00))
    }
}
