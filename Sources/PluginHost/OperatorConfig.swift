package import HostErrors
package import PluginProtocol

extension PluginDescriptor {
    /// The operator's settings as the script is given them: typed, checked, and with the defaults filled in.
    ///
    /// - Parameter given: what the operator wrote, by name.
    /// - Returns: one value for each setting that has one.
    /// - Throws: `failedPrecondition` with every setting that is wrong, by its place in `substrate.yaml`.
    package func settings(_ given: [String: String]) throws(HostError) -> [String: PluginValue] {
        var values: [String: PluginValue] = [:]
        var mistakes: [String] = []
        for (key, text) in given.sorted(by: { $0.key < $1.key }) {
            guard let field = config[key] else {
                let known = config.keys.sorted()
                let mend = Nearest.name(to: key, among: known).map { "did you mean \($0)?" }
                let list = known.isEmpty ? "the script has no settings" : "it has: \(known.joined(separator: ", "))"
                mistakes.append("\(place(key)) is no setting of the script; \(mend ?? list)")
                continue
            }
            switch field.value(of: text) {
            case .success(let value): values[key] = value
            case .failure(let expected): mistakes.append("\(place(key)) is \"\(text)\"; write \(expected.words)")
            }
        }
        for (key, field) in config.sorted(by: { $0.key < $1.key }) where given[key] == nil {
            if let fallback = field.fallback {
                values[key] = fallback
            } else {
                mistakes.append("\(place(key)) is missing and has no default; write \(field.expected)")
            }
        }
        guard mistakes.isEmpty else {
            throw HostError(.failedPrecondition, .plugin, mistakes.joined(separator: "\n"))
        }
        return values
    }

    private func place(_ key: String) -> String { "backends.\(name).config.\(key)" }
}

extension PluginDescriptor.ConfigField {
    /// What would be right instead.
    struct Expected: Error { let words: String }

    /// What may be written.
    var expected: String {
        if !oneOf.isEmpty {
            return "one of " + oneOf.map(Self.literal).joined(separator: ", ")
        }
        switch type {
        case "boolean": return "true or false"
        case "integer":
            switch (least, greatest) {
            case (let least?, let greatest?): return "a whole number from \(least) to \(greatest)"
            case (let least?, nil): return "a whole number of at least \(least)"
            case (nil, let greatest?): return "a whole number of at most \(greatest)"
            case (nil, nil): return "a whole number"
            }
        case "secret": return "the absolute path of a file that holds the secret"
        default: return "a text"
        }
    }

    private static func literal(_ value: PluginValue) -> String {
        switch value {
        case .text(let text): "\"\(text)\""
        case .integer(let number): "\(number)"
        case .boolean(let flag): "\(flag)"
        default: ""
        }
    }

    /// The value that a text means.
    func value(of text: String) -> Result<PluginValue, Expected> {
        let value: PluginValue?
        switch type {
        case "boolean": value = text == "true" ? .boolean(true) : text == "false" ? .boolean(false) : nil
        case "integer":
            value = Int64(text).flatMap { number in
                number < least ?? .min || number > greatest ?? .max ? nil : .integer(number)
            }
        // Lua is given the path alone; programs in the tool room find the file there.
        case "secret":
            let parts = text.split(separator: "/", omittingEmptySubsequences: false)
            let isPath = text.hasPrefix("/") && !parts.contains("..") && !text.hasSuffix("/") && text.utf8.count < 4096
            value = isPath ? .text(text) : nil
        default: value = .text(text)
        }
        guard let value, oneOf.isEmpty || oneOf.contains(value) else { return .failure(Expected(words: expected)) }
        return .success(value)
    }
}
