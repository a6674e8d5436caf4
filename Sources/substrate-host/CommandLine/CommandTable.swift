import ActorLifecycle
import PluginCommands
import Telemetry

/// Every command of the program, in the order of the overview.
enum CommandTable {
    /// All of them.
    static let commands: [Command] = [
        serve, run, actors, get, stats, metrics, checkpoint, restore, start, stop, remove, logs, exec, backends,
        overlays, assets, images, snapshots, config, doctor, plugin, demo, completion,
    ]

    /// The command of that name.
    static func command(_ name: String) -> Command? { commands.first { $0.name == name } }

    static let json = CommandOption.flag("json", "print JSON for programs instead of text for people")
    static let baseDirectory = CommandOption.value(
        "base-dir",
        "DIR",
        "the host's state (default /var/lib/substrate-host; without root $XDG_STATE_HOME/substrate-host)",
        completes: .directory
    )
    private static let connect = CommandOption.value(
        "connect",
        "ADDRESS",
        "the host to talk to, unix:PATH or tcp:HOST:PORT (default unix:BASE-DIR/host.sock)"
    )
    static let pluginOptions: [CommandOption] = [
        .value(
            "overlay",
            "DIR",
            "more backends, in DIR/backends or DIR; later ones shadow earlier ones by name (repeatable)",
            repeats: true,
            completes: .directory
        ),
        .value("plugins-dir", "DIR", "the shipped backends, if not beside the binary", completes: .directory),
        .value(
            "config",
            "FILE",
            "the settings (default $XDG_CONFIG_HOME/substrate-host/substrate.yaml, else /etc/…); options win over it"
        ),
    ]
    private static let grant = CommandOption.value(
        "grant",
        "GRANT",
        "give it tool:NAME=PATH, device:NAME=PATH, socket:PATH, host-network, restore or asset; BACKEND/GRANT: which (repeatable)",
        repeats: true
    )
    private static let client = [connect, baseDirectory, json]
    private static let actorWords =
        "ACTOR is the actor's name when no other has it, else atespace/name or ns:template:name."

    private static func actorCommand(_ name: String, _ summary: String, _ discussion: String) -> Command {
        Command(
            name: name,
            summary: summary,
            discussion: "\(discussion)\n\(actorWords)",
            operands: ["ACTOR"],
            options: client,
            examples: [("\(name) counter", summary)]
        )
    }

    private static let serve = Command(
        name: "serve",
        summary: "serve the atelet contract with a backend",
        discussion: """
            Listens for Run, Checkpoint and Restore and carries them out with the backend script NAME.
            `serve` may be left out: `substrate-host --backend=process` is the same.
            SIGTERM drains: verbs in flight end, actors go on and are found again by the next host.
            """,
        operands: [],
        options: [
            .value("backend", "NAME", "the backend that runs the actors; `substrate-host backends` lists them"),
            baseDirectory,
            .value(
                "listen",
                "ADDRESS",
                "unix:PATH or tcp:HOST:PORT (repeatable; default unix:BASE-DIR/host.sock)",
                repeats: true
            ),
            .flag("insecure-tcp", "allow tcp: without TLS: whoever reaches the port commands the host"),
            .value(
                "contract",
                "DIALECT",
                "june, autumn, or auto to tell by the request (default auto)",
                completes: .words(ContractChoice.allCases.map(\.rawValue))
            ),
            .flag("reflection", "tell generic gRPC clients what is served (of the dialects autumn's, unless june)"),
        ] + pluginOptions + [
            grant,
            .value(
                "asset-root",
                "DIR",
                "file: assets may lie beneath DIR and nowhere else (repeatable)",
                repeats: true,
                completes: .directory
            ),
            assetOrigin, assetBudget, offline, imageAuthFile, localhostReplacement, imageBudget, objectDirectory,
            snapshotFormat,
            keepSnapshots,
            .value(
                "asset-pack",
                "FILE",
                "a pack of assets to take at start, after those of the overlays (repeatable)",
                repeats: true
            ),
            .value(
                "mount",
                "MOUNT",
                "HOST:TARGET or HOST:TARGET:ro: show HOST of this machine at TARGET of every container (repeatable)",
                repeats: true
            ),
            .flag("user-namespace", "give each workload of workload.start a user namespace: its root is nobody here"),
            .value(
                "first-id",
                "N",
                "the first of the 67,108,864 ids of this machine for user namespaces (default \(IDRanges.standardFirst))"
            ),
        ] + egress + [
            .value(
                "trust-bundle",
                "BUNDLE",
                "NAME=PATH: certificates that an actor may ask for, such as egress-mitm.ate.dev=/etc/ca.pem (repeatable)",
                repeats: true
            ),
            .value("slot-capacity", "N", "actors that one slot may hold in autumn (default 0: no limit)"),
            .value(
                "require",
                "NAME",
                "refuse to start, or to run a workload, without NAME: a check of `doctor` or one of `applied` (repeatable)",
                repeats: true
            ),
            .flag("stop-actors", "on SIGTERM stop the actors too"),
            .flag("json", "log JSON lines, on a terminal too"),
            .value(
                "log-level",
                "LEVEL",
                "the least that is logged (default info); debug adds every host call of a script",
                completes: .words(LogLevel.allCases.map(\.rawValue))
            ),
        ],
        examples: [
            ("--backend=process", "serve on unix:/var/lib/substrate-host/host.sock"),
            ("serve --backend=mine --overlay ./site", "with a backend from ./site/backends/mine"),
            ("serve --backend=process --base-dir /tmp/h", "keep everything in /tmp/h"),
        ]
    )

