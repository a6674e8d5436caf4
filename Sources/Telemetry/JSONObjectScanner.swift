/// Splits one JSON object into its keys and the bytes of its values, which stay exactly as they were written.
///
/// Nothing is decoded but keys, so 64-bit numbers survive. The text is hostile: every index is checked by the array,
/// nesting is counted instead of recursed into, and what is not strict JSON is refused whole.
/// - Source: RFC 8259.
public struct JSONObjectScanner {
    /// One member, in the order it was written.
    public struct Member: Equatable {
        /// The key with its escapes undone.
        public let key: String
        /// The value's bytes.
        public let value: ArraySlice<UInt8>
    }

    /// Deeper nesting is refused.
    public static let depthLimit = 256

    private let bytes: ArraySlice<UInt8>
    private var index: Int

    private init(_ bytes: ArraySlice<UInt8>) {
        self.bytes = bytes
        index = bytes.startIndex
    }

    /// The members of the object that these bytes are.
    ///
    /// - Parameter bytes: UTF-8 that was validated before.
    /// - Returns: nil if they are anything but one whole object with white space around it.
    public static func members(_ bytes: ArraySlice<UInt8>) -> [Member]? {
        var scanner = JSONObjectScanner(bytes)
        scanner.skipSpace()
        guard let members = scanner.object() else { return nil }
        scanner.skipSpace()
        return scanner.index == bytes.endIndex ? members : nil
    }

    private var next: UInt8? { index < bytes.endIndex ? bytes[index] : nil }

    private mutating func take(_ byte: UInt8) -> Bool {
        guard next == byte else { return false }
        index += 1
        return true
    }

    private mutating func skipSpace() {
        while let byte = next, byte == 0x20 || byte == 0x09 || byte == 0x0a || byte == 0x0d { index += 1 }
    }

    private mutating func object() -> [Member]? {
        guard take(UInt8(ascii: "{")) else { return nil }
        var members: [Member] = []
        skipSpace()
        if take(UInt8(ascii: "}")) { return members }
        while true {
            skipSpace()
            let keyStart = index
            guard skipString() else { return nil }
            let key = Self.decoded(bytes[keyStart + 1..<index - 1])
            skipSpace()
            guard take(UInt8(ascii: ":")) else { return nil }
            skipSpace()
            let start = index
            guard skipValue() else { return nil }
            members.append(Member(key: key, value: bytes[start..<index]))
            skipSpace()
            if take(UInt8(ascii: ",")) { continue }
            return take(UInt8(ascii: "}")) ? members : nil
        }
    }

    /// Passes one value with all that is nested in it.
    private mutating func skipValue() -> Bool {
        // What is open: true = an object.
        var open: [Bool] = []
        while true {
            skipSpace()
            if take(UInt8(ascii: "{")) {
                skipSpace()
                if !take(UInt8(ascii: "}")) {
                    open.append(true)
                    guard open.count < Self.depthLimit, skipKey() else { return false }
                    continue
                }
            } else if take(UInt8(ascii: "[")) {
                skipSpace()
                if !take(UInt8(ascii: "]")) {
                    open.append(false)
                    guard open.count < Self.depthLimit else { return false }
                    continue
                }
            } else {
                guard skipScalar() else { return false }
            }
            // A value has ended: so may the things around it.
            while true {
                guard let isObject = open.last else { return true }
                skipSpace()
                if take(UInt8(ascii: ",")) {
                    if isObject { guard skipKey() else { return false } }
                    break
                }
                guard take(isObject ? UInt8(ascii: "}") : UInt8(ascii: "]")) else { return false }
                open.removeLast()
            }
        }
    }

    private mutating func skipKey() -> Bool {
        skipSpace()
        guard skipString() else { return false }
        skipSpace()
        return take(UInt8(ascii: ":"))
    }

    private mutating func skipScalar() -> Bool {
        switch next {
        case UInt8(ascii: "\""): skipString()
        case UInt8(ascii: "t"): skipWord("true")
        case UInt8(ascii: "f"): skipWord("false")
        case UInt8(ascii: "n"): skipWord("null")
        default: skipNumber()
        }
    }

