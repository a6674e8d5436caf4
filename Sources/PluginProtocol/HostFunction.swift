/// One row of the table of host functions: a signature as data, so that host and supervisor cannot drift.
public struct HostFunction: Sendable, Equatable {
    /// What a script's operator must have granted.
    public enum Grant: String, Sendable, CaseIterable {
        case workload, bundle, asset, tool
    }
    /// `module.function`.
    public let name: String
    /// Part of `name@version`.
    public let version: Int
    /// One sentence.
    public let summary: String
    /// Nil: needs none.
    public let grant: Grant?
    /// The verbs in which it may be called.
    public let verbs: Set<String>
    /// What it takes.
    public let arguments: ArgumentShape
    /// The statuses it may answer, beside `timeout`, `cancelled` and `io_error`.
    public let failures: [String]
    /// The first api that has it.
    public let since: Int

    /// `name@version`, as call frames carry it.
    public var versionedName: String { "\(name)@\(version)" }

    /// Every function of api 1 that this host serves.
    public static let table: [HostFunction] = [
        HostFunction(
            name: "workload.start",
            version: 1,
            summary: "Starts a container of the actor as a confined process.",
            grant: .workload,
            verbs: ["run", "restore"],
            arguments: .record([
                ArgumentField("container", .text, required: true),
                ArgumentField(
                    "confine",
                    .record([
                        ArgumentField("namespaces", .list(.text)),
                        ArgumentField("root", .oneOf(["overlay", "read-only"])),
                        ArgumentField("seccomp", .text),
                    ])
                ),
            ]),
            failures: ["already_running", "not_found", "unsupported", "storage_full", "busy"],
            since: 1
        ),
        HostFunction(
            name: "workload.enter",
            version: 1,
            summary: "Starts a program inside a container that runs.",
            grant: .workload,
            verbs: ["exec"],
            arguments: .record([
                ArgumentField("container", .text, required: true),
                ArgumentField("command", .arguments, required: true),
                ArgumentField("env", .map),
                ArgumentField("stdio", .oneOf(["client"])),
            ]),
            failures: ["not_running", "not_found", "unsupported"],
            since: 1
        ),
        HostFunction(
            name: "process.stop",
            version: 1,
            summary: "Ends programs: TERM, and KILL after the grace.",
            grant: nil,
            verbs: ["stop", "checkpoint", "restore"],
            arguments: .positions([
                ArgumentField("process", .processes, required: true),
                ArgumentField("grace_ms", .integer(0...86_400_000)),
            ]),
            failures: ["timeout"],
            since: 1
        ),
    ]

    /// The row of that name.
    ///
    /// - Parameter name: with or without `@version`.
    /// - Returns: nil when there is none.
    public static func named(_ name: String) -> HostFunction? {
        table.first { $0.name == name || $0.versionedName == name }
    }
}

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
    /// Makes one.
    public init(_ name: String, _ kind: ArgumentKind, required: Bool = false) {
        self.name = name
        self.kind = kind
        self.required = required
    }
}

/// What an argument may be.
public indirect enum ArgumentKind: Sendable, Equatable {
    /// Valid UTF-8 without NUL.
    case text
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
    /// A process handle, a list or a map of them.
    case processes
    /// A table with these fields alone.
    case record([ArgumentField])
}