    private static let run = Command(
        name: "run",
        summary: "run an actor described in a YAML file",
        discussion: """
            FILE holds the autumn RunRequest by its field names. What it leaves out is chosen and printed,
            with the address where the actor answers. `-` reads standard input.
            """,
        operands: ["FILE"],
        options: [
            .value(
                "publish",
                "PORT",
                "listen on a loopback port for the actor's PORT; HOSTPORT:PORT chooses which (repeatable)",
                repeats: true
            ),
            .value("slot", "SLOT", "the slot to run on (default: the file's, else a new one)"),
            egressGateway,
        ] + client,
        examples: [("run examples/counter/actor.yaml --publish 8080", "and call it at the printed address")]
    )

    private static let actors = Command(
        name: "actors",
        summary: "list the actors",
        discussion:
            "One line an actor: its slot, its status and why, its process, and the loopback ports that lead to it.",
        operands: [],
        options: client,
        examples: [("actors", "list them"), ("actors --json", "for a program")]
    )

    private static let get = actorCommand(
        "get",
        "show one actor",
        "Prints its status and why, and where it answers. --json prints all: its isolation and who claims it, its snapshots,\nand the phases of its last verb with their times."
    )

    private static let stats = actorCommand(
        "stats",
        "show what one actor uses",
        "Memory, processor time and processes: counted by the kernel, or told by a backend that has `stats`."
    )

    private static let metrics = Command(
        name: "metrics",
        summary: "print what the host has counted",
        discussion: """
            Calls by their outcome, where the time of verbs went (the host's own apart from programs'), actors by
            status: in Prometheus' text format. --json puts the text into one member of an object.
            """,
        operands: [],
        options: client,
        examples: [("metrics", "into a file, for a monitor that reads files")]
    )

    private static let checkpoint = Command(
        name: "checkpoint",
        summary: "save an actor and end it",
        discussion: """
            The actor ends as `paused`; `restore` brings it back. Without options the snapshot is local and as wide
            as the backend can make it; both choices are printed.
            \(actorWords)
            """,
        operands: ["ACTOR"],
        options: [
            .value(
                "scope",
                "SCOPE",
                "full (memory and files) or data (durable volumes; default: full where the backend can here)",
                completes: .words(["full", "data"])
            ),
            .value("name", "NAME", "the local snapshot's name (default: made from the actor's name and the time)"),
        ] + client,
        examples: [("checkpoint counter", "a local snapshot"), ("checkpoint counter --scope data", "volumes alone")]
    )

    private static let restore = Command(
        name: "restore",
        summary: "bring an actor back from a snapshot",
        discussion: "Takes the actor's newest local snapshot unless told otherwise, and prints which.\n\(actorWords)",
        operands: ["ACTOR"],
        options: [
            .value("from", "NAME", "the local snapshot's name (default: the newest)"),
            .value("slot", "SLOT", "the slot to restore on (default: the one it had)"),
            .value(
                "scope",
                "SCOPE",
                "full, or data: the durable volumes alone (default: what the snapshot was made as)",
                completes: .words(["full", "data"])
            ),
            .value("publish", "PORT", "as for run (repeatable)", repeats: true),
        ] + client,
        examples: [
            ("restore counter", "the newest snapshot, the same slot"), ("restore counter --slot b", "on slot b"),
        ]
    )

    private static let start = actorCommand(
        "start",
        "start a stopped actor",
        "Runs a stopped or failed actor again, on the root and the volumes that it left."
    )
    private static let stop = actorCommand(
        "stop",
        "stop an actor, keep its root",
        "Ends its processes; `start` runs it again."
    )
    private static let remove = actorCommand(
        "remove",
        "remove an actor, keep its snapshots",
        "Stops it first if it must, then deletes everything of it but its snapshots."
    )

