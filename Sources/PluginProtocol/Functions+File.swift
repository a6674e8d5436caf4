extension HostFunction {
    /// `file.write`: a small file, whole or not at all.
    public static let fileWrite = HostFunction(
        "file.write",
        "Writes a file of mode 0600, whole or not at all.",
        verbs: ["run", "restore", "prepare", "checkpoint", "probe", "exec"],
        elsewhere: "write what a later verb reads in run; dirs stay until the actor is gone",
        effect: .journalled,
        arguments: .positions([
            .required("path", .path, "below one of actor.dirs; its directory exists"),
            .required("bytes", .bytes(1 << 20), "any bytes, at most 1 MiB"),
        ]),
        answers: .nothing,
        failures: [.storageFull, .accessDenied, .notFound, .unsupported, .exists, .busy, .again],
        cost: 200,
        example: "try(host.file.write(actor.dirs.work .. \"/vm.json\", json.encode { cpus = 2 }))"
    )
}
