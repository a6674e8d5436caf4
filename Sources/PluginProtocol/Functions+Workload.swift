extension HostFunction {
    /// `workload.start`: a container of the actor as a confined process.
    public static let workloadStart = HostFunction(
        "workload.start",
        "Starts a container of the actor as a confined process.",
        anyOf: [.workload],
        verbs: ["run", "restore"],
        elsewhere: "start containers in run and restore; a started one is in actor.processes",
        effect: .journalled,
        arguments: .record([
            .required("container", .text, "the container's name, of actor.containers"),
            .optional(
                "confine",
                .record([
                    .optional(
                        "namespaces",
                        .list(.oneOf(["pid", "mount", "net", "ipc", "uts"])),
                        "namespaces of its own; those of the launcher are never fewer"
                    ),
                    .optional(
                        "root",
                        .oneOf(["overlay", "read-only"]),
                        default: .text("overlay"),
                        "whether it may write to its root"
                    ),
                    .optional("seccomp", .text, default: .text("default"), "the name of an operator's profile"),
                ]),
                "how it is confined"
            ),
        ]),
        answers: .process,
        failures: [.alreadyRunning, .notFound, .unsupported, .storageFull, .busy],
        cost: 3000,
        example: "local web = try(host.workload.start { container = \"web\", confine = { root = \"overlay\" } })"
    )

    /// `workload.enter`: a program inside a container that runs.
    public static let workloadEnter = HostFunction(
        "workload.enter",
        "Starts a program inside a container that runs.",
        anyOf: [.workload],
        verbs: ["exec"],
        elsewhere: "a program is entered in exec alone",
        effect: .journalled,
        arguments: .record([
            .required("container", .text, "any container that was started or adopted"),
            .required("command", .arguments, "nested lists are flattened, false is skipped"),
            .optional("env", .map, "without it the environment is empty but PATH; never journalled"),
            .optional("stdio", .oneOf(["client"]), "joined with the caller's streams"),
        ]),
        answers: .process,
        failures: [.notRunning, .notFound, .unsupported],
        cost: 2000,
        example: "local shell = try(host.workload.enter { container = \"web\", command = { \"sh\", \"-c\", \"ls\" } })"
    )
}
