extension DescriptorCheck {
    /// The operator's settings: type, default, allowed values and bounds agree with each other.
    func config() throws(Mistake) -> [String: PluginDescriptor.ConfigField] {
        var fields: [String: PluginDescriptor.ConfigField] = [:]
        for (key, value) in try map("config").sorted(by: { $0.key < $1.key }) {
            guard Self.isName(key, assetLike: true) else {
                throw Mistake("config[\"\(key)\"]: a setting is a name", field: "config")
            }
            // An empty table is a list until it is known to be none.
            let parts: [String: PluginValue]
            switch value {
            case .map(let pairs): parts = pairs
            case .list(let items) where items.isEmpty: parts = [:]
            default:
                throw Mistake(
                    "config.\(key) is \(ArgumentWords.literal(value)): write { type = \"string\" }",
                    field: key
                )
            }
            fields[key] = try setting("config.\(key)", parts)
        }
        return fields
    }

    private func setting(
        _ path: String,
        _ parts: [String: PluginValue]
    ) throws(Mistake) -> PluginDescriptor.ConfigField {
        let known = PluginTable.setting.fields.map(\.name)
        for key in parts.keys.sorted() where !known.contains(key) {
            throw Mistake("\(path) has no field \"\(key)\"\(Self.suffix(Nearest.mend(key, among: known)))", field: key)
        }
        var field = PluginDescriptor.ConfigField()
        guard let type = parts["type"] else { throw Mistake("\(path).type is missing", field: "config") }
        field.type = try one(type, of: PluginTable.setting["type"]?.type.allowed ?? [], "\(path).type", field: "config")
        if let help = parts["help"] {
            guard case .text(let text) = help else { throw wrong("\(path).help", help, "a string") }
            field.help = text
        }
        switch parts["one_of"] {
        case nil: break
        case .list(let items)?:
            for (index, item) in items.enumerated() where !Self.fits(item, field.type) {
                throw wrong("\(path).one_of[\(index + 1)]", item, "of type \(field.type)")
            }
            field.oneOf = items
        case .some(let other): throw wrong("\(path).one_of", other, "a list")
        }
        field.least = try bound("min", parts, path, field.type)
        field.greatest = try bound("max", parts, path, field.type)
        if let least = field.least, let greatest = field.greatest, least > greatest {
            throw Mistake("\(path).min \(least) is over max \(greatest)", field: "config")
        }
        if let fallback = parts["default"] { field.fallback = try checked(fallback, field, path) }
        return field
    }

    private func checked(
        _ fallback: PluginValue,
        _ field: PluginDescriptor.ConfigField,
        _ path: String
    ) throws(Mistake) -> PluginValue {
        if field.type == "secret" { throw Mistake("\(path).default: a secret has no default", field: "config") }
        guard Self.fits(fallback, field.type) else { throw wrong("\(path).default", fallback, "of type \(field.type)") }
        if !field.oneOf.isEmpty, !field.oneOf.contains(fallback) {
            throw Mistake("\(path).default \(ArgumentWords.literal(fallback)) is not in one_of", field: "config")
        }
        if case .integer(let number) = fallback {
            if let least = field.least, number < least {
                throw Mistake("\(path).default \(number) is under min \(least)", field: "config")
            }
            if let greatest = field.greatest, number > greatest {
                throw Mistake("\(path).default \(number) is over max \(greatest)", field: "config")
            }
        }
        return fallback
    }

    private func bound(
        _ name: String,
        _ parts: [String: PluginValue],
        _ path: String,
        _ type: String
    ) throws(Mistake) -> Int64? {
        guard let value = parts[name] else { return nil }
        guard type == "integer" else { throw Mistake("\(path).\(name): only integers have bounds", field: "config") }
        guard case .integer(let number) = value else { throw wrong("\(path).\(name)", value, "an integer") }
        return number
    }

    private func wrong(_ path: String, _ value: PluginValue, _ expected: String) -> Mistake {
        Mistake("\(path) is \(ArgumentWords.literal(value)), not \(expected)", field: "config")
    }

    private static func fits(_ value: PluginValue, _ type: String) -> Bool {
        switch (type, value) {
        case ("string", .text), ("secret", .text), ("integer", .integer), ("boolean", .boolean): true
        default: false
        }
    }
}