    private static let logs = Command(
        name: "logs",
        summary: "print what an actor wrote",
        discussion: "Standard output and error of its containers, oldest first.\n\(actorWords)",
        operands: ["ACTOR"],
        options: [.flag("follow", short: "f", "go on until the actor ends or ctrl-c")] + client,
        examples: [("logs counter", "what is there"), ("logs -f counter", "and what comes")]
    )

    private static let exec = Command(
        name: "exec",
        summary: "run a program inside an actor",
        discussion: """
            In the container's namespaces, under its filter, capabilities and limits; what it left ends with it. The
            exit code is the program's, 128 and the signal's number where one ended it; 125 when the host refused, 126
            when the command cannot be executed, 127 when it is not found.
            \(actorWords)
            """,
        operands: ["ACTOR", "COMMAND…"],
        options: [
            .flag("interactive", short: "i", "pass standard input on"),
            .flag("tty", short: "t", "give it a terminal, and pass this one's keys and size on"),
            .value("container", "NAME", "the container; the first without it"),
        ] + [connect, baseDirectory],
        examples: [
            ("exec counter -- ls -l /data", "look at a volume"), ("exec -i -t counter -- sh", "a shell"),
        ],
        takesRest: true
    )

    private static let backends = Command(
        name: "backends",
        summary: "list the backends, where they come from and what they declare",
        discussion: """
            Asks the host that runs, and reads the shipped backends and the overlays itself where none does or where
            --overlay, --plugins-dir or --config name others. STATE is ok, broken, or stale: the last save is wrong and
            the revision before it serves on.
            """,
        operands: [],
        options: pluginOptions + client,
        examples: [
            ("backends", "list them"), ("backends --overlay ./site", "with those of ./site, and what they shadow"),
        ]
    )

    private static let overlays = Command(
        name: "overlays",
        summary: "show what each overlay gives, who wins, and what a script may do",
        discussion: """
            ls lists the sources in order with what each surface gives. explain NAME says which file serves NAME, what
            it shadows, what it needs and is granted, and who claims how it isolates. check loads every script, says
            every error, and exits 1 when there is one; it needs no root, and says what is left out without it.
            """,
        operands: ["ls|explain|check"],
        options: pluginOptions + [grant, json],
        examples: [
            ("overlays ls --overlay ./site", "what ./site gives"),
            ("overlays explain bwrap --grant tool:bwrap=/usr/bin/bwrap", "and what is still not given"),
            ("overlays check --overlay ./site", "before it is deployed"),
        ],
        optionalOperands: ["NAME"],
        words: OverlaysOptions.Action.allCases.map(\.rawValue)
    )

    private static let config = Command(
        name: "config",
        summary: "check the configuration file, or show what holds and who said so",
        discussion: """
            check says every mistake of FILE with its line, and exits 1 when there is one. show takes the options of
            serve and prints each setting with its origin: default, file and line, or option.
            """,
        operands: ["check|show"],
        options: serve.options,
        examples: [
            ("config check site.yaml", "before it is deployed"),
            ("config show --slot-capacity 4", "what serve would do with it"),
        ],
        optionalOperands: ["FILE"],
        words: ["check", "show"]
    )

    private static let doctor = Command(
        name: "doctor",
        summary: "say what this machine can do, and how to mend what it cannot",
        discussion:
            "Looks at cgroups, namespaces, seccomp, Landlock, overlayfs and tools. Exits 1 if something needed is missing.",
        operands: [],
        options: [
            .value("plugins-dir", "DIR", "the shipped backends, if not beside the binary", completes: .directory), json,
        ],
        examples: [("doctor", "for people"), ("doctor --json", "for a program")]
    )

    private static let demo = Command(
        name: "demo",
        summary: "take the counter through Run, Checkpoint and Restore",
        discussion: "Starts a host of its own in a temporary directory, shows each phase with its time, and cleans up.",
        operands: [],
        options: [json],
        examples: [("demo", "what `make run` does")]
    )

    private static let plugin = Command(
        name: "plugin",
        summary: "make, check, test and try a backend of your own",
        discussion: """
            Runs substrate-plugin, which lies beside this program. Without root all of it works
            but `run`, `conformance` and `test --real`.
            `plugin COMMAND --help` says more; COMMAND is one of:

            \(PluginCommand.all.map { "  \($0.name): \($0.summary)" }.joined(separator: "\n"))
            """,
        operands: ["COMMAND"],
        options: [],
        examples: [
            ("plugin new mine", "a backend that runs, with a test"),
            ("plugin check mine", "what it is and what is wrong"),
            ("plugin doc", "every host function, field and verb"),
        ],
        words: PluginCommand.all.map(\.name)
    )

    private static let completion = Command(
        name: "completion",
        summary: "print a completion script for a shell",
        discussion: "SHELL is bash, zsh or fish.",
        operands: ["SHELL"],
        options: [],
        examples: [("completion bash", "into /etc/bash_completion.d/substrate-host")]
    )
}
