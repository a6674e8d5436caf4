/// What a host function takes.
public enum ArgumentShape: Sendable, Equatable {
    /// One table with these fields; it arrives at the host as a map.
    case record([ArgumentField])
    /// Arguments by position; they arrive at the host as a map under these names.
    case positions([ArgumentField])

    /// The fields, whichever the style.
    public var fields: [ArgumentField] {
        switch self {
        case .record(let fields), .positions(let fields): fields
        }
    }
}

/// One argument.
public struct ArgumentField: Sendable, Equatable {
    /// Its name, in Lua and in the frame.
    public let name: String
    /// What it may be.
    public let kind: ArgumentKind
    /// Whether nil is a mistake.
    public let required: Bool
    /// What an absent one means; the host fills it in.
    public let fallback: PluginValue?
    /// A few words.
    public let summary: String

    /// An argument that cannot be left out.
    public static func required(_ name: String, _ kind: ArgumentKind, _ summary: String) -> ArgumentField {
        ArgumentField(name: name, kind: kind, required: true, fallback: nil, summary: summary)
    }

    /// An argument that can.
    public static func optional(
        _ name: String,
        _ kind: ArgumentKind,
        default fallback: PluginValue? = nil,
        _ summary: String
    ) -> ArgumentField {
        ArgumentField(name: name, kind: kind, required: false, fallback: fallback, summary: summary)
    }
}

/// What an argument may be.
public indirect enum ArgumentKind: Sendable, Equatable {
    /// Valid UTF-8 without NUL.
    case text
    /// Any bytes, at most so many.
    case bytes(Int)
    /// An absolute path.
    case path
    /// The path of an asset or a tool of this actor.
    case program
    /// One of these texts.
    case oneOf([String])
    /// An integer in that range; a float is none.
    case integer(ClosedRange<Int64>)
    /// True or false.
    case boolean
    /// Elements of one kind.
    case list(ArgumentKind)
    /// Text keys, text values.
    case map
    /// A command line: nested lists are flattened and `false` skipped before it leaves the supervisor.
    case arguments
    /// One process handle.
    case process
    /// A process handle, a list or a map of them.
    case processes
    /// One asset handle.
    case asset
    /// The first of these that fits; of none, whatever it is.
    case either([ArgumentKind])
    /// A table with these fields alone.
    case record([ArgumentField])
}

/// What a host function answers after its status.
public enum AnswerShape: Sendable, Equatable {
    /// The status alone.
    case nothing
    /// A process handle.
    case process
    /// An asset handle, and how many bytes it has.
    case asset
    /// One value.
    case one(AnswerField)
    /// How a program ended: `code, signal, stdout, stderr, ms, truncated`.
    case program
    /// A list of such tables.
    case programs
    /// A table with these fields.
    case record([AnswerField])
    /// One value and no status: a function that cannot fail.
    case value(AnswerField)

    /// Whether it answers no status.
    public var isInfallible: Bool {
        if case .value = self { true } else { false }
    }

    /// The fields of the table, where it is one.
    public var fields: [AnswerField] {
        switch self {
        case .nothing, .process, .programs, .asset: []
        case .program: Self.programFields
        case .record(let fields): fields
        case .value(let field), .one(let field): [field]
        }
    }

    /// How a program ended.
    public static let programFields = [
        AnswerField("code", .integer(0...255), "its exit code; absent when a signal ended it"),
        AnswerField("signal", .integer(1...64), "the signal that ended it"),
        AnswerField("stdout", .bytes(1 << 20), "what it printed; 1 MiB is kept"),
        AnswerField("stderr", .bytes(1 << 20), "what it complained of; 1 MiB is kept"),
        AnswerField("ms", .integer(0...Int64.max), "how long it ran"),
        AnswerField("truncated", .boolean, "whether some of its output was dropped"),
    ]
}

/// One field of an answer.
public struct AnswerField: Sendable, Equatable {
    /// Its name in Lua.
    public let name: String
    /// What it is.
    public let kind: ArgumentKind
    /// A few words.
    public let summary: String
    init(_ name: String, _ kind: ArgumentKind, _ summary: String) {
        self.name = name
        self.kind = kind
        self.summary = summary
    }
}

extension AnswerShape {
    /// Whether these are the values that follow `ok`: their number and their kinds.
    public func fits(_ values: [PluginValue]) -> Bool {
        switch self {
        case .nothing: values.isEmpty
        case .process: if values.count == 1, case .handle = values[0] { true } else { false }
        case .asset:
            if values.count == 2, case .handle(let handle) = values[0], case .integer = values[1] {
                handle.isAsset
            } else {
                false
            }
        case .programs: if values.count == 1, case .list = values[0] { true } else { false }
        case .program, .record: if values.count == 1, case .map(let pairs) = values[0] { fits(pairs) } else { false }
        case .value(let field), .one(let field): values.count == 1 && field.kind.fits(values[0])
        }
    }

    private func fits(_ pairs: [String: PluginValue]) -> Bool {
        pairs.allSatisfy { pair in fields.contains { $0.name == pair.key && $0.kind.fits(pair.value) } }
    }
}

extension ArgumentKind {
    fileprivate func fits(_ value: PluginValue) -> Bool {
        switch (self, value) {
        case (.text, .text), (.bytes, .text), (.bytes, .bytes), (.boolean, .boolean): true
        case (.integer(let range), .integer(let number)): range.contains(number)
        default: false
        }
    }

    fileprivate var takesProgram: Bool {
        if case .program = self { true } else { false }
    }
}

extension HostFunction {
    /// Whether one of its arguments is the path of an asset or a tool.
    public var takesProgram: Bool { arguments.fields.contains { $0.kind.takesProgram } }
}
