public import ActorContract
public import HostErrors

/// A document of names, lists and scalars, as a YAML reader leaves it.
public indirect enum FieldTree: Sendable {
    /// A plain or quoted scalar.
    case scalar(String)
    /// A sequence.
    case list([FieldTree])
    /// A mapping, in its order.
    case map([(String, FieldTree)])
    /// Nothing was written.
    case null
}

extension ContractWire {
    /// Makes an autumn Run from a document that names the fields as the contract does, and validates it.
    ///
    /// What a person need not say is filled in: the atespace `default`, the actor's name as its uid, the slot `default`.
    /// - Parameters:
    ///   - tree: the document.
    ///   - slot: overrides target_ateom_uid.
    /// - Returns: the request, validated but for its assets.
    /// - Throws: INVALID_ARGUMENT with the field's path.
    public static func runRequest(fromFields tree: FieldTree, slot: String? = nil) throws(HostError) -> RunRequest {
        var message = try FieldReader.message(tree, .autumnRun, at: "")
        if let slot {
            if let index = message.schema.index(ofName: "target_ateom_uid") { message.values[index] = [] }
            message.add("target_ateom_uid", slot)
        }
        if message.string("target_ateom_uid").isEmpty { message.add("target_ateom_uid", "default") }
        if message.string("atespace").isEmpty { message.add("atespace", "default") }
        if message.string("actor_uid").isEmpty { message.add("actor_uid", message.string("actor_name")) }
        return try run(from: message, .autumn)
    }
}

/// A document's fields → a message, by the schema's names.
private enum FieldReader {
    static func message(_ tree: FieldTree, _ schema: MessageSchema, at path: String) throws(HostError) -> WireMessage {
        var message = WireMessage(schema)
        let pairs: [(String, FieldTree)]
        switch tree {
        case .null: return message
        case .map(let entries): pairs = entries
        default: throw invalid(path, "must be a mapping of fields")
        }
        var seen: Set<String> = []
        for (name, value) in pairs {
            let field = path.isEmpty ? name : "\(path).\(name)"
            guard let index = schema.index(ofName: name) else {
                let names = schema.fields.map(\.name)
                let hint =
                    nearest(name, names).map { "; did you mean \($0)?" } ?? "; known: " + names.joined(separator: ", ")
                throw invalid(field, "unknown field" + hint)
            }
            guard seen.insert(name).inserted else { throw invalid(field, "given twice") }
            if case .null = value { continue }
            message.values[index] = try values(value, schema.fields[index], at: field)
        }
        return message
    }

    private static func values(_ tree: FieldTree, _ field: FieldSchema, at path: String) throws(HostError)
        -> [WireValue]
    {
        guard field.isRepeated else { return [try value(tree, field.kind, at: path)] }
        var values: [WireValue] = []
        if case .message(let schema) = field.kind, schema.isMapEntry {
            guard case .map(let pairs) = tree else { throw invalid(path, "must be a mapping") }
            for (key, element) in pairs {
                var entry = WireMessage(schema)
                entry.add("key", key)
                if let index = schema.index(ofName: "value") {
                    entry.values[index] = [try value(element, schema.fields[index].kind, at: "\(path).\(key)")]
                }
                values.append(.message(entry))
            }
            return values
        }
        guard case .list(let elements) = tree else { throw invalid(path, "must be a list") }
        for (index, element) in elements.enumerated() {
            values.append(try value(element, field.kind, at: "\(path)[\(index)]"))
        }
        return values
    }

    private static func value(_ tree: FieldTree, _ kind: FieldSchema.Kind, at path: String) throws(HostError)
        -> WireValue
    {
        if case .message(let schema) = kind { return .message(try message(tree, schema, at: path)) }
        guard case .scalar(let text) = tree else { throw invalid(path, "must be a single value") }
        switch kind {
        case .string:
            guard !text.utf8.contains(0) else { throw invalid(path, "must not contain a NUL byte") }
            return .string(text)
        case .bytes: return .bytes(Array(text.utf8))
        case .bool:
            guard text == "true" || text == "false" else { throw invalid(path, "must be true or false") }
            return .integer(text == "true" ? 1 : 0)
        case .int32:
            guard let number = Int32(text) else { throw invalid(path, "must be a whole number") }
            return .integer(Int64(number))
        case .uint32:
            guard let number = UInt32(text) else { throw invalid(path, "must be a whole number, not negative") }
            return .integer(Int64(number))
        case .int64:
            guard let number = Int64(text) else { throw invalid(path, "must be a whole number") }
            return .integer(number)
        case .double:
            guard let number = Double(text) else { throw invalid(path, "must be a number") }
            return .double(number)
        case .enumeration(let names):
            guard let number = names[text] ?? Int32(text) else {
                throw invalid(path, "must be one of \(names.keys.sorted().joined(separator: ", "))")
            }
            return .integer(Int64(number))
        case .message: throw invalid(path, "must be a mapping of fields")
        }
    }

    private static func invalid(_ path: String, _ problem: String) -> HostError {
        HostError(.invalidArgument, nil, path.isEmpty ? problem : "\(path): \(problem)")
    }

    /// The name most like a mistyped one; nil when none is like it.
    private static func nearest(_ name: String, _ names: [String]) -> String? {
        let scored = names.map { ($0, distance(Array(name.utf8), Array($0.utf8))) }
        guard let best = scored.min(by: { $0.1 < $1.1 }), best.1 <= max(2, name.utf8.count / 2) else { return nil }
        return best.0
    }

    /// Levenshtein's distance.
    private static func distance(_ left: [UInt8], _ right: [UInt8]) -> Int {
        var row = Array(0...right.count)
        for (index, byte) in left.enumerated() {
            var diagonal = row[0]
            row[0] = index + 1
            for column in right.indices {
                let substitution = diagonal + (byte == right[column] ? 0 : 1)
                diagonal = row[column + 1]
                row[column + 1] = min(substitution, row[column] + 1, diagonal + 1)
            }
        }
        return row[right.count]
    }
}
