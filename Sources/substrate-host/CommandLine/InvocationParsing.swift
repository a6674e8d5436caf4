extension Invocation {
    /// Understands a command line.
    ///
    /// - Parameters:
    ///   - arguments: as the process got them, the program's name first.
    ///   - environment: what the defaults depend on.
    /// - Returns: what to do.
    /// - Throws: what is wrong, with the exit code.
    static func parse(
        _ arguments: [String],
        environment: Environment = .current
    ) throws(UsageError) -> Invocation {
        let words = arguments.dropFirst()
        guard let first = words.first else { return .print(HelpText.overview) }
        switch first {
        case "--help", "-h": return .print(HelpText.overview)
        case "--version": return .print("\(Program.name) \(Program.version)\n")
        case "help":
            guard let name = words.dropFirst().first else { return .print(HelpText.overview) }
            return .print(HelpText.of(try command(name)))
        case "plugin" where !["--help", "-h", nil].contains(words.dropFirst().first):
            // Another program reads them.
            return .plugin(Array(words.dropFirst()))
        default: break
        }
        // `substrate-host --backend=NAME` serves.
        let isServe = first.hasPrefix("-")
        let command = try isServe ? command("serve") : command(first)
        let parsed = try ParsedArguments(isServe ? words : words.dropFirst(), for: command)
        if parsed.wantsHelp { return .print(HelpText.of(command)) }
        return try CommandReader(command: command.name, parsed: parsed, environment: environment).invocation()
    }

    private static func command(_ name: String) throws(UsageError) -> Command {
        if let command = CommandTable.command(name) { return command }
        let near = nearestName(to: name, among: CommandTable.commands.map(\.name))
        throw UsageError("unknown command \"\(name)\"" + (near.map { "; did you mean \"\($0)\"?" } ?? ""))
    }
}
