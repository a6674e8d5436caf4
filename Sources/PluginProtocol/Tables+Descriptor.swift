extension PluginTable {
    private static let presence = PluginFieldType.words(["required", "optional"])

    /// What a backend's file returns.
    public static let descriptor = PluginTable(
        "Backend",
        "What the file of a backend returns.",
        [
            PluginField("name", .text(32), "the name of --backend=NAME; equals the file's or folder's name"),
            PluginField("api", .numbers(1...1), "the api that this file was written for"),
            PluginField(
                "isolation",
                .words(["none", "kernel-shared", "user-space-kernel", "virtual-machine", "remote"]),
                "what stands between the actor and this machine: a claim, shown with who makes it"
            ),
            PluginField("summary", .text(120), default: "\"\"", "one line for `backends` and `plugin doc`"),
            PluginField(
                "needs",
                .list(.string),
                default: "{}",
                "host functions that this file may call, such as \"process.start\"; exactly these exist on `host`"
            ),
            PluginField("scopes", .list(.words(["full", "data"])), default: "{}", "the most that it can ever save"),
            PluginField(
                "enforces",
                .list(.words(["cpu", "memory", "pids"])),
                default: "{}",
                "limits that hold for all it starts, as the actor's cgroup has them; a request with another one is refused"
            ),
            PluginField(
                "container_limits",
                .list(.words(["cpu", "memory"])),
                default: "{}",
                "limits of one container that hold for it, as workload.start sets them; a request with another one is refused"
            ),
            PluginField(
                "assets",
                .map(presence),
                default: "{}",
                "files of the request by name, verified before any verb"
            ),
            PluginField(
                "tools",
                .map(presence),
                default: "{}",
                "programs of this machine that the operator may grant; see grants and tool-room"
            ),
            PluginField("devices", .map(presence), default: "{}", "device nodes that the operator may grant"),
            PluginField(
                "network",
                .words(["namespace", "interface", "tap", "backend", "none"]),
                default: "\"namespace\"",
                "what the host makes before the verb; with backend, run answers the address; tap is refused: no host makes one"
            ),
            PluginField(
                "image",
                .words(["directory", "none"]),
                default: "\"directory\"",
                "container roots as directories, or images not pulled at all"
            ),
            PluginField(
                "config",
                .map(.table("Setting")),
                default: "{}",
                "the operator's settings, checked before load"
            ),
            PluginField(
                "classes",
                .list(.text(32)),
                default: "{}",
                "further values of a request's sandbox_class that it accepts beside its own name"
            ),
            PluginField(
                "outside",
                .boolean,
                default: "false",
                "it makes things outside the slot: stop is called after any failed verb, until it answers ok"
            ),
            PluginField(
                "root_in_memory",
                .boolean,
                default: "false",
                "what containers write to their roots ends with them, or is in the backend's files: Start begins with the "
                    + "image; without it the host keeps that, and in a full snapshot as roots.tar"
            ),
            PluginField(
                "data_on_golden",
                .boolean,
                default: "false",
                "restore can wake the memory of one full snapshot with the volumes of another; takes both scopes"
            ),
        ] + PluginVerb.rows.map { PluginField($0.name, .verb($0.name), optional: !$0.isRequired, $0.summary) }
    )

    /// One setting of the operator's.
    static let setting = PluginTable(
        "Setting",
        "One setting of the operator's, in `config`.",
        [
            PluginField(
                "type",
                .words(["string", "integer", "boolean", "secret"]),
                "a secret arrives as a path, never in Lua"
            ),
            PluginField(
                "default",
                .plain(4096),
                optional: true,
                "what an absent one means; without it it must be given"
            ),
            PluginField("one_of", .list(.plain(4096)), optional: true, "the allowed values"),
            PluginField("min", .integer(Int64.min...Int64.max), optional: true, "the least integer"),
            PluginField("max", .integer(Int64.min...Int64.max), optional: true, "the greatest integer"),
            PluginField("help", .string, optional: true, "one line for the operator"),
        ]
    )
}
