import PluginProtocol

/// The pages of what is a word of the reference and no row of its table: handles, argument lists, grants, the tool room.
enum WordPages {
    /// Every such page, in the order of the file.
    static var all: [ReferencePage] {
        [process, arguments, grants, room].map { page in
            ReferencePage(
                name: page.name,
                summary: page.summary,
                file: "words",
                text: "## \(page.name)\n\n\(page.summary)\n\n\(page.text)\n"
            )
        }
    }

    private typealias Page = (name: String, summary: String, text: String)

    private static let process: Page = (
        "Process", "A program that runs: a handle without fields.",
        """
        - It comes from `process.start`, `process.adopt`, `workload.start` and `workload.enter`, and by name from
          `actor.processes`.
        - It is given to `process.wait`, `process.stop`, `process.adopt { child_of = … }`, and answered by `exec`. There is
          no pid and no signal.
        - It is dead when its verb ends, and closed once it was waited for: using it then ends the verb. In the next verb
          the programs that were kept are in `actor.processes` again. A handle has no place in `state`.
        - `local p <close> = try(host.process.start { … })` ends the program when the block is left; one that is kept is
          only let go.
        """
    )

    private static let arguments: Page = (
        "Arguments", "A command line: strings and integers in a list.",
        """
        Nested lists are flattened and `false` is skipped, so `wanted and { "--flag", value } or false` is a flag or nothing.
        `nil` ends the verb with its place, because a misspelt name must not drop a flag.

        ```lua
        local args = { "--root", container.root, has.ipc and "--ipc" or false, { "--", container.command } }
        ```
        """
    )

    private static let grants: Page = (
        "grants", "What an operator lets a script do: it gets what it needs and is granted.",
        HostFunction.Grant.allCases.map { "- `\(form($0))`: \(words($0))" }.joined(separator: "\n") + """


            An operator gives them in `substrate.yaml` (`backends: { NAME: { grants: [ … ] } }`) or with `--grant`; an overlay
            never does. Where a required one is missing, `serve` says so when it starts, and each Run is refused before
            anything changes. In a test every grant is given, and a tool is what `t:program` says of it.
            """
    )

    private static func form(_ grant: HostFunction.Grant) -> String {
        switch grant {
        case .tool, .device: "\(grant.rawValue):NAME=PATH"
        case .socket: "\(grant.rawValue):PATH"
        case .workload, .bundle, .asset, .hostNetwork, .restore: grant.rawValue
        }
    }

    private static func words(_ grant: HostFunction.Grant) -> String {
        switch grant {
        case .workload: "start the actor's own programs, confined by the launcher; always given"
        case .bundle: "have OCI bundles written for the actor; always given"
        case .asset: "run a verified asset of the request in the tool room; given to shipped backends"
        case .tool: "run that program of this machine in the tool room, as `actor.tools.NAME`"
        case .device: "the tool room has this device, as `actor.devices.NAME`"
        case .hostNetwork: "a program may ask for `network = \"host\"`"
        case .restore:
            "a program may ask for `restores = true`; it could set this machine's clocks, too: not to be given lightly"
        case .socket: "`http.request` may ask this Unix socket of the machine"
        }
    }

    private static let room: Page = (
        "tool-room", "Where every program of a script runs.",
        """
        - It runs as root, with the capabilities that runtimes need (SYS_ADMIN, NET_ADMIN, SETUID and their like), and never
          with SYS_PTRACE, SYS_MODULE, SYS_RAWIO, SYS_BOOT or MAC_*, nor with SYS_TIME but for one with
          `restores = true` and the grant `restore`: it gives programs back their clocks, and writes in `/proc/sys` what
          gives back their numbers and the limits of their IPC namespace. An operator may say `tool_user: UID` in
          `backends.NAME` of `substrate.yaml`: then it runs as that user, with no capability, and `actor.dirs` are his.
        - It sees `/usr`, `/bin`, `/sbin`, `/lib*`, `/etc` and `/opt` read-only; read-only too the assets, `actor.identity`,
          and in `restore` `request.snapshot.dir`.
        - It writes in `actor.dirs`, in the containers' roots and volumes, in its cgroup, and in `checkpoint` in
          `request.snapshot.dir`. It starts in `actor.dirs.work`. Nothing else of the machine's files is there.
        - It is in the actor's cgroup, whose limits are set: a limit that the descriptor lists in `enforces` holds for all
          that it starts. `cgroup.path/own` is its own to fill.
        - It is in the slot's network namespace, and in the machine's pid, ipc and uts namespaces. It may make namespaces
          of its own, mount inside its own, and chroot. In a user namespace of its own it cannot mount `/proc`, and needs
          none, being root here; in a network namespace of its own the actor is not reached.
        - No system call filter surrounds it. `seccomp_fd = N` gives it the operator's workload filter on that descriptor,
          to hand on to what it starts.
        - What it writes to its standard output and error is returned by `process.run`, or in the container's log with
          `log = NAME`. It may also append lines to `actor.dirs.logs .. "/NAME.log"`.
        - One that is neither kept nor waited for ends with its verb, and so does what it left behind unless `process.adopt`
          takes it over.
        """
    )
}
