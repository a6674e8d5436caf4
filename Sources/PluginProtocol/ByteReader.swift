/// A cursor over untrusted bytes: every step is length-checked.
struct ByteReader {
    private let bytes: [UInt8]
    private var offset = 0

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    var isAtEnd: Bool { offset == bytes.count }

    mutating func byte() throws(FrameError) -> UInt8 {
        guard offset < bytes.count else { throw .truncated }
        defer { offset += 1 }
        return bytes[offset]
    }

    mutating func take(_ count: Int) throws(FrameError) -> ArraySlice<UInt8> {
        guard count >= 0, count <= bytes.count - offset else { throw .truncated }
        defer { offset += count }
        return bytes[offset..<offset + count]
    }

    mutating func unsigned32() throws(FrameError) -> UInt32 {
        let four = try take(4)
        return four.reversed().reduce(0) { $0 << 8 | UInt32($1) }
    }

    mutating func unsigned64() throws(FrameError) -> UInt64 {
        let eight = try take(8)
        return eight.reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }

    mutating func byteString() throws(FrameError) -> [UInt8] {
        let count = try unsigned32()
        guard count <= FrameLimits.maxFrameBytes else { throw .truncated }
        return Array(try take(Int(count)))
    }

    mutating func text() throws(FrameError) -> String {
        let raw = try byteString()
        guard !raw.contains(0), let text = String(validating: raw, as: UTF8.self) else { throw .badText }
        return text
    }

    /// Lists are bounded by their bytes: an element has at least one.
    mutating func count() throws(FrameError) -> Int {
        let count = Int(try unsigned32())
        guard count <= bytes.count - offset else { throw .truncated }
        return count
    }
}

extension [UInt8] {
    mutating func append32(_ number: UInt32) {
        for shift in stride(from: UInt32(0), to: 32, by: 8) { append(UInt8(truncatingIfNeeded: number >> shift)) }
    }

    mutating func append64(_ number: UInt64) {
        for shift in stride(from: UInt64(0), to: 64, by: 8) { append(UInt8(truncatingIfNeeded: number >> shift)) }
    }

    mutating func appendBytes(_ bytes: some Collection<UInt8>) {
        append32(UInt32(truncatingIfNeeded: bytes.count))
        append(contentsOf: bytes)
    }

    mutating func appendText(_ text: String) { appendBytes(Array(text.utf8)) }
}
