extension HostFunction {
    /// `bundle.write`: what a container runtime needs to be told of a container, in the form that they all read.
    public static let bundleWrite = HostFunction(
        "bundle.write",
        "Writes an OCI bundle of a container: root, mounts, identity, network and capabilities as the request has them.",
        anyOf: [.bundle],
        verbs: ["run", "restore", "prepare"],
        elsewhere: "write the bundle in run; its path is in dirs.bundles",
        effect: .journalled,
        arguments: .record([
            .required("container", .text, "the container's name, of actor.containers; or pause, a sandbox's root"),
            .optional("annotations", .map, "what the runtime reads beside the specification"),
            .optional(
                "seccomp",
                .text,
                default: .text("none"),
                "the name of an operator's profile; none for a runtime with a filter of its own"
            ),
            .optional(
                "masked",
                .boolean,
                default: .boolean(true),
                "whether what /proc and /sys tell about the machine is covered"
            ),
            .optional(
                "user_namespace",
                .boolean,
                default: .boolean(false),
                "whether root inside is nobody of the machine; for each container of the actor alike, before a program starts"
            ),
            .optional(
                "join_network",
                .boolean,
                default: .boolean(true),
                "false: the runtime is in the slot's network, and leaves the container there without joining it"
            ),
        ]),
        answers: .record([
            AnswerField("path", .text, "the bundle's directory, with config.json in it"),
            AnswerField("pidfile", .text, "where the runtime may write the program's number"),
        ]),
        failures: [.notFound, .storageFull, .unsupported, .accessDenied, .busy, .again],
        cost: 300,
        example: "local bundle = try(host.bundle.write { container = \"web\", seccomp = \"default\" })"
    )
}
