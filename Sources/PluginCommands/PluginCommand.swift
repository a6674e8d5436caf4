/// One subcommand of `substrate-host plugin`, as data: for the parser, the help, the pages and the completions.
///
/// The host reads it to complete and to list; what the commands do is in another program.
public struct PluginCommand: Sendable {
    /// One option.
    public struct Option: Sendable {
        /// The long name without dashes.
        public let name: String
        /// What stands for the value; empty for a switch.
        public let placeholder: String
        /// Whether it may be given more than once.
        public let repeats: Bool
        /// One line.
        public let summary: String

        init(_ name: String, _ summary: String) { self.init(name, "", summary) }

        init(_ name: String, _ placeholder: String, repeats: Bool = false, _ summary: String) {
            self.name = name
            self.placeholder = placeholder
            self.repeats = repeats
            self.summary = summary
        }
    }

    /// The word after `plugin`.
    public let name: String
    /// One line for the overview.
    public let summary: String
    /// A paragraph for `--help`, already wrapped.
    public let discussion: String
    /// What stands after the options, such as `PATH`; in brackets where it can be left out.
    public let operands: [String]
    /// What it understands besides `--help` and `--json`.
    public let options: [Option]
    /// Lines to try, each with what it does.
    public let examples: [(line: String, does: String)]

    /// How every line begins.
    public static let program = "substrate-host plugin"

    /// `substrate-host plugin check PATH [options]`.
    public var synopsis: String { ([Self.program, name] + operands + ["[options]"]).joined(separator: " ") }

    /// The text of `--help`.
    public var help: String {
        var parts = ["Usage: \(synopsis)", discussion]
        let options =
            options.map { ("--\($0.name)\($0.placeholder.isEmpty ? "" : " \($0.placeholder)")", $0.summary) }
            + [("--json", "print JSON for programs instead of text for people"), ("-h, --help", "print this")]
        parts.append("Options:\n" + Self.columns(options))
        parts.append("Examples:\n" + Self.columns(examples.map { ("\(Self.program) \($0.line)", $0.does) }))
        parts.append(Self.exitCodes)
        return parts.joined(separator: "\n\n") + "\n"
    }

    /// The text of `plugin --help`.
    public static let overview = """
        Makes, checks, tests and tries backends: scripts in Lua that say how actors are isolated.

        Usage: \(program) COMMAND [options]

        Commands:
        \(columns(all.map { ($0.name, $0.summary) }))

        Begin here:
        \(columns([
            ("\(program) new mine", "a backend that runs, with a test"),
            ("\(program) test mine", "without root and without a runtime"),
            ("\(program) watch mine", "checks and tests whenever a file is saved"),
            ("\(program) doc", "every host function, field and verb"),
        ]))

        \(exitCodes)

        """

    static let exitCodes = """
        Exit codes:
          0  good
          1  the plugin is wrong, or its tests fail
          2  it could not be tried: a wrong command line, no such file, something that this machine lacks
        """

    static func columns(_ rows: [(String, String)]) -> String {
        let width = rows.map { $0.0.count }.max() ?? 0
        return rows.map { "  \($0)\(String(repeating: " ", count: width - $0.count))  \($1)" }.joined(separator: "\n")
    }
}
