extension HostFunction {
    /// What `process.run` and `process.start` take alike.
    private static let programFields: [ArgumentField] = [
        .required("program", .program, "an asset or a tool: actor.assets.x, actor.tools.y"),
        .required("args", .arguments, "nested lists are flattened, false is skipped"),
        .optional("env", .map, "without it the environment is empty but PATH; never journalled, never printed"),
        .optional("stdin", .bytes(1 << 20), "never journalled; absent is /dev/null"),
        .optional(
            "exit_codes",
            .either([.list(.integer(0...255)), .oneOf(["any"])]),
            default: .list([.integer(0)]),
            "exit codes that are not a failure"
        ),
        .optional("hide", .list(.path), "paths under /proc/sys or /sys, covered by an empty tmpfs"),
        .optional("log", .text, "the container whose log gets the output"),
        .optional("errors", .path, "a log of its own in actor.dirs: a failure is told with the last errors in it"),
        .optional("network", .oneOf(["slot", "host"]), default: .text("slot"), "host needs the grant host-network"),
        .optional(
            "restores",
            .boolean,
            default: .boolean(false),
            "it may give programs back their numbers and clocks; needs the grant restore: without it process.run has failed"
        ),
        .optional("refuse", .list(.oneOf(["membarrier"])), "system calls answered ENOSYS"),
        .optional("devices", .list(.text), "names of granted devices"),
        .optional("seccomp_fd", .integer(3...63), "the operator's workload filter as BPF bytes on that descriptor"),
    ]

    /// `process.run`: a program to its end.
    public static let processRun = HostFunction(
        "process.run",
        "Runs a program to its end.",
        anyOf: [.asset, .tool],
        effect: .journalled,
        arguments: .record(
            programFields + [.optional("timeout_ms", .integer(1...86_400_000), "cut to the verb's deadline")]
        ),
        answers: .program,
        failures: [.failed, .notFound],
        cost: 1500,
        example: "local done = try(host.process.run { program = actor.tools.bwrap, args = { \"--version\" } })"
    )

    /// `process.start`: a program that goes on beside the script.
    public static let processStart = HostFunction(
        "process.start",
        "Starts a program and answers at once.",
        anyOf: [.asset, .tool],
        verbs: PluginVerb.allBut("probe", "stats"),
        elsewhere: "probe and stats use process.run",
        effect: .journalled,
        arguments: .record(
            programFields + [
                .optional("stdio", .oneOf(["client"]), "joined with the caller's streams; only in exec"),
                .optional("name", .text, "its name in actor.processes; with keep"),
                .optional("keep", .boolean, default: .boolean(false), "it outlives the verb; needs a name"),
            ]
        ),
        answers: .process,
        failures: [.exists, .notFound],
        cost: 1200,
        example: "local p = try(host.process.start { program = actor.assets.vmm, args = { \"--api\", \"api.sock\" } })"
    )

    /// `process.wait`: until programs have ended.
    public static let processWait = HostFunction(
        "process.wait",
        "Waits until each of the programs has ended.",
        effect: .read,
        arguments: .positions([
            .required("processes", .list(.process), "closed after ok and failed, still usable after timeout"),
            .optional("timeout_ms", .integer(0...86_400_000), "cut to the verb's deadline"),
        ]),
        answers: .programs,
        failures: [.failed],
        cost: 20,
        example: "local ended = try(host.process.wait({ first, second }, 5000))"
    )

    /// `process.stop`: TERM, wait, KILL.
    public static let processStop = HostFunction(
        "process.stop",
        "Ends programs: TERM, and KILL after the grace.",
        verbs: ["stop", "checkpoint", "restore"],
        elsewhere: "programs that are not kept end with the verb by themselves",
        effect: .journalled,
        arguments: .positions([
            .required("process", .processes, "a process, a list or a map of them; ended and closed ones are ok"),
            .optional("grace_ms", .integer(0...86_400_000), "between TERM and KILL; without it the request's own"),
        ]),
        answers: .nothing,
        cost: 50,
        example: "return host.process.stop(actor.processes, request.grace_ms)"
    )

    /// `process.adopt`: a program that a runtime left behind becomes the host's.
    public static let processAdopt = HostFunction(
        "process.adopt",
        "Takes over a program that a runtime left behind.",
        verbs: ["run", "restore", "prepare"],
        elsewhere: "adopt in the verb that made the program; later it is in actor.processes",
        effect: .journalled,
        arguments: .record([
            .required("name", .text, "its name in actor.processes"),
            .optional("pidfile", .path, "the file in dirs that holds its pid"),
            .optional("child_of", .process, "a process, of which it is the only child"),
        ]),
        answers: .process,
        failures: [.notFound, .exists, .accessDenied],
        cost: 100,
        example: "try(host.process.adopt { name = \"web\", pidfile = actor.dirs.bundles .. \"/web.pid\" })"
    )
}
