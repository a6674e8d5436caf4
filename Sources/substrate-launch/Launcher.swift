import CSystemShims
import Confinement
import Glibc
import LaunchProtocol
import SystemLayer

/// Builds the container around this process, step by step, then splits into init and workload.
enum Launcher {
    private static let planDescriptor: CInt = 3
    private static let reportDescriptor: CInt = 4
    /// Answered when a step failed: as a shell does for a command that cannot be had.
    private static let failureCode: CInt = 125

    /// Never returns.
    static func run() -> Never {
        _ = fcntl(reportDescriptor, F_SETFD, FD_CLOEXEC)
        do throws(StepError) {
            try launch()
        } catch {
            report(.failed(step: error.step.rawValue, errno: UInt16(clamping: error.errno), text: error.text))
            exit(failureCode)
        }
    }

    static func report(_ report: LaunchReport) {
        // The host may be gone; that is no reason to stop.
        try? writeAll(report.encoded(), to: reportDescriptor)
        _ = close(reportDescriptor)
    }

    private static func launch() throws(StepError) -> Never {
        let plan = try readPlan()
        guard getpid() == 1 else {
            throw StepError(step: .plan, errno: EPERM, text: "not the first process of a pid namespace")
        }
        // Everything waits for the signalfd from here: no handler, and nothing is lost. A dead host is no SIGPIPE.
        try step(.session) { () throws(SyscallError) in try check(csh_block_signals(), "sigprocmask") }
        let logs = try step(.open) { () throws(SyscallError) in try openDirectory(plan.logDirectory) }
        let status = try step(.open) { () throws(SyscallError) in try openDirectory(plan.statusDirectory) }
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
        if let path = plan.networkNamespace { try step(.network) { () throws(SyscallError) in try join(path) } }
        try buildRoot(plan)
        if !plan.hostname.isEmpty {
            try step(.hostname) { () throws(SyscallError) in
                guard unsafe sethostname(plan.hostname, plan.hostname.utf8.count) == 0 else {
                    throw SyscallError("sethostname", errno, plan.hostname)
                }
            }
        }
        try step(.limits) { () throws(SyscallError) in try Privileges.limit(openFiles: plan.openFiles) }
        try step(.bounding) { () throws(SyscallError) in try Privileges.bound(to: plan.capabilities) }
        try step(.identity) { () throws(SyscallError) in
            try Privileges.becomeRoot()
            try Privileges.keep(plan.capabilities)
        }
        try step(.privileges) { () throws(SyscallError) in
            try Privileges.forbidNew()
            // Before the fork: init holds descriptors of the host, and the workload is of its user.
            try Privileges.hideFromPeers()
        }
        if let filter = WorkloadFilter.named(plan.seccompProfile) {
            // Before the fork, so that init is confined before the workload's first instruction.
            try step(.seccomp) { () throws(SyscallError) in try filter.install() }
        }
        try split(plan, logs: logs, status: status)
    }

    private static func readPlan() throws(StepError) -> LaunchPlan {
        let bytes = try step(.plan) { () throws(SyscallError) in
            try readAll(from: planDescriptor, limit: LaunchPlan.sizeLimit)
        }
        _ = close(planDescriptor)
        do throws(PlanError) {
            return try LaunchPlan.decode(bytes)
        } catch {
            throw StepError(step: .plan, errno: EINVAL, text: error.description)
        }
    }

    private static func join(_ path: String) throws(SyscallError) {
        let number = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard number >= 0 else { throw SyscallError("open", errno, path) }
        let namespace = OwnedFD(number)
        try check(csh_setns_net(namespace.rawValue), "setns", path)
    }

    private static func buildRoot(_ plan: LaunchPlan) throws(StepError) {
        try step(.privateMounts) { () throws(SyscallError) in
            // Private, not slave: nothing that the host mounts later appears here. MS_REC | MS_PRIVATE.
            try check(unsafe csh_mount(nil, "/", nil, 0x4000 | 0x40000, nil), "mount", "/")
        }
        let root = try step(.overlay) { () throws(SyscallError) in
            try ContainerRoot(layers: plan.layers, upper: plan.upperDirectory, work: plan.workDirectory)
        }
        try step(.fill) { () throws(SyscallError) in
            try root.furnish()
            for mount in plan.mounts {
                var attributes: DetachedMount.Attributes = [.noDevices, .noSetUserID]
                if mount.readOnly { attributes.insert(.readOnly) }
                try root.attach(try DetachedMount.view(of: mount.source, attributes), at: mount.target)
            }
            _ = try root.directory(plan.workingDirectory)
        }
        try step(.pivot) { () throws(SyscallError) in try root.pivot() }
        if plan.readOnlyRoot { try step(.readOnly) { () throws(SyscallError) in try root.makeReadOnly() } }
    }

    /// The fork: this process goes on as init, its child becomes the workload.
    private static func split(
        _ plan: LaunchPlan,
        logs: consuming OwnedFD,
        status: consuming OwnedFD
    ) throws(StepError) -> Never {
        let output = try step(.fork) { () throws(SyscallError) in try Pipe() }
        let errors = try step(.fork) { () throws(SyscallError) in try Pipe() }
        let failure = try step(.fork) { () throws(SyscallError) in try Pipe() }
        let pid = try step(.fork) { () throws(SyscallError) in
            let pid = csh_fork()
            try check(pid, "fork")
            return pid
        }
        if pid == 0 {
            do throws(StepError) {
                try Workload.become(plan, output: output.write.rawValue, errors: errors.write.rawValue)
            } catch {
                let record = LaunchReport.failed(
                    step: error.step.rawValue,
                    errno: UInt16(clamping: error.errno),
                    text: error.text
                )
                try? writeAll(record.encoded(), to: failure.write.rawValue)
                _exit(failureCode)
            }
        }
        // SIGKILL to the others of the namespace needs it; nothing else that init still does needs any.
        // The child keeps its own: under no_new_privs execve gives no capability that its caller lacks.
        try? Privileges.keep(plan.capabilities.filter { $0 == 5 })
        _ = close(output.write.release())
        _ = close(errors.write.release())
        _ = close(failure.write.release())
        // The end without a word means that execve closed it.
        let said = (try? readAll(from: failure.read.rawValue, limit: 8192)) ?? []
        if !said.isEmpty {
            report(LaunchReport.decode(said) ?? .failed(step: Step.exec.rawValue, errno: 0, text: "no reason given"))
            exit(failureCode)
        }
        _ = close(failure.read.release())
        report(.ready(pid: pid))
        Initial.run(
            plan,
            mainChild: pid,
            output: output.read,
            errors: errors.read,
            logs: logs,
            status: status
        )
    }
}
