/// The words of one command line, sorted by what they are.
struct ParsedArguments: Equatable {
    /// The values of each option by its long name, in order; a switch has one empty value.
    private(set) var values: [String: [String]] = [:]
    /// What is no option, in order.
    private(set) var operands: [String] = []
    /// Whether `--help` or `-h` was among them.
    private(set) var wantsHelp = false

    /// Whether a switch or option was given.
    func has(_ name: String) -> Bool { values[name] != nil }
    /// The value of an option that does not repeat.
    func value(_ name: String) -> String? { values[name]?.first }
    /// All values of an option that repeats.
    func list(_ name: String) -> [String] { values[name] ?? [] }

    /// Takes values for an option that the command line does not have.
    mutating func adopt(_ name: String, _ texts: [String]) { if values[name] == nil { values[name] = texts } }

    /// Sorts the words that follow a command's name.
    ///
    /// - Parameters:
    ///   - words: without the program's and the command's name.
    ///   - command: decides which options there are and which take a value.
    /// - Throws: for an unknown, doubled or valueless option, and for operands too few or too many.
    init(_ words: ArraySlice<String>, for command: Command) throws(UsageError) {
        var rest = words
        while let word = rest.popFirst() {
            if word == "--" {
                operands += rest
                rest = []
                break
            } else if word.hasPrefix("--") {
                try parseLong(word.dropFirst(2), rest: &rest, command: command)
            } else if word.hasPrefix("-"), word.count > 1 {
                for letter in word.dropFirst() { try parseShort(letter, in: word, command: command) }
            } else {
                operands.append(word)
                // What follows the first of a command's words is that command's.
                if command.takesRest, operands.count >= command.operands.count { break }
            }
        }
        if command.takesRest { operands += rest }
        if wantsHelp { return }
        guard operands.count >= command.operands.count else {
            throw UsageError("\(command.name) needs \(command.operands[operands.count])", command: command.name)
        }
        let most = command.operands.count + command.optionalOperands.count
        guard operands.count <= most || command.takesRest else {
            throw UsageError(
                "\(command.name) does not understand \"\(operands[most])\"",
                command: command.name
            )
        }
    }

    private mutating func parseLong(
        _ word: Substring,
        rest: inout ArraySlice<String>,
        command: Command
    ) throws(UsageError) {
        let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        let name = String(parts[0])
        let given = parts.count == 2 ? String(parts[1]) : nil
        if name == "help", given == nil {
            wantsHelp = true
            return
        }
        guard let option = command.option(name) else {
            throw UsageError(
                "\(command.name): unknown option \"--\(name)\"" + suggestion("--", name, command),
                command: command.name
            )
        }
        guard option.repeats || values[name] == nil else {
            throw UsageError("\(command.name): --\(name) is given twice", command: command.name)
        }
        guard let placeholder = option.placeholder else {
            guard given == nil else {
                throw UsageError("\(command.name): --\(name) takes no value", command: command.name)
            }
            values[name] = [""]
            return
        }
        guard let value = given ?? Self.takeValue(&rest), !value.isEmpty else {
            throw UsageError(
                "\(command.name): --\(name) needs a value: --\(name)=\(placeholder)",
                command: command.name
            )
        }
        values[name, default: []].append(value)
    }

    /// The next word, unless it is the next option: `--slot --json` forgot a value.
    private static func takeValue(_ rest: inout ArraySlice<String>) -> String? {
        guard let next = rest.first, !next.hasPrefix("--") else { return nil }
        return rest.popFirst()
    }

    private mutating func parseShort(_ letter: Character, in word: String, command: Command) throws(UsageError) {
        if letter == "h" {
            wantsHelp = true
            return
        }
        // No short option takes a value, so letters can be joined.
        guard let option = command.options.first(where: { $0.short == letter }) else {
            throw UsageError(
                "\(command.name): unknown option \"\(word)\""
                    + suggestion("--", String(word.drop { $0 == "-" }), command),
                command: command.name
            )
        }
        values[option.name] = [""]
    }

    private func suggestion(_ dashes: String, _ name: String, _ command: Command) -> String {
        guard let near = nearestName(to: name, among: command.options.map(\.name) + ["help"]) else { return "" }
        return "; did you mean \"\(dashes)\(near)\"?"
    }
}
