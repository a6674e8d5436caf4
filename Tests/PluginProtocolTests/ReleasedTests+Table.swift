extension ReleasedTests {
    /// What api 1 was released with: never edited, only added to.
    static let released: [Released] = [
        Released(
            name: "workload.start@1",
            optional: ["confine", "namespaces", "root", "seccomp"],
            digest: "cc86f6ea210863be"
        ),
        Released(name: "workload.enter@1", optional: ["env", "stdio"], digest: "57f238b799c5b8c6"),
        Released(
            name: "process.run@1",
            optional: [
                "env", "stdin", "exit_codes", "hide", "log", "network", "refuse", "devices", "seccomp_fd", "timeout_ms",
                "code", "signal", "stdout", "stderr", "ms", "truncated",
            ],
            digest: "6f45b61d54e868ba"
        ),
        Released(
            name: "process.start@1",
            optional: [
                "env", "stdin", "exit_codes", "hide", "log", "network", "refuse", "devices", "seccomp_fd", "stdio",
                "name", "keep",
            ],
            digest: "d4979feb21db1f01"
        ),
        Released(name: "process.wait@1", optional: ["timeout_ms"], digest: "d711ad1e4a77ace"),
        Released(name: "process.stop@1", optional: ["grace_ms"], digest: "1d38cbb2a2be6932"),
        Released(name: "process.adopt@1", optional: ["pidfile", "child_of"], digest: "1990c6f40d00d8f6"),
        Released(
            name: "bundle.write@1",
            optional: ["annotations", "seccomp", "masked", "path", "pidfile"],
            digest: "4c62a00d3a5d9270"
        ),
        Released(name: "file.write@1", optional: [], digest: "d3b0d9035e07989f"),
        Released(
            name: "http.request@1",
            optional: ["method", "body", "statuses", "wait_ms", "code", "body"],
            digest: "deaf000920ce252a"
        ),
        Released(name: "asset.open@1", optional: ["name", "bank", "slot"], digest: "ae6834ae222d0943"),
        Released(name: "asset.read@1", optional: ["bytes"], digest: "e83e1356971cc0aa"),
        Released(name: "asset.close@1", optional: [], digest: "59d4dcae2148847d"),
        Released(name: "asset.load@1", optional: ["name", "bank", "slot"], digest: "61cc64e74c1d9d41"),
        Released(name: "asset.state@1", optional: ["state"], digest: "52ad89773778c7db"),
        Released(name: "asset.commit@1", optional: [], digest: "1871db964d59505e"),
        Released(name: "asset.cancel@1", optional: [], digest: "8b6fff187f51e207"),
        Released(name: "clock.left@1", optional: ["ms"], digest: "54306f6fb0da3e7"),
        Released(name: "clock.sleep@1", optional: [], digest: "904b989684b22065"),
        Released(
            name: "Backend",
            optional: [
                "summary", "needs", "scopes", "enforces", "assets", "tools", "devices", "network", "image", "config",
                "classes", "outside", "checkpoint", "restore", "prepare", "recover", "exec", "stats", "probe",
            ],
            digest: "b22ac7c273365c70"
        ),
        Released(name: "Setting", optional: ["default", "one_of", "min", "max", "help"], digest: "7bd931dc51b4ee1e"),
        Released(name: "Slot", optional: ["cgroup"], digest: "4f753d726cd69c9e"),
        Released(name: "Actor", optional: ["pause_image", "prepared", "state"], digest: "e9b95c1acd405d18"),
        Released(name: "Directories", optional: [], digest: "4c0a90ab011b14c1"),
        Released(name: "Network", optional: ["gateway", "interface", "mtu", "tap"], digest: "cdfb1d5f1b3a45e"),
        Released(name: "Cgroup", optional: [], digest: "da66d90d9451b1ca"),
        Released(
            name: "Container",
            optional: ["env", "capabilities", "ports", "root", "limits"],
            digest: "8b5c8cb33243c6ba"
        ),
        Released(name: "User", optional: ["groups"], digest: "d4d0b84eb048aef3"),
        Released(name: "Mount", optional: [], digest: "707d71cb79c3e1a2"),
        Released(name: "Volume", optional: ["path"], digest: "99de5a4c8b2d4247"),
        Released(name: "Limits", optional: ["cpu_milli", "memory_bytes", "pids"], digest: "deb96f7744adaea0"),
        Released(name: "CheckpointSnapshot", optional: [], digest: "43f4599d3f9e97f1"),
        Released(name: "RestoreSnapshot", optional: ["files", "volumes_saved"], digest: "4e6ee0d2602033f0"),
        Released(name: "RunRequest", optional: [], digest: "c85a45e53f9a5ae2"),
        Released(name: "RunResult", optional: ["state", "address"], digest: "845723daf8e216dc"),
        Released(name: "StopRequest", optional: [], digest: "1c908158fff5fb8d"),
        Released(name: "CheckpointRequest", optional: ["snapshot", "may_hold"], digest: "c366e0e133a85ad4"),
        Released(name: "CheckpointResult", optional: ["volumes_saved", "held"], digest: "abe692ee76c3a572"),
        Released(name: "RestoreRequest", optional: ["snapshot"], digest: "df1b2f4f40d05b68"),
        Released(name: "RestoreResult", optional: ["state", "address"], digest: "c7c49712daab3bc3"),
        Released(name: "PrepareRequest", optional: [], digest: "9c3feb472e1f2f04"),
        Released(name: "PrepareResult", optional: ["prepared"], digest: "ea204c607eb77b0f"),
        Released(name: "RecoverRequest", optional: [], digest: "43210eb346b8a2e3"),
        Released(name: "RecoverResult", optional: ["state"], digest: "ded7141a53ac6d02"),
        Released(name: "ExecRequest", optional: ["tty", "env"], digest: "24482dc7372ba6e"),
        Released(name: "ExecResult", optional: [], digest: "e65e6cc4d2c8b337"),
        Released(name: "StatsRequest", optional: [], digest: "6417ad25fcdce4b4"),
        Released(name: "StatsResult", optional: [], digest: "6c490c26b83e86c3"),
        Released(name: "ProbeRequest", optional: [], digest: "a01124bcb30abba9"),
        Released(name: "ProbeResult", optional: ["probed", "valid_ms", "without"], digest: "3337239ac973eb64"),
    ]
}
