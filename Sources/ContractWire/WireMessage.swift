/// One value of a field.
enum WireValue: Sendable, Equatable {
    case string(String)
    case bytes([UInt8])
    /// Booleans and enumerations too.
    case integer(Int64)
    case double(Double)
    case message(WireMessage)
}

/// A decoded message, or one to encode: the values of its fields by name.
struct WireMessage: Sendable, Equatable {
    let schema: MessageSchema
    /// In the order of `schema.fields`.
    var values: [[WireValue]]

    init(_ schema: MessageSchema) {
        self.schema = schema
        values = Array(repeating: [], count: schema.fields.count)
    }

    static func == (left: WireMessage, right: WireMessage) -> Bool {
        left.schema.name == right.schema.name && left.values == right.values
    }

    /// The values of a field; a name that the schema lacks is a mistake of this room's, caught in debug builds.
    func all(_ name: String) -> [WireValue] {
        guard let index = schema.index(ofName: name) else {
            assertionFailure("\(schema.name) has no field \(name)")
            return []
        }
        return values[index]
    }

    func has(_ name: String) -> Bool { !all(name).isEmpty }

    func string(_ name: String) -> String {
        guard case .string(let text)? = all(name).last else { return "" }
        return text
    }

    func strings(_ name: String) -> [String] {
        all(name).compactMap { if case .string(let text) = $0 { text } else { nil } }
    }

    func bytes(_ name: String) -> [UInt8] {
        guard case .bytes(let bytes)? = all(name).last else { return [] }
        return bytes
    }

    func integer(_ name: String) -> Int64 {
        guard case .integer(let number)? = all(name).last else { return 0 }
        return number
    }

    func number32(_ name: String) -> Int32 { Int32(truncatingIfNeeded: integer(name)) }

    func double(_ name: String) -> Double {
        guard case .double(let number)? = all(name).last else { return 0 }
        return number
    }

    func message(_ name: String) -> WireMessage? {
        guard case .message(let message)? = all(name).last else { return nil }
        return message
    }

    func messages(_ name: String) -> [WireMessage] {
        all(name).compactMap { if case .message(let message) = $0 { message } else { nil } }
    }

    /// A map field's entries, the last of equal keys.
    func map(_ name: String) -> [String: WireMessage] {
        var entries: [String: WireMessage] = [:]
        for entry in messages(name) { entries[entry.string("key")] = entry.message("value") }
        return entries
    }

    /// Appends a value to a field.
    mutating func add(_ name: String, _ value: WireValue) {
        guard let index = schema.index(ofName: name) else {
            assertionFailure("\(schema.name) has no field \(name)")
            return
        }
        values[index].append(value)
    }

    mutating func add(_ name: String, _ text: String) { add(name, .string(text)) }

    mutating func add(_ name: String, _ texts: [String]) {
        for text in texts { add(name, .string(text)) }
    }

    mutating func add(_ name: String, _ number: some BinaryInteger) {
        add(name, .integer(Int64(truncatingIfNeeded: number)))
    }

    mutating func add(_ name: String, _ flag: Bool) { add(name, .integer(flag ? 1 : 0)) }

    /// Appends a message that `fill` fills.
    mutating func add(_ name: String, fill: (inout WireMessage) -> Void) {
        guard let index = schema.index(ofName: name), case .message(let child) = schema.fields[index].kind else {
            assertionFailure("\(schema.name) has no message \(name)")
            return
        }
        var message = WireMessage(child)
        fill(&message)
        values[index].append(.message(message))
    }
}
