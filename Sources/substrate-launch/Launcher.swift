import CSystemShims
import Confinement
import Glibc
import LaunchProtocol
import SystemLayer

/// Builds the container around this process, step by step, then splits into init and workload.
enum Launcher {
    private static let planDescriptor: CInt = 3
    /// Where the host is told.
    static let reportDescriptor: CInt = 4
    /// Answered when a step failed: as a shell does for a command that cannot be had.
    private static let failureCode: CInt = 125

    /// Never returns.
    static func run() -> Never {
        _ = fcntl(reportDescriptor, F_SETFD, FD_CLOEXEC)
        var status: CInt = -1
        do throws(StepError) {
            try launch(&status)
        } catch {
            end(.failed(step: error.step.rawValue, errno: UInt16(clamping: error.errno), text: error.text), status)
        }
    }

    /// Says what failed and leaves nothing: the namespaces, and whoever is in them, go with this process.
    static func end(_ failure: LaunchReport, _ status: CInt) -> Never {
        if status >= 0 { ExitRecord.discard(directory: status) }
        report(failure)
        exit(failureCode)
    }

    static func report(_ report: LaunchReport) {
        // The host may be gone; that is no reason to stop.
        try? writeAll(report.encoded(), to: reportDescriptor)
        _ = close(reportDescriptor)
    }

    /// `statusDescriptor` is the status directory, once something of ours may be in it.
    private static func launch(_ statusDescriptor: inout CInt) throws(StepError) -> Never {
        let bytes = try step(.plan) { () throws(SyscallError) in
            try readAll(from: planDescriptor, limit: LaunchPlan.sizeLimit)
        }
        _ = close(planDescriptor)
        switch PlanKind.of(bytes) {
        case .tool: try Room.launch(try decoded { () throws(PlanError) in try ToolPlan.decode(bytes) })
        case .enter: try Entrance.launch(try decoded { () throws(PlanError) in try EnterPlan.decode(bytes) })
        case .container, nil: break
        }
        let plan = try decoded { () throws(PlanError) in try LaunchPlan.decode(bytes) }
        guard getpid() == 1 else {
            throw StepError(step: .plan, errno: EPERM, text: "not the first process of a pid namespace")
        }
        // Everything waits for the signalfd from here: no handler, and nothing is lost. A dead host is no SIGPIPE.
        try step(.session) { () throws(SyscallError) in try check(csh_block_signals(), "sigprocmask") }
        var logs = try step(.open) { () throws(SyscallError) in try openDirectory(plan.logDirectory) }
        let status = try step(.open) { () throws(SyscallError) in try openDirectory(plan.statusDirectory) }
        let record = try step(.open) { () throws(SyscallError) in
            try ExitRecord.reserve(directory: status.rawValue)
        }
        // Not closed when this throws: what is left in it is taken away after that.
        statusDescriptor = status.release()
        try step(.cgroup) { () throws(SyscallError) in
            for path in plan.cgroupProcs { try TextFile.write("0", to: path) }
        }
        try step(.session) { () throws(SyscallError) in
            _ = setsid()
            _ = umask(0o022)
            // A kernel without keyrings has none to share.
            let keyring = csh_join_session_keyring()
            if keyring != -ENOSYS { try check(keyring, "keyctl") }
        }
        var applied = plan.given
        if let path = plan.networkNamespace {
            try step(.network) { () throws(SyscallError) in try join(path) }
            applied.append(.networkNamespace)
        }
        var users: UserNamespace?
        if let first = plan.firstID {
            let made = try step(.users) { () throws(SyscallError) in try makeUsers(first, plan.networkNamespace) }
            users = made
            logs = try step(.users) { () throws(SyscallError) in try made.directory(plan.logDirectory) }
            let shown = try step(.users) { () throws(SyscallError) in try made.directory(plan.statusDirectory) }
            _ = close(statusDescriptor)
            statusDescriptor = shown.release()
        }
        try buildRoot(plan, users, &applied)
        if !plan.hostname.isEmpty {
            try step(.hostname) { () throws(SyscallError) in
                guard unsafe sethostname(plan.hostname, plan.hostname.utf8.count) == 0 else {
                    throw SyscallError("sethostname", errno, plan.hostname)
                }
            }
        }
        if let users {
            // The last that needs the machine's root is done.
            try step(.users) { () throws(SyscallError) in try users.enter() }
            applied.append(.userNamespace)
        }
        try restrict(plan, &applied)
        try split(plan, applied, logs: logs, record: record, status: statusDescriptor)
    }

