/// The one binary form of a `PluginValue`: a tag byte, then lengths and numbers little-endian.
///
/// Tags: 0 null, 1 false, 2 true, 3 integer, 4 float, 5 text, 6 bytes, 7 list, 8 map, 9 handle. Maps are sorted by the
/// UTF-8 bytes of their keys, so that equal values have equal bytes.
public enum ValueCodec {
    /// The value's bytes.
    ///
    /// - Parameter value: within the limits; the reader refuses what is not.
    /// - Returns: its canonical form.
    public static func encode(_ value: PluginValue) -> [UInt8] {
        var bytes: [UInt8] = []
        append(value, to: &bytes)
        return bytes
    }

    /// The value of exactly these bytes.
    ///
    /// - Parameter bytes: untrusted.
    /// - Returns: the value.
    /// - Throws: the first thing wrong with them.
    public static func decode(_ bytes: [UInt8]) throws(FrameError) -> PluginValue {
        var reader = ByteReader(bytes)
        let value = try read(from: &reader)
        guard reader.isAtEnd else { throw .trailing }
        return value
    }

    static func read(from reader: inout ByteReader) throws(FrameError) -> PluginValue {
        var nodes = 0
        return try value(from: &reader, depth: 0, nodes: &nodes)
    }

    static func append(_ value: PluginValue, to bytes: inout [UInt8]) {
        switch value {
        case .null: bytes.append(0)
        case .boolean(let flag): bytes.append(flag ? 2 : 1)
        case .integer(let number):
            bytes.append(3)
            bytes.append64(UInt64(bitPattern: number))
        case .float(let number):
            bytes.append(4)
            bytes.append64(number.bitPattern)
        case .text(let text):
            bytes.append(5)
            bytes.appendText(text)
        case .bytes(let raw):
            bytes.append(6)
            bytes.appendBytes(raw)
        case .list(let elements):
            bytes.append(7)
            bytes.append32(UInt32(truncatingIfNeeded: elements.count))
            for element in elements { append(element, to: &bytes) }
        case .map(let pairs):
            bytes.append(8)
            bytes.append32(UInt32(truncatingIfNeeded: pairs.count))
            for (key, element) in pairs.sorted(by: { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }) {
                bytes.appendText(key)
                append(element, to: &bytes)
            }
        case .handle(let handle):
            bytes.append(9)
            bytes.append32(handle.index)
            bytes.append32(handle.generation)
        }
    }

    private static func value(
        from reader: inout ByteReader,
        depth: Int,
        nodes: inout Int
    ) throws(FrameError) -> PluginValue {
        guard depth <= FrameLimits.maxDepth else { throw .tooDeep }
        nodes += 1
        guard nodes <= FrameLimits.maxNodes else { throw .tooManyNodes }
        let tag = try reader.byte()
        switch tag {
        case 0: return .null
        case 1: return .boolean(false)
        case 2: return .boolean(true)
        case 3: return .integer(Int64(bitPattern: try reader.unsigned64()))
        case 4: return .float(Double(bitPattern: try reader.unsigned64()))
        case 5: return .text(try reader.text())
        case 6: return .bytes(try reader.byteString())
        case 7:
            var elements: [PluginValue] = []
            for _ in 0..<(try reader.count()) {
                elements.append(try value(from: &reader, depth: depth + 1, nodes: &nodes))
            }
            return .list(elements)
        case 8:
            return .map(try pairs(from: &reader, depth: depth, nodes: &nodes))
        case 9: return .handle(PluginHandle(index: try reader.unsigned32(), generation: try reader.unsigned32()))
        default: throw .unknownTag(tag)
        }
    }

    private static func pairs(
        from reader: inout ByteReader,
        depth: Int,
        nodes: inout Int
    ) throws(FrameError) -> [String: PluginValue] {
        var pairs: [String: PluginValue] = [:]
        var last: String?
        for _ in 0..<(try reader.count()) {
            let key = try reader.text()
            if let last, !last.utf8.lexicographicallyPrecedes(key.utf8) { throw .notCanonical }
            last = key
            pairs[key] = try value(from: &reader, depth: depth + 1, nodes: &nodes)
        }
        return pairs
    }
}
