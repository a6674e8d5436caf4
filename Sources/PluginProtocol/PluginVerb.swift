/// The verbs of a backend by their names in scripts.
public enum PluginVerb {
    /// One verb as data.
    public struct Row: Sendable, Equatable {
        /// Its name.
        public let name: String
        /// One sentence.
        public let summary: String
        /// Whether a backend must have it.
        public let isRequired: Bool
        /// The table that it gets first: `Actor` or `Slot`.
        public let subject: String
        /// What it is asked.
        public let request: PluginTable
        /// What it may answer with `ok`.
        public let result: PluginTable
        /// What happens without it.
        public let absent: String

        init(
            _ name: String,
            _ summary: String,
            required: Bool = false,
            subject: String = "Actor",
            request: [PluginField],
            result: [PluginField] = [],
            absent: String = ""
        ) {
            let title = name.prefix(1).uppercased() + name.dropFirst()
            self.name = name
            self.summary = summary
            isRequired = required
            self.subject = subject
            self.request = PluginTable("\(title)Request", "What `\(name)` is asked.", request)
            self.result = PluginTable("\(title)Result", "What `\(name)` may answer with \"ok\".", result)
            self.absent = absent
        }
    }

    /// All of them, those that a backend must have first.
    public static let all = rows.map(\.name)

    /// The row of that name.
    public static func row(_ name: String) -> Row? { rows.first { $0.name == name } }

    /// All but these.
    static func allBut(_ names: String...) -> [String] { all.filter { !names.contains($0) } }

    private static let timeout = PluginField("timeout_ms", .count, "what the verb has, in milliseconds")
    private static let grace = PluginField("grace_ms", .count, "between TERM and KILL")
    private static let state = PluginField(
        "state",
        .plain(64 << 10),
        optional: true,
        "plain data of at most 64 KiB that every later verb gets as actor.state"
    )
    private static let started = [
        state,
        PluginField(
            "address",
            .address,
            optional: true,
            "where the actor is; with network = \"backend\", and only there"
        ),
    ]
    private static let nothing = "refused by name before anything changes"

    /// Every verb of api 1.
    public static let rows: [Row] = [
        Row("run", "Starts the actor in an empty slot.", required: true, request: [timeout], result: started),
        Row("stop", "Ends the actor's programs.", required: true, request: [grace, timeout]),
        Row(
            "checkpoint",
            "Saves the actor and ends it; the host saves the durable volumes after it.",
            request: [
                PluginField("scope", .words(["full", "data"]), "what to save"), grace, timeout,
                PluginField("snapshot", .table("CheckpointSnapshot"), optional: true, "where to"),
                PluginField(
                    "may_hold",
                    .boolean,
                    optional: true,
                    "whether the programs may be kept frozen until a restore of this snapshot"
                ),
            ],
            result: [
                PluginField("volumes_saved", .boolean, optional: true, "the volumes are in my files"),
                PluginField(
                    "held",
                    .boolean,
                    optional: true,
                    "the programs still run; refused unless request.may_hold"
                ),
            ],
            absent: nothing
        ),
        Row(
            "restore",
            "Starts the actor from a snapshot in an empty slot.",
            request: [
                PluginField("scope", .words(["full", "data"]), "what to restore"), timeout,
                PluginField("snapshot", .table("RestoreSnapshot"), optional: true, "where from"),
                PluginField(
                    "own_volumes",
                    .boolean,
                    optional: true,
                    "the volumes are the actor's own, not this snapshot's; with data_on_golden, and only there"
                ),
            ],
            result: started,
            absent: nothing
        ),
        Row(
            "prepare",
            "Makes ahead of need what does not depend on the actor.",
            subject: "Slot",
            request: [timeout],
            result: [
                PluginField(
                    "prepared",
                    .plain(64 << 10),
                    optional: true,
                    "plain data for run and restore: actor.prepared"
                )
            ],
            absent: "the slot is never warm"
        ),
        Row(
            "recover",
            "Says after a restart of the host whether the actor lives: ok, not_running, or anything else to be asked again.",
            request: [timeout],
            result: [state],
            absent: "the host's own: pid and start time"
        ),
        Row(
            "exec",
            "Starts a program beside the actor's.",
            request: [
                timeout, PluginField("container", .string, "the container"),
                PluginField("command", .list(.string), "the program and its arguments"),
                PluginField("tty", .boolean, optional: true, "whether a terminal is asked for"),
                PluginField("env", .map(.string), optional: true, "its environment"),
            ],
            result: [PluginField("process", .process, "started with stdio = \"client\"")],
            absent: nothing
        ),
        Row(
            "stats",
            "Says what the actor uses.",
            request: [timeout],
            result: [
                PluginField("memory_bytes", .count, "memory"), PluginField("cpu_ns", .count, "processor time"),
                PluginField("pids", .count, "processes"),
            ],
            absent: "the host's own: the cgroup's figures"
        ),
        Row(
            "probe",
            "Says what its tools and assets can do here; asked once for each of them.",
            subject: "Slot",
            request: [timeout],
            result: [
                PluginField("probed", .plain(16 << 10), optional: true, "plain data for every verb: actor.probed"),
                PluginField(
                    "valid_ms",
                    .integer(1...Int64.max),
                    optional: true,
                    "how long that holds; else until something changes"
                ),
                PluginField("without", .map(.string), optional: true, "scope, verb or limit → why it is not to be had"),
            ],
            absent: "everything that is declared is taken to be there"
        ),
    ]
}