    private static func decoded<Plan>(_ decode: () throws(PlanError) -> Plan) throws(StepError) -> Plan {
        do throws(PlanError) {
            return try decode()
        } catch {
            throw StepError(step: .plan, errno: EINVAL, text: error.description)
        }
    }

    /// Joins the network namespace of that file.
    static func join(_ path: String) throws(SyscallError) {
        let number = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard number >= 0 else { throw SyscallError("open", errno, path) }
        let namespace = OwnedFD(number)
        try check(csh_setns_net(namespace.rawValue), "setns", path)
    }

    /// The user namespace, in which nothing is yet.
    ///
    /// `network` has been joined.
    static func makeUsers(_ first: UInt32, _ network: String?) throws(SyscallError) -> UserNamespace {
        let users = try UserNamespace(first: first)
        guard network != nil else { return users }
        // That network is the machine's root's, who gave a capability for low ports that counts for nothing there.
        let ports = "/proc/sys/net/ipv4/ip_unprivileged_port_start"
        do throws(SyscallError) { try TextFile.write("0", to: ports) } catch {
            guard error.errno == ENOENT else { throw error }
        }
        return users
    }

    private static func buildRoot(
        _ plan: LaunchPlan,
        _ users: UserNamespace?,
        _ applied: inout [Protection]
    ) throws(StepError) {
        try step(.privateMounts) { () throws(SyscallError) in
            // Private, not slave: nothing that the host mounts later appears here. MS_REC | MS_PRIVATE.
            try check(unsafe csh_mount(nil, "/", nil, 0x4000 | 0x40000, nil), "mount", "/")
        }
        // Before the views of layers cover anything that lies beneath them.
        let views = try step(.fill) { () throws(SyscallError) in
            var views: [CInt] = []
            for mount in plan.mounts {
                var attributes: DetachedMount.Attributes = [.noDevices, .noSetUserID]
                if mount.readOnly { attributes.insert(.readOnly) }
                let view =
                    if let users { try users.view(of: mount.source, attributes) } else {
                        try DetachedMount.view(of: mount.source, attributes)
                    }
                views.append(view.release())
            }
            return views
        }
        let root = try step(.overlay) { () throws(SyscallError) in
            if let users {
                try users.ownFiles()
                let changes = plan.upperDirectory.lastIndex(of: "/").map { String(plan.upperDirectory[..<$0]) } ?? "/"
                try users.cover(plan.layers + [changes])
            }
            return try ContainerRoot(layers: plan.layers, upper: plan.upperDirectory, work: plan.workDirectory)
        }
        try step(.fill) { () throws(SyscallError) in
            try root.furnish(showingSystem: plan.showsSystem)
            for (mount, view) in zip(plan.mounts, views) { try root.attach(OwnedFD(view), at: mount.target) }
            _ = try root.directory(plan.workingDirectory)
        }
        try step(.mask) { () throws(SyscallError) in try root.mask() }
        applied.append(.maskedPaths)
        try step(.pivot) { () throws(SyscallError) in try root.pivot() }
        applied.append(.privateRoot)
        if plan.readOnlyRoot {
            try step(.readOnly) { () throws(SyscallError) in try root.makeReadOnly() }
            applied.append(.readOnlyRoot)
        }
    }

