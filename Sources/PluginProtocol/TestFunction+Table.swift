extension ArgumentKind {
    /// Whatever Lua can send.
    static var anything: ArgumentKind { .either([]) }
}

extension TestFunction {
    private static let time = ArgumentKind.integer(0...86_400_000)

    private static let volume = ArgumentKind.record([
        .required("name", .text, "the volume's name"),
        .required("path", .path, "where the container sees it"),
    ])

    private static let container = ArgumentKind.record([
        .required("name", .text, "a DNS label, unique in the actor"),
        .required("command", .arguments, "the program and its arguments"),
        .optional("env", .map, "its environment"),
        .optional("image", .text, "an OCI layout; only --real asks for it"),
        .optional("volumes", .list(volume), "the durable volumes that it sees"),
        .optional("files", .map, "what its root holds at the start: path → bytes"),
    ])

    /// Everything, things in the order of their kinds.
    public static let table: [TestFunction] = [
        TestFunction(
            .t,
            "actor",
            "An actor in a slot of its own; nothing runs yet.",
            [
                .required(
                    "spec",
                    .record([
                        .optional("name", .text, default: .text("web-1"), "the actor's name"),
                        .required("containers", .list(container), "in start order"),
                        .optional("assets", .map, "assets of the request: name → bytes"),
                        .optional("cpu_milli", .integer(1...1_000_000), "a limit"),
                        .optional("memory_bytes", .integer(1...(1 << 50)), "a limit"),
                    ]),
                    "what it runs"
                )
            ],
            example: "local actor = t:actor { containers = { WEB } }"
        ),
        TestFunction(
            .t,
            "slot",
            "Another slot of the same machine.",
            [.required("name", .text, "any name")],
            example: "local other = t:slot(\"slot-2\")"
        ),
        TestFunction(
            .t,
            "ok",
            "Goes on only if the status is ok, and answers what follows it.",
            [
                .optional("status", .anything, "as verbs answer it first"), .optional("value", .anything, "the result"),
                .optional("second", .anything, "a further value"),
            ],
            example: "local snapshot = t:ok(actor:checkpoint { scope = \"data\" })"
        ),
        TestFunction(
            .t,
            "fails",
            "Goes on only if the status is that one.",
            [.optional("status", .anything, "as verbs answer it first"), .required("expected", .text, "a status")],
            example: "t:fails(actor:run(), \"storage_full\")"
        ),
        TestFunction(
            .t,
            "equal",
            "Goes on only if both are the same, tables field by field.",
            [.optional("got", .anything, "what came"), .optional("expected", .anything, "what should have come")],
            example: "t:equal(actor:processes(), { \"web\" })"
        ),
        TestFunction(
            .t,
            "calls",
            "Goes on only if the script asked for exactly these effects, in this order; testing.md lists their words.",
            [.required("expected", .list(.text), "such as \"workload.start web\", \"process.run actor.tools.vmm\"")],
            example: "t:calls { \"workload.start web\" }"
        ),
        TestFunction(
            .t,
            "fault",
            "Has a host function fail instead of doing it.",
            [
                .required("name", .text, "a host function, such as \"workload.start\""),
                .required(
                    "how",
                    .record([
                        .optional("at", .integer(1...100_000), default: .integer(1), "which call of it, from 1"),
                        .required("status", .text, "a status that it may answer"),
                        .optional("reason", .text, "the words that come with it"),
                    ]),
                    "when, and with what"
                ),
            ],
            example: "t:fault(\"workload.start\", { at = 2, status = \"storage_full\" })"
        ),
        TestFunction(
            .t,
            "workload",
            "The container of that name, in whichever actor runs it.",
            [.required("container", .text, "its name")],
            example: "local web = t:workload(\"web\")"
        ),
        TestFunction(
            .t,
            "program",
            "What a program answers: the first rule whose arguments are all there, in that order.",
            [
                .required("name", .text, "the program's name"),
                .required(
                    "rules",
                    .list(.anything),
                    "{ \"arg\", code = …, stdout = …, stderr = …, ms = …, pidfile = \"bundles/web.pid\" }"
                ),
                .optional(
                    "how",
                    .record([
                        .optional(
                            "real",
                            .boolean,
                            default: .boolean(true),
                            "false: only these rules will do, and --real skips the test"
                        )
                    ]),
                    "whether --real may run this machine's own in its place"
                ),
            ],
            example: "t:program(\"vmm\", { { \"--version\", stdout = \"2.0\" }, { code = 1 } })"
        ),
        TestFunction(
            .t,
            "http",
            "What a program's Unix socket answers: the first rule whose method and path are those.",
            [
                .required("socket", .text, "the name of its file, or the whole path of a granted one"),
                .required("rules", .list(.anything), "{ \"PUT\", \"/boot\", code = 204, body = …, ms = … }"),
                .optional(
                    "how",
                    .record([.optional("after_ms", time, "when on the test's clock it appears")]),
                    "from when on it is there"
                ),
            ],
            example: "t:http(\"api.sock\", { { \"GET\", \"/info\", body = \"{}\" }, { \"PUT\", code = 204 } })"
        ),
        TestFunction(
            .t,
            "config",
            "What the operator wrote in the backend's settings; without it they have their defaults.",
            [.required("settings", .anything, "name → value; a secret's is the path of its file")],
            example: "t:config { platform = \"kvm\", retries = 3 }"
        ),
        TestFunction(
            .t,
            "prepare",
            "Makes a slot warm: the next run or restore whose assets and tools are the same gets it.",
            [
                .optional(
                    "how",
                    .record([.optional("assets", .map, "assets of the requests to come: name → bytes")]),
                    "what it is made for"
                )
            ],
            example: "t:equal(t:ok(t:prepare()), { booted = true })"
        ),
        TestFunction(
            .t,
            "probe",
            "Asks the backend what it can do here; run, restore, checkpoint and exec ask by themselves.",
            [
                .optional(
                    "how",
                    .record([.optional("assets", .map, "assets of a request: name → bytes")]),
                    "about what"
                )
            ],
            example: "t:equal(t:ok(t:probe()).without, { full = \"this vmm saves no memory\" })"
        ),
        TestFunction(.t, "clock", "The test's clock.", property: true, example: "local clock = t.clock"),
        TestFunction(
            .clock,
            "elapsed_ms",
            "How long everybody waited, in all.",
            example: "t:equal(t.clock:elapsed_ms(), 10000)"
        ),
        TestFunction(
            .slot,
            "restore",
            "Restores an actor's snapshot in this slot.",
            [
                .required("actor", .process, "the actor"),
                .required("snapshot", .process, "what a checkpoint answered"),
            ],
            example: "local again = t:ok(t:slot(\"slot-2\"):restore(actor, snapshot))"
        ),
        TestFunction(.actor, "run", "Runs it.", example: "t:ok(actor:run())"),
        TestFunction(
            .actor,
            "stop",
            "Stops it.",
            [.optional("how", .record([.optional("grace_ms", time, "between TERM and KILL")]), "the request")],
            example: "t:ok(actor:stop { grace_ms = 10000 })"
        ),
        TestFunction(
            .actor,
            "checkpoint",
            "Checkpoints it; it is paused then.",
            [
                .required(
                    "how",
                    .record([
                        .required("scope", .oneOf(["full", "data"]), "what to save"),
                        .optional("grace_ms", time, "between TERM and KILL"),
                        .optional("may_hold", .boolean, "whether the programs may be kept frozen"),
                    ]),
                    "the request"
                )
            ],
            example: "local snapshot = t:ok(actor:checkpoint { scope = \"data\" })"
        ),
        TestFunction(
            .actor,
            "restore",
            "Restores a snapshot in the actor's own slot.",
            [.required("snapshot", .process, "what a checkpoint answered")],
            example: "t:ok(actor:restore(snapshot))"
        ),
        TestFunction(
            .actor,
            "exec",
            "Runs a program beside it to its end, and answers its code, stdout and stderr.",
            [
                .required(
                    "how",
                    .record([
                        .optional("container", .text, "without it the first one"),
                        .required("command", .arguments, "the program and its arguments"),
                        .optional("env", .map, "its environment"),
                        .optional("tty", .boolean, "whether a terminal is asked for"),
                    ]),
                    "the request"
                )
            ],
            example: "t:equal(t:ok(actor:exec { command = { \"ls\" } }).stdout, \"data\")"
        ),
        TestFunction(
            .actor,
            "stats",
            "Says what it uses: memory_bytes, cpu_ns and pids of the script, or pids alone without one.",
            example: "t:equal(t:ok(actor:stats()).pids, 3)"
        ),
        TestFunction(
            .actor,
            "recover",
            "The host goes away and comes back: ok it lives, not_running it is gone, else it is asked again.",
            [
                .optional(
                    "how",
                    .record([.optional("gone", .list(.text), "kept programs that ended meanwhile")]),
                    "what happened meanwhile"
                )
            ],
            example: "t:fails(actor:recover { gone = { \"vmm\" } }, \"not_running\")"
        ),
        TestFunction(
            .actor,
            "processes",
            "The names of its programs that run, sorted.",
            example: "t:equal(actor:processes(), { \"web\" })"
        ),
        TestFunction(
            .actor,
            "workload",
            "Its container of that name.",
            [.required("container", .text, "its name")],
            example: "local web = actor:workload(\"web\")"
        ),
        TestFunction(
            .workload,
            "on",
            "What its program does at a signal: ends, after what it says here.",
            [
                .required("signal", .oneOf(["TERM"]), "the signal"),
                .required(
                    "what",
                    .either([
                        .oneOf(["ignore"]),
                        .record([
                            .optional("writes", .map, "path in the container → bytes"),
                            .optional("after_ms", time, default: .integer(0), "until it ends"),
                        ]),
                    ]),
                    "\"ignore\", or what it writes and when it ends"
                ),
            ],
            example: "t:workload(\"web\"):on(\"TERM\", { writes = { [\"/data/count\"] = \"41\" }, after_ms = 300 })"
        ),
        TestFunction(
            .workload,
            "write",
            "Its program writes a file.",
            [
                .required("path", .path, "in the container"),
                .required("bytes", .bytes(1 << 20), "the whole file"),
            ],
            example: "t:workload(\"web\"):write(\"/data/count\", \"41\")"
        ),
        TestFunction(
            .workload,
            "read",
            "Reads a file as its program would.",
            [.required("path", .path, "in the container")],
            example: "t:equal(t:ok(t:workload(\"web\"):read(\"/data/count\")), \"41\")"
        ),
        TestFunction(
            .snapshot,
            "files",
            "The names of its files, sorted, without the manifest.",
            property: true,
            example: "t:equal(snapshot.files, { \"durable-dir.tar\" })"
        ),
        TestFunction(
            .snapshot,
            "read",
            "Reads a file of a durable volume that it holds.",
            [.required("path", .text, "volume/path")],
            example: "t:equal(t:ok(snapshot:read(\"data/count\")), \"41\")"
        ),
    ]
}
