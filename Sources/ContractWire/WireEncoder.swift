extension WireMessage {
    /// The message's bytes, fields in ascending order, so that equal messages have equal bytes.
    func encoded() -> [UInt8] {
        var out: [UInt8] = []
        for (field, values) in zip(schema.fields, values) {
            for value in values where field.isRepeated || field.oneof != nil || !value.isDefault {
                Self.put(UInt64(field.number) << 3 | UInt64(field.wireType), to: &out)
                switch value {
                case .string(let text): Self.put(Array(text.utf8), to: &out)
                case .bytes(let bytes): Self.put(bytes, to: &out)
                case .message(let message): Self.put(message.encoded(), to: &out)
                case .integer(let number): Self.put(UInt64(bitPattern: number), to: &out)
                case .double(let number):
                    for shift in stride(from: UInt64(0), to: 64, by: 8) {
                        out.append(UInt8(truncatingIfNeeded: number.bitPattern >> shift))
                    }
                }
            }
        }
        return out
    }

    private static func put(_ bytes: [UInt8], to out: inout [UInt8]) {
        put(UInt64(bytes.count), to: &out)
        out += bytes
    }

    private static func put(_ number: UInt64, to out: inout [UInt8]) {
        var rest = number
        while rest >= 0x80 {
            out.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        out.append(UInt8(rest))
    }
}

extension WireValue {
    /// Whether proto3 leaves a singular field with this value out; a message's presence always counts.
    fileprivate var isDefault: Bool {
        switch self {
        case .string(let text): text.isEmpty
        case .bytes(let bytes): bytes.isEmpty
        case .integer(let number): number == 0
        case .double(let number): number.bitPattern == 0
        case .message: false
        }
    }
}
