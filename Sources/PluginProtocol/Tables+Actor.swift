extension PluginTable {
    static let slot = PluginTable(
        "Slot",
        "What `prepare` and `probe` get, and every other verb too.",
        [
            PluginField("slot_id", .string, "the slot's id"),
            PluginField("dirs", .table("Directories"), "directories of this slot, removed by the host"),
            PluginField("network", .orFalse(.table("Network")), "the network that the host made; false without one"),
            PluginField("cgroup", .table("Cgroup"), optional: true, "where programs are put; its limits are set"),
            PluginField("assets", .map(.path), "name → path: what the request holds; a missing one is nil"),
            PluginField("tools", .map(.path), "name → path: what was granted; a missing one is nil"),
            PluginField("devices", .map(.path), "name → path: what was granted"),
            PluginField("config", .map(.plain(4096)), "the operator's values, defaults filled in"),
            PluginField("probed", .map(.plain(16 << 10)), "what probe answered for these assets, tools and settings"),
            PluginField("processes", .map(.process), "programs kept by earlier verbs that are alive now"),
        ]
    )

    static let actor = PluginTable(
        "Actor",
        adds: "Slot",
        "What the verbs get first.",
        [
            PluginField("name", .string, "the actor's name, validated"),
            PluginField("uid", .string, "its uid"),
            PluginField("atespace", .string, "its atespace, or its namespace"),
            PluginField("template", .string, "its template"),
            PluginField("containers", .list(.table("Container")), "in the order of the spec"),
            PluginField("volumes", .list(.table("Volume")), "the durable volumes"),
            PluginField("identity", .path, "the file that is shown at /run/ate/actor-id"),
            PluginField("limits", .table("Limits"), "the limits of the actor's cgroup"),
            PluginField("pause_image", .string, optional: true, "where the dialect carries one"),
            PluginField("prepared", .plain(64 << 10), optional: true, "what prepare answered for this slot"),
            PluginField("state", .plain(64 << 10), optional: true, "what an earlier verb answered in state"),
        ]
    )

    static let directories = PluginTable(
        "Directories",
        "Empty at the start of run, restore and prepare; mode 0700.",
        [
            PluginField("runtime", .path, "a runtime's own state"),
            PluginField("bundles", .path, "bundles"),
            PluginField("logs", .path, "logs; NAME.log is that container's"),
            PluginField("work", .path, "anything else; the working directory of programs"),
        ]
    )

    static let network = PluginTable(
        "Network",
        "The network of the slot.",
        [
            PluginField("namespace", .path, "the network namespace"),
            PluginField("address", .address, "the actor's address"),
            PluginField("gateway", .address, optional: true, "the way out"),
            PluginField("interface", .string, optional: true, "the interface inside"),
            PluginField("mtu", .count, optional: true, "its largest packet"),
            PluginField("tap", .string, optional: true, "nil: no host makes a tap device"),
        ]
    )

    static let cgroup = PluginTable(
        "Cgroup",
        "Where programs are put.",
        [
            PluginField("version", .words(["1", "2", "hybrid"]), "the machine's hierarchy"),
            PluginField("path", .path, "its directory"),
        ]
    )

    static let container = PluginTable(
        "Container",
        "One container of the actor.",
        [
            PluginField("name", .string, "its name"),
            PluginField("command", .list(.string), "the program and its arguments"),
            PluginField("env", .map(.string), optional: true, "nil in checkpoint: the contract sends none"),
            PluginField("cwd", .path, "the working directory"),
            PluginField("user", .table("User"), "who it runs as"),
            PluginField(
                "capabilities",
                .list(.string),
                optional: true,
                "the names that it keeps, such as CAP_KILL; it has no others"
            ),
            PluginField("image", .string, "reference and digest"),
            PluginField("ports", .list(.count), optional: true, "from readiness"),
            PluginField("root", .path, optional: true, "its root: writable and private to this actor"),
            PluginField(
                "volumes",
                .list(.table("Mount")),
                "every mount: durable ones, what tells the actor about itself, and the operator's"
            ),
            PluginField(
                "limits",
                .table("Limits"),
                optional: true,
                "its own limits, of those in container_limits; workload.start sets them"
            ),
        ]
    )

    static let user = PluginTable(
        "User",
        "Who a container runs as.",
        [
            PluginField("uid", .count, "user"), PluginField("gid", .count, "group"),
            PluginField("groups", .list(.count), optional: true, "further groups"),
        ]
    )

    static let mount = PluginTable(
        "Mount",
        "A volume in a container.",
        [
            PluginField("name", .string, "the volume's name; of what the operator mounts the path"),
            PluginField("path", .path, "where the container sees it"),
            PluginField("source", .path, "where it is on the host"),
            PluginField("read_only", .boolean, "true: it may not be written; mount it read-only"),
        ]
    )

    static let volume = PluginTable(
        "Volume",
        "A durable volume of the actor.",
        [
            PluginField("name", .string, "its name"),
            PluginField("path", .path, optional: true, "in the container"), PluginField("source", .path, "on the host"),
        ]
    )

    static let limits = PluginTable(
        "Limits",
        "Limits; only those that the descriptor enforces can be set.",
        [
            PluginField("cpu_milli", .count, optional: true, "thousandths of a processor"),
            PluginField("memory_bytes", .count, optional: true, "memory"),
            PluginField("pids", .count, optional: true, "processes"),
        ]
    )

    static let snapshots = [
        PluginTable(
            "CheckpointSnapshot",
            "Where a checkpoint goes.",
            [PluginField("dir", .path, "empty; what is in it afterwards is the snapshot")]
        ),
        PluginTable(
            "RestoreSnapshot",
            "Where a restore comes from.",
            [
                PluginField("dir", .path, "the snapshot's files, verified, read-only"),
                PluginField("files", .list(.string), optional: true, "their names"),
                PluginField("volumes_saved", .boolean, optional: true, "whether the volumes are in these files"),
            ]
        ),
    ]
}