    private mutating func skipWord(_ word: StaticString) -> Bool {
        let letters = Array(word.description.utf8)
        guard bytes[index...].starts(with: letters) else { return false }
        index += letters.count
        return true
    }

    private mutating func skipDigits() -> Bool {
        let start = index
        while let byte = next, (0x30...0x39).contains(byte) { index += 1 }
        return index > start
    }

    private mutating func skipNumber() -> Bool {
        _ = take(UInt8(ascii: "-"))
        if !take(UInt8(ascii: "0")) { guard skipDigits() else { return false } }
        if take(UInt8(ascii: ".")) { guard skipDigits() else { return false } }
        if take(UInt8(ascii: "e")) || take(UInt8(ascii: "E")) {
            if !take(UInt8(ascii: "+")) { _ = take(UInt8(ascii: "-")) }
            return skipDigits()
        }
        return true
    }

    private mutating func skipString() -> Bool {
        guard take(UInt8(ascii: "\"")) else { return false }
        while let byte = next {
            index += 1
            if byte == UInt8(ascii: "\"") { return true }
            if byte < 0x20 { return false }
            guard byte == UInt8(ascii: "\\") else { continue }
            guard let escape = next else { return false }
            index += 1
            if escape == UInt8(ascii: "u") {
                guard let unit = takeUnit(), !UTF16.isTrailSurrogate(unit) else { return false }
                if UTF16.isLeadSurrogate(unit) {
                    // Half a pair is in the grammar, but strict readers of the shipped line would refuse it.
                    guard take(UInt8(ascii: "\\")), take(UInt8(ascii: "u")), let other = takeUnit(),
                        UTF16.isTrailSurrogate(other)
                    else { return false }
                }
            } else if !"\"\\/bfnrt".utf8.contains(escape) {
                return false
            }
        }
        return false
    }

    /// The four digits of a `\u` escape.
    private mutating func takeUnit() -> UInt16? {
        var unit: UInt32 = 0
        for _ in 0..<4 {
            guard let byte = next, let digit = Self.hex(byte) else { return nil }
            unit = unit << 4 | digit
            index += 1
        }
        return UInt16(unit)
    }

    private static func hex(_ byte: UInt8) -> UInt32? {
        switch byte {
        case 0x30...0x39: UInt32(byte - 0x30)
        case 0x41...0x46: UInt32(byte - 0x41 + 10)
        case 0x61...0x66: UInt32(byte - 0x61 + 10)
        default: nil
        }
    }

    /// Undoes the escapes of a string that was scanned before.
    private static func decoded(_ raw: ArraySlice<UInt8>) -> String {
        guard raw.contains(UInt8(ascii: "\\")) else { return String(decoding: raw, as: UTF8.self) }
        // As UTF-16, in which escapes are written: pairs meet again.
        var units: [UInt16] = []
        var plain: [UInt8] = []
        func flush() {
            units += Array(String(decoding: plain, as: UTF8.self).utf16)
            plain = []
        }
        var index = raw.startIndex
        while index < raw.endIndex {
            guard raw[index] == UInt8(ascii: "\\"), index + 1 < raw.endIndex else {
                plain.append(raw[index])
                index += 1
                continue
            }
            flush()
            let escape = raw[index + 1]
            index += 2
            switch escape {
            case UInt8(ascii: "u"):
                let digits = raw[index...].prefix(4)
                units.append(UInt16(truncatingIfNeeded: digits.reduce(0) { $0 << 4 | (hex($1) ?? 0) }))
                index += digits.count
            case UInt8(ascii: "b"): units.append(0x08)
            case UInt8(ascii: "f"): units.append(0x0c)
            case UInt8(ascii: "n"): units.append(0x0a)
            case UInt8(ascii: "r"): units.append(0x0d)
            case UInt8(ascii: "t"): units.append(0x09)
            default: units.append(UInt16(escape))
            }
        }
        flush()
        return String(decoding: units, as: UTF16.self)
    }
}
