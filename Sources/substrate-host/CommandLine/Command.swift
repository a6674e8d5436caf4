/// One option of a command, as data for the parser, the help and the completions.
struct CommandOption: Sendable {
    /// What completes a value.
    enum Value: Sendable {
        case words([String])
        case directory
        case free
    }

    /// The long name without dashes.
    let name: String
    /// The short name without its dash, if there is one.
    let short: Character?
    /// What stands for the value in the help; nil for a switch.
    let placeholder: String?
    /// Whether it may be given more than once.
    let repeats: Bool
    /// One line for the help.
    let summary: String
    /// How a shell completes the value.
    let value: Value

    /// An option that takes a value.
    static func value(
        _ name: String,
        _ placeholder: String,
        _ summary: String,
        repeats: Bool = false,
        completes value: Value = .free
    ) -> CommandOption {
        CommandOption(
            name: name,
            short: nil,
            placeholder: placeholder,
            repeats: repeats,
            summary: summary,
            value: value
        )
    }

    /// An option that is there or not.
    static func flag(_ name: String, short: Character? = nil, _ summary: String) -> CommandOption {
        CommandOption(name: name, short: short, placeholder: nil, repeats: false, summary: summary, value: .free)
    }
}

/// One command, as data for the parser, the help and the completions.
struct Command: Sendable {
    /// The word on the command line.
    let name: String
    /// One line for the overview.
    let summary: String
    /// A paragraph or two for `--help`, already wrapped.
    let discussion: String
    /// What stands after the options, such as `ACTOR`; all are required.
    let operands: [String]
    /// What it understands besides `--help`.
    let options: [CommandOption]
    /// Lines to try, each with what it does.
    let examples: [(line: String, does: String)]
    /// What may stand after the operands, such as `FILE`.
    var optionalOperands: [String] = []
    /// What the first operand may be, for the completions; empty where it is free.
    var words: [String] = []
    /// Whether the last operand takes all words that are left, whatever they look like.
    var takesRest = false

    /// The option of that long name.
    func option(_ name: String) -> CommandOption? { options.first { $0.name == name } }

    /// `substrate-host run FILE [options]`.
    var synopsis: String {
        ([Program.name, name] + operands + optionalOperands.map { "[\($0)]" } + (options.isEmpty ? [] : ["[options]"]))
            .joined(separator: " ")
    }
}
