import HostErrors

/// What is wrong with some bytes, and in which field.
struct WireFault: Error {
    /// From the outermost field inwards.
    var path: [String] = []
    let problem: String

    func within(_ step: String) -> WireFault { WireFault(path: [step] + path, problem: problem) }

    var error: HostError {
        let text = path.isEmpty ? problem : "\(path.joined(separator: ".")): \(problem)"
        return HostError(.invalidArgument, nil, "malformed request: \(text)")
    }
}

/// Bytes → message, strictly: what the wire allows but no client of ours means is refused by field name.
struct WireDecoder {
    /// More values than any honest request has; bounds what a few megabytes can make us allocate.
    static let maximumValues = 65_536

    private let bytes: [UInt8]
    private var valuesLeft = WireDecoder.maximumValues

    private init(_ bytes: [UInt8]) { self.bytes = bytes }

    static func decode(_ bytes: [UInt8], as schema: MessageSchema) throws(HostError) -> WireMessage {
        var decoder = WireDecoder(bytes)
        var message = WireMessage(schema)
        do throws(WireFault) {
            try decoder.read(0..<bytes.count, into: &message)
        } catch { throw error.error }
        return message
    }

    /// The top-level fields alone: number, wire type.
    static func tags(_ bytes: [UInt8]) throws(HostError) -> [(number: UInt64, wireType: UInt8)] {
        var decoder = WireDecoder(bytes)
        var tags: [(number: UInt64, wireType: UInt8)] = []
        do throws(WireFault) {
            var at = 0
            while at < bytes.count {
                let tag = try decoder.tag(&at, bytes.count)
                _ = try decoder.payload(tag.wireType, &at, bytes.count)
                try decoder.count()
                tags.append(tag)
            }
        } catch { throw error.error }
        return tags
    }

    private mutating func read(_ range: Range<Int>, into message: inout WireMessage) throws(WireFault) {
        var at = range.lowerBound
        while at < range.upperBound {
            let tag = try tag(&at, range.upperBound)
            guard let index = message.schema.index(ofNumber: tag.number) else {
                // Unknown fields are ignored, as every proto3 reader does.
                _ = try payload(tag.wireType, &at, range.upperBound)
                continue
            }
            let field = message.schema.fields[index]
            do throws(WireFault) {
                guard tag.wireType == field.wireType else {
                    throw WireFault(problem: "field \(tag.number) has wire type \(tag.wireType), not \(field.wireType)")
                }
                try count()
                let payload = try payload(tag.wireType, &at, range.upperBound)
                try store(payload, field, index, in: &message)
            } catch {
                let ordinal = field.isRepeated ? "[\(message.values[index].count)]" : ""
                throw error.within(field.name + ordinal)
            }
        }
    }

    private mutating func store(
        _ payload: Payload,
        _ field: FieldSchema,
        _ index: Int,
        in message: inout WireMessage
    ) throws(WireFault) {
        let value: WireValue
        switch (field.kind, payload) {
        case (.message(let schema), .range(let range)):
            var child = WireMessage(schema)
            // A singular message sent twice is merged: the wire's rule.
            // Taken out, not copied: thousands of them would be copied thousands of times.
            if !field.isRepeated, case .message(let earlier)? = message.values[index].popLast() { child = earlier }
            try read(range, into: &child)
            value = .message(child)
        case (.string, .range(let range)): value = .string(try string(range))
        case (.bytes, .range(let range)): value = .bytes(Array(bytes[range]))
        case (.bool, .number(let number)): value = .integer(number == 0 ? 0 : 1)
        case (.int64, .number(let number)): value = .integer(Int64(bitPattern: number))
        case (.uint32, .number(let number)): value = .integer(Int64(UInt32(truncatingIfNeeded: number)))
        case (.int32, .number(let number)), (.enumeration, .number(let number)):
            value = .integer(Int64(Int32(truncatingIfNeeded: number)))
        case (.double, .number(let number)): value = .double(Double(bitPattern: number))
        default: throw WireFault(problem: "unexpected wire type")
        }
        if let oneof = field.oneof {
            for (other, arm) in message.schema.fields.enumerated() where arm.oneof == oneof && other != index {
                message.values[other] = []
            }
        }
        if field.isRepeated { message.values[index].append(value) } else { message.values[index] = [value] }
    }

    private func string(_ range: Range<Int>) throws(WireFault) -> String {
        let slice = bytes[range]
        guard !slice.contains(0) else { throw WireFault(problem: "must not contain a NUL byte") }
        guard let text = String(validating: slice, as: UTF8.self) else {
            throw WireFault(problem: "must be valid UTF-8")
        }
        return text
    }

    private enum Payload {
        case number(UInt64)
        case range(Range<Int>)
    }

    private mutating func count() throws(WireFault) {
        valuesLeft -= 1
        guard valuesLeft >= 0 else { throw WireFault(problem: "more than \(Self.maximumValues) values") }
    }

    private func tag(_ at: inout Int, _ end: Int) throws(WireFault) -> (number: UInt64, wireType: UInt8) {
        let tag = try varint(&at, end)
        guard tag >> 3 != 0, tag <= UInt64(UInt32.max) else { throw WireFault(problem: "invalid field number") }
        return (tag >> 3, UInt8(tag & 7))
    }

    private func payload(_ wireType: UInt8, _ at: inout Int, _ end: Int) throws(WireFault) -> Payload {
        switch wireType {
        case WireType.varint: return .number(try varint(&at, end))
        case WireType.fixed64, WireType.fixed32:
            let width = wireType == WireType.fixed64 ? 8 : 4
            guard end - at >= width else { throw WireFault(problem: "truncated") }
            var number: UInt64 = 0
            for offset in 0..<width { number |= UInt64(bytes[at + offset]) << UInt64(8 * offset) }
            at += width
            return .number(number)
        case WireType.delimited:
            let length = try varint(&at, end)
            guard length <= UInt64(end - at) else { throw WireFault(problem: "truncated") }
            defer { at += Int(length) }
            return .range(at..<at + Int(length))
        default:
            // Groups left the language before either dialect was born.
            throw WireFault(problem: "unsupported wire type \(wireType)")
        }
    }

    private func varint(_ at: inout Int, _ end: Int) throws(WireFault) -> UInt64 {
        var number: UInt64 = 0
        var shift: UInt64 = 0
        while at < end {
            let byte = bytes[at]
            at += 1
            guard shift < 63 || byte <= 1 else { throw WireFault(problem: "number of more than 64 bits") }
            number |= UInt64(byte & 0x7F) << shift
            if byte & 0x80 == 0 { return number }
            shift += 7
        }
        throw WireFault(problem: "truncated")
    }
}
