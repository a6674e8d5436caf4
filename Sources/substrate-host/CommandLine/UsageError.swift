/// A command line that cannot be obeyed: what is wrong, and what to write instead.
struct UsageError: Error, Equatable, Sendable {
    /// One or more lines for standard error.
    let text: String
    /// How to exit.
    let exitCode: ExitCode

    /// Makes one.
    ///
    /// - Parameters:
    ///   - text: what is wrong.
    ///   - command: the command whose `--help` shows more; nil for the program's own.
    init(_ text: String, command: String? = nil) {
        let help = command.map { "\(Program.name) \($0) --help" } ?? "\(Program.name) --help"
        self.text = "\(Program.name): \(text)\nTry: \(help)"
        exitCode = .usage
    }

    /// A configuration that cannot be obeyed.
    ///
    /// - Parameter lines: every mistake, each with file and line.
    init(configuration lines: [String]) {
        text = (lines + ["Try: \(Program.name) config --help"]).joined(separator: "\n")
        exitCode = .usage
    }

    /// The answer to `--backend=NAME` when there is no plugin of that name.
    ///
    /// - Parameters:
    ///   - name: as written.
    ///   - available: the names that can be served, sorted.
    ///   - skipped: what was not looked into, in words: it may have been there.
    /// - Returns: an error that lists them.
    static func unknownBackend(_ name: String, available: [String], skipped: [String] = []) -> UsageError {
        let list = available.isEmpty ? "(none)" : available.joined(separator: ", ")
        let notices = skipped.map { "\n  notice: \($0)" }.joined()
        return UsageError("unknown backend \"\(name)\"; available: \(list)\(notices)", command: "serve")
    }
}
