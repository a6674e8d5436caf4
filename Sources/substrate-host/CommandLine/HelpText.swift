/// The text of `--help`, made from the command table.
enum HelpText {
    /// `substrate-host --help`.
    static let overview = """
        Runs agent workloads on one machine: speaks the atelet contract, isolates by a backend script in Lua.

        Usage: \(Program.name) COMMAND [options]
               \(Program.name) --backend=NAME [options]     (the same as serve)

        Commands:
        \(columns(CommandTable.commands.map { ($0.name, $0.summary) }))

        Try it:
        \(columns([
            ("\(Program.name) doctor", "what this machine can do"),
            ("\(Program.name) demo", "one actor, from Run to Restore"),
            ("\(Program.name) COMMAND --help", "what a command does, with examples"),
        ]))

        \(exitCodes)

        """

    /// `substrate-host COMMAND --help`.
    static func of(_ command: Command) -> String {
        var parts = ["Usage: \(command.synopsis)", command.discussion]
        let options = command.options.map { (spelling($0), $0.summary) } + [("-h, --help", "print this")]
        parts.append("Options:\n" + columns(options, widest: 32))
        if !command.examples.isEmpty {
            parts.append("Examples:\n" + columns(command.examples.map { ("\(Program.name) \($0.line)", $0.does) }))
        }
        parts.append(exitCodes)
        return parts.joined(separator: "\n\n") + "\n"
    }

    private static let exitCodes =
        "Exit codes:\n" + columns(ExitCode.allCases.map { ("\($0.rawValue)", $0.summary) })

    private static func spelling(_ option: CommandOption) -> String {
        let long = option.placeholder.map { "--\(option.name) \($0)" } ?? "--\(option.name)"
        return option.short.map { "-\($0), \(long)" } ?? long
    }

    /// Two columns; what is wider than the widest has its text on the line below.
    private static func columns(_ rows: [(String, String)], widest: Int = .max) -> String {
        let width = rows.map { $0.0.count }.filter { $0 <= widest }.max() ?? 0
        return rows.map { name, text in
            let gap = String(repeating: " ", count: max(0, width - name.count) + 2)
            return name.count <= widest
                ? "  \(name)\(gap)\(text)" : "  \(name)\n\(String(repeating: " ", count: width + 4))\(text)"
        }.joined(separator: "\n")
    }
}
