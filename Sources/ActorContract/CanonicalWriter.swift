/// Writes values so that unlike requests never have like bytes: every part is tagged and counted.
struct CanonicalWriter {
    private(set) var bytes: [UInt8] = []

    mutating func put(_ value: UInt64) {
        for shift in stride(from: UInt64(0), to: 64, by: 8) { bytes.append(UInt8(truncatingIfNeeded: value >> shift)) }
    }

    mutating func put(_ value: Int64) { put(UInt64(bitPattern: value)) }

    mutating func put(_ part: [UInt8]) {
        put(UInt64(part.count))
        bytes += part
    }

    mutating func put(_ text: String) { put(Array(text.utf8)) }

    mutating func put(_ texts: [String]) {
        put(UInt64(texts.count))
        for text in texts { put(text) }
    }

    mutating func put(_ flag: Bool) { bytes.append(flag ? 1 : 0) }

    /// An optional's presence counts.
    mutating func put(_ text: String?) {
        put(text != nil)
        if let text { put(text) }
    }
}
