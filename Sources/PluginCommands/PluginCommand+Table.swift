extension PluginCommand {
    /// All of them, in the order of the overview.
    public static let all: [PluginCommand] = [new, check, test, run, watch, doc, conformance, types]

    /// The command of that name.
    public static func named(_ name: String) -> PluginCommand? { all.first { $0.name == name } }

    private static let pathWords =
        "PATH is a file (mine.lua), a folder (with backend.lua) or the name of a served backend."
    private static let overlay = Option(
        "overlay",
        "DIR",
        repeats: true,
        "where names are looked up beside the shipped ones"
    )
    private static let grant = Option(
        "grant",
        "GRANT",
        repeats: true,
        "what the operator would give: tool:NAME=PATH, device:NAME=PATH, socket:PATH, asset, host-network, restore"
    )

    private static let config = Option(
        "config",
        "NAME=VALUE",
        repeats: true,
        "a setting of the script, as in backends.NAME.config of substrate.yaml"
    )

    private static let new = PluginCommand(
        name: "new",
        summary: "write a backend that runs, with a test",
        discussion: """
            Writes NAME/backend.lua, NAME/backend_test.lua, NAME/.luarc.json (completion in editors with
            lua-language-server) and NAME/README.md with the next commands.
            """,
        operands: ["NAME"],
        options: [
            Option("force", "replace the files that are there"),
            Option("shadow", "allow the name of a shipped backend, which yours then shadows"),
            Option("only-tests", "write NAME/backend_test.lua alone"),
        ],
        examples: [("new mine", "in ./mine"), ("new process --shadow", "your own in place of the shipped one")]
    )

    private static let check = PluginCommand(
        name: "check",
        summary: "load a backend as the host would, and say what it is and what is wrong",
        discussion: """
            Loads the script in the real supervisor, without root too, and prints its verbs, needs, grants and warnings.
            \(pathWords)
            """,
        operands: ["PATH"],
        options: [
            Option("fix", "add to needs what the script calls and needs does not list"),
            Option("all", "print every mistake, not only the first"), grant, overlay,
        ],
        examples: [
            ("check mine", "the folder ./mine"), ("check process", "a shipped one"),
            ("check mine --grant tool:bwrap=/usr/bin/bwrap", "as an operator who grants that"),
        ]
    )

    private static let test = PluginCommand(
        name: "test",
        summary: "run a backend's tests, without root and without a runtime",
        discussion: """
            Runs every *_test.lua beside the script in the real supervisor and broker; programs are rules, files are in
            memory and the clock moves only when someone waits.
            \(pathWords)
            """,
        operands: ["PATH"],
        options: [
            Option("only", "N", "the test of that number alone"), Option("trace", "print every host call"),
            Option("tap", "print TAP"), Option("junit", "FILE", "write JUnit XML to FILE"),
            Option("real", "on this machine's runtimes, as root: a test whose meaning is all in memory is skipped"),
            Option("grant", "GRANT", repeats: true, "with --real, what the operator would give: tool:NAME=PATH"),
            overlay,
        ],
        examples: [
            ("test mine", "all tests"), ("test mine --only 5 --trace", "the fifth, with its calls"),
            ("test bwrap --real --grant tool:bwrap=/usr/bin/bwrap", "with the tool of this machine"),
        ]
    )

    private static let run = PluginCommand(
        name: "run",
        summary: "take a real actor through its life with a backend, on a host of its own",
        discussion: """
            Starts a private host in a new directory, with that backend alone, and drives the verbs of --life.
            Prints each verb's time and host calls, and whatever is left behind. Needs root.
            \(pathWords)
            """,
        operands: ["PATH"],
        options: [
            Option("actor", "FILE", "the actor, in YAML, as for `substrate-host run`"),
            Option("life", "VERBS", "of run, checkpoint, restore, stop, start (default run,checkpoint,restore,stop)"),
            config, grant, overlay,
        ],
        examples: [("run mine --actor examples/counter/actor.yaml --life run,stop", "run and stop")]
    )

    private static let watch = PluginCommand(
        name: "watch",
        summary: "check and test whenever a file is saved",
        discussion:
            "Watches the script's folder, and the lib/ of its overlay, until Ctrl-C; each save prints what it is worth.\n\(pathWords)",
        operands: ["PATH"],
        options: [],
        examples: [("watch mine", "the folder ./mine")]
    )

    private static let doc = PluginCommand(
        name: "doc",
        summary: "a host function, a field, a verb or a backend explained",
        discussion: """
            Without NAME the index. NAME is a host function (process.run), a module (process), a table (actor), a verb
            (run), a field (isolation, actor.network, held) or status; ./PATH is a backend, and says what that one does.
            """,
        operands: ["[NAME]"],
        options: [overlay],
        examples: [("doc", "the index"), ("doc process.run", "one function"), ("doc ./mine", "what that backend does")]
    )

    private static let conformance = PluginCommand(
        name: "conformance",
        summary: "prove a backend against the contract, with every host call failing in turn",
        discussion: """
            Real actors of it live on this machine, as root: they are checkpointed, restored and stopped; every host call
            fails in every way, is slow, and is killed in; and nothing may be left. The report is conformance.json beside
            the script.
            \(pathWords)
            """,
        operands: ["[PATH]"],
        options: [
            Option("report", "FILE", "where the report goes instead"),
            Option("only", "NAME", repeats: true, "one check; the name of a fault runs all faults"),
            Option("list", "every check, with what it shows"),
            Option("at-once", "N", "how many actors live at once (default 8): fewer where each is costly"),
            Option("asset", "NAME=FILE", repeats: true, "a file that requests bring as that asset"),
            Option("image", "oci:DIR:TAG", "the image of examples/counter, when it was built before"),
            config, grant, overlay,
        ],
        examples: [
            ("conformance mine", "the folder ./mine"),
            ("conformance bwrap --grant tool:bwrap=/usr/bin/bwrap", "with a tool of this machine"),
        ]
    )

    private static let types = PluginCommand(
        name: "types",
        summary: "write the types, the reference pages and the linter's settings from the one table",
        discussion: """
            Writes sdk/types/*.lua, sdk/docs/reference/*.md and .luacheckrc below DIR; `make types` runs it, and a test
            compares. With --check nothing is written, and a stale file is a failure.
            """,
        operands: ["DIR"],
        options: [Option("check", "compare instead of writing")],
        examples: [("types .", "in this checkout")]
    )
}
