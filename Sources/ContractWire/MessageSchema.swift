/// What one message of a `.proto` looks like: its fields by number and by name.
///
/// Read once from the descriptors of the generated C, which is the only place where numbers are written.
/// The bytes themselves are decoded in Swift, so that no hostile byte is ever parsed in C.
final class MessageSchema: Sendable {
    /// The message's name without its package.
    let name: String
    /// In ascending order of their numbers.
    let fields: [FieldSchema]
    /// Whether this is the entry of a map: a key and a value.
    let isMapEntry: Bool
    /// Index into `fields` for every number up to the highest; -1 = no such field.
    private let indexByNumber: [Int]

    init(name: String, fields: [FieldSchema]) {
        self.name = name
        self.fields = fields.sorted { $0.number < $1.number }
        isMapEntry = name.hasSuffix("Entry") && fields.map(\.name).sorted() == ["key", "value"]
        var indexes = [Int](repeating: -1, count: 1 + (self.fields.last.map { Int($0.number) } ?? 0))
        for (index, field) in self.fields.enumerated() { indexes[Int(field.number)] = index }
        indexByNumber = indexes
    }

    func index(ofNumber number: UInt64) -> Int? {
        guard number < UInt64(indexByNumber.count) else { return nil }
        let index = indexByNumber[Int(number)]
        return index < 0 ? nil : index
    }

    func index(ofName name: String) -> Int? { fields.firstIndex { $0.name == name } }

    /// This message and every one beneath it, each once.
    func reachable() -> [MessageSchema] {
        fields.reduce(into: [self]) { all, field in
            guard case .message(let schema) = field.kind else { return }
            for one in schema.reachable() where !all.contains(where: { $0 === one }) { all.append(one) }
        }
    }
}

/// One field of a message.
struct FieldSchema: Sendable {
    enum Kind: Sendable {
        case string, bytes, bool, double
        case int32, int64, uint32
        /// The values' names with their numbers.
        case enumeration([String: Int32])
        case message(MessageSchema)
    }

    let number: UInt32
    let name: String
    let kind: Kind
    let isRepeated: Bool
    /// Fields with equal numbers here are arms of one oneof: the last on the wire wins.
    let oneof: UInt32?

    /// The wire type that a value of this kind has.
    var wireType: UInt8 {
        switch kind {
        case .bool, .int32, .int64, .uint32, .enumeration: WireType.varint
        case .double: WireType.fixed64
        case .string, .bytes, .message: WireType.delimited
        }
    }
}

/// The numbers of the wire types that proto3 uses.
enum WireType {
    static let varint: UInt8 = 0
    static let fixed64: UInt8 = 1
    static let delimited: UInt8 = 2
    static let fixed32: UInt8 = 5
}
