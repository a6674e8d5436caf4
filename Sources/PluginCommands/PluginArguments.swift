/// The words after a subcommand, sorted by what they are.
public struct PluginArguments: Sendable {
    /// A command line that cannot be obeyed.
    public struct Mistake: Error, Sendable {
        /// What is wrong and what to write instead.
        public let text: String
        /// Makes one.
        public init(_ text: String) { self.text = text }
    }

    /// What is no option, in order.
    public private(set) var operands: [String] = []
    /// Whether `--help` was among them.
    public private(set) var wantsHelp = false
    private var values: [String: [String]] = [:]

    /// Whether a switch or an option was given.
    public func has(_ name: String) -> Bool { values[name] != nil }
    /// The value of an option.
    public func value(_ name: String) -> String? { values[name]?.last }
    /// All values of an option that repeats.
    public func list(_ name: String) -> [String] { values[name] ?? [] }
    /// The values of an option of the form `NAME=VALUE`, in order.
    ///
    /// - Throws: for one of another form.
    public func pairs(_ name: String) throws(Mistake) -> [(name: String, value: String)] {
        var pairs: [(name: String, value: String)] = []
        for text in list(name) {
            guard let equals = text.firstIndex(of: "="), equals > text.startIndex else {
                throw Mistake("--\(name) \"\(text)\" is not NAME=VALUE")
            }
            pairs.append((String(text[..<equals]), String(text[text.index(after: equals)...])))
        }
        return pairs
    }

    /// Whether to print JSON.
    public var json: Bool { has("json") }

    /// Sorts the words.
    ///
    /// - Parameters:
    ///   - words: what follows the subcommand's name.
    ///   - command: decides which options there are.
    ///   - nearest: finds the name that was meant.
    /// - Throws: for an unknown or valueless option, and for operands too few or too many.
    public init(
        _ words: ArraySlice<String>,
        for command: PluginCommand,
        nearest: (String, [String]) -> String?
    ) throws(Mistake) {
        var rest = words
        let options = command.options + [PluginCommand.Option("json", "")]
        while let word = rest.popFirst() {
            if word == "--help" || word == "-h" {
                wantsHelp = true
                continue
            }
            guard word.hasPrefix("-"), word.count > 1 else {
                operands.append(word)
                continue
            }
            let parts = word.drop { $0 == "-" }.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let name = String(parts[0])
            guard let option = options.first(where: { $0.name == name }) else {
                let near = nearest(name, options.map(\.name)).map { "; did you mean --\($0)?" } ?? ""
                throw Mistake("\(command.name): unknown option \"\(word)\"\(near)")
            }
            if option.placeholder.isEmpty {
                guard parts.count == 1 else { throw Mistake("\(command.name): --\(name) takes no value") }
                values[name] = [""]
            } else {
                let given = parts.count == 2 ? String(parts[1]) : rest.popFirst()
                guard let given, !given.isEmpty else {
                    throw Mistake("\(command.name): --\(name) needs a value: --\(name) \(option.placeholder)")
                }
                values[name, default: []].append(given)
            }
        }
        if wantsHelp { return }
        let required = command.operands.filter { !$0.hasPrefix("[") }.count
        guard operands.count >= required else {
            throw Mistake("\(command.name) needs \(command.operands[operands.count])")
        }
        guard operands.count <= command.operands.count else {
            throw Mistake("\(command.name) does not understand \"\(operands[command.operands.count])\"")
        }
    }
}