    private static func restrict(_ plan: LaunchPlan, _ applied: inout [Protection]) throws(StepError) {
        try step(.limits) { () throws(SyscallError) in try Privileges.limit(openFiles: plan.openFiles) }
        try step(.bounding) { () throws(SyscallError) in try Privileges.bound(to: plan.capabilities) }
        try step(.identity) { () throws(SyscallError) in
            try Privileges.becomeRoot()
            try Privileges.keep(plan.capabilities + Identity.needs(plan.user, plan.group, plan.groups))
        }
        if Set(plan.capabilities).isSubset(of: LaunchPlan.contractCapabilities) { applied.append(.capabilities) }
        try step(.privileges) { () throws(SyscallError) in
            try Privileges.forbidNew()
            // Before the fork: init holds descriptors of the host, and the workload is of its user.
            try Privileges.hideFromPeers()
        }
        applied.append(.noNewPrivileges)
        if Landlock.version > 0 {
            // Before the fork: init and its workload are no strangers to each other, and may signal.
            try step(.landlock) { () throws(SyscallError) in try Landlock.scope() }
            applied.append(.landlock)
        }
        // What follows is fatal if it fails, so it may be promised here, before anything of the workload runs.
        applied.append(.initFilter)
        if plan.seccompProfile != "none" { applied.append(.seccomp) }
        let missing = plan.required.filter { !applied.contains($0) }
        guard missing.isEmpty else {
            throw StepError(
                step: .required,
                errno: 0,
                text: missing.map(\.rawValue).joined(separator: ", ")
            )
        }
    }

    /// The fork: this process goes on as init, its child becomes the workload.
    private static func split(
        _ plan: LaunchPlan,
        _ applied: [Protection],
        logs: consuming OwnedFD,
        record: consuming OwnedFD,
        status: CInt
    ) throws(StepError) -> Never {
        let output = try step(.fork) { () throws(SyscallError) in try Pipe() }
        let errors = try step(.fork) { () throws(SyscallError) in try Pipe() }
        let failure = try step(.fork) { () throws(SyscallError) in try Pipe() }
        let confined = try step(.fork) { () throws(SyscallError) in try Pipe() }
        let signals = csh_signalfd()
        try step(.fork) { () throws(SyscallError) in try check(signals, "signalfd") }
        let pid = try forkSelf()
        if pid == 0 {
            _ = close(confined.write.release())
            do throws(StepError) {
                try Workload.become(
                    plan,
                    isLandlocked: applied.contains(.landlock),
                    output: output.write.rawValue,
                    errors: errors.write.rawValue,
                    whenConfined: confined.read.rawValue
                )
            } catch {
                let words = LaunchReport.failed(
                    step: error.step.rawValue,
                    errno: UInt16(clamping: error.errno),
                    text: error.text
                )
                try? writeAll(words.encoded(), to: failure.write.rawValue)
                _exit(failureCode)
            }
        }
        _ = unsafe chdir("/")
        try step(.identity) { () throws(SyscallError) in
            // SIGKILL to the others of the namespace needs it; nothing else that init still does needs any.
            // The child keeps its own: under no_new_privs execve gives no capability that its caller lacks.
            try Privileges.keep(plan.capabilities.filter { $0 == 5 })
        }
        try step(.seccomp) { () throws(SyscallError) in try WorkloadFilter.initial.install() }
        // Only now does anything of the workload run.
        _ = close(confined.write.release())
        _ = close(confined.read.release())
        _ = close(output.write.release())
        _ = close(errors.write.release())
        _ = close(failure.write.release())
        // The end without a word means that execve closed it.
        let said = (try? readAll(from: failure.read.rawValue, limit: 8192)) ?? []
        if !said.isEmpty {
            let words = LaunchReport.decode(said)
            end(words ?? .failed(step: Step.exec.rawValue, errno: 0, text: "no reason given"), status)
        }
        _ = close(failure.read.release())
        report(.ready(pid: pid, applied: applied))
        Initial.run(
            Initial.Duty(
                nonce: plan.nonce,
                graceMilliseconds: Int64(plan.graceMilliseconds),
                logLimitBytes: plan.logLimitBytes,
                isFirst: true,
                killFile: -1
            ),
            mainChild: pid,
            signals: signals,
            output: output.read.release(),
            errors: errors.read.release(),
            logs: logs,
            record: record.rawValue,
            status: status
        )
    }
}
