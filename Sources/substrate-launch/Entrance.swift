import CSystemShims
import Confinement
import Glibc
import LaunchProtocol
import SystemLayer

/// Goes into a container that runs, and starts a program there under the container's own limits.
enum Entrance {
    /// The pidfd of the container's process number 1.
    private static let containerDescriptor: CInt = 5

    /// Stays outside as the program's parent, and ends as it ended.
    static func launch(_ plan: EnterPlan) throws(StepError) -> Never {
        try step(.session) { () throws(SyscallError) in try check(csh_block_signals(), "sigprocmask") }
        _ = fcntl(containerDescriptor, F_SETFD, FD_CLOEXEC)
        try beginSession(joining: plan.cgroupProcs)
        try? TextFile.write("500", to: "/proc/self/oom_score_adj")
        if let first = plan.firstID {
            // Whoever of the machine has the other ends; inside, nobody may give them away.
            try step(.identity) { () throws(SyscallError) in
                try Identity.givePipes(first + plan.user, first + plan.group)
            }
        }
        try step(.enter) { () throws(SyscallError) in
            // Before anything inside can see this process: its /proc entries lead to the machine's own files.
            try Privileges.hideFromPeers()
            // CLONE_NEWNS, NEWPID, NEWIPC, NEWUTS, NEWNET and, where it has one, NEWUSER of the container, all or none.
            var flags: CInt = 0x2_0000 | 0x2000_0000 | 0x0800_0000 | 0x0400_0000 | 0x4000_0000
            if plan.firstID != nil { flags |= 0x1000_0000 }
            try check(csh_setns_process(containerDescriptor, flags), "setns")
        }
        try step(.limits) { () throws(SyscallError) in try Privileges.limit(openFiles: plan.openFiles) }
        try step(.bounding) { () throws(SyscallError) in try Privileges.bound(to: plan.capabilities) }
        try step(.identity) { () throws(SyscallError) in
            try Privileges.becomeRoot()
            try Privileges.keep(plan.capabilities + Identity.needs(plan.user, plan.group, plan.groups))
        }
        try step(.privileges) { () throws(SyscallError) in
            try Privileges.forbidNew()
            try Privileges.hideFromPeers()
        }
        try split(plan)
    }

    private static func split(_ plan: EnterPlan) throws(StepError) -> Never {
        let failure = try step(.fork) { () throws(SyscallError) in try Pipe() }
        let signals = csh_signalfd()
        try step(.fork) { () throws(SyscallError) in try check(signals, "signalfd") }
        let pid = try forkSelf()
        if pid == 0 {
            let reason: StepError
            do throws(StepError) { reason = try become(plan) } catch { reason = error }
            let words = LaunchReport.failed(
                step: reason.step.rawValue,
                errno: UInt16(clamping: reason.errno),
                text: reason.text
            )
            try? writeAll(words.encoded(), to: failure.write.rawValue)
            _exit(125)
        }
        _ = unsafe chdir("/")
        _ = close(failure.write.rawValue)
        let said = (try? readAll(from: failure.read.rawValue, limit: 8192)) ?? []
        if !said.isEmpty {
            // Left unreaped it would keep the container's process 1 from ending (pid_namespaces(7)).
            _ = waitpid(pid, nil, 0)
            let words = LaunchReport.decode(said)
            Launcher.end(words ?? .failed(step: Step.exec.rawValue, errno: 0, text: "no reason given"), -1)
        }
        // The streams are the program's alone: their end is its end.
        for number in CInt(0)...2 { _ = close(number) }
        Launcher.report(.ready(pid: pid, applied: []))
        forward(signals, to: pid)
    }

    /// Passes signals on until the program has ended, and ends with its code.
    private static func forward(_ signals: CInt, to pid: Int32) -> Never {
        while true {
            var polls = [pollfd(fd: signals, events: Int16(POLLIN), revents: 0)]
            _ = unsafe poll(&polls, 1, -1)
            var sender: CInt = 0
            while case let number = unsafe csh_next_signal(signals, &sender), number > 0 {
                switch number {
                case SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2, SIGQUIT, SIGWINCH: _ = kill(pid, number)
                default: break
                }
            }
            var kind: CInt = 0
            var value: CInt = 0
            while case let ended = unsafe csh_reap_any(&kind, &value), ended > 0 {
                if ended == pid { exit(kind == 1 ? value : 128 + value) }
            }
        }
    }

    private static func become(_ plan: EnterPlan) throws(StepError) -> StepError {
        try step(.descriptors) { () throws(SyscallError) in
            guard setsid() >= 0 else { throw SyscallError("setsid", errno) }
            try Room.takeTerminal(plan.hasTerminal)
            try check(csh_close_range_cloexec(3), "close_range")
            try check(csh_reset_signals(), "sigprocmask")
        }
        if plan.isLandlocked {
            var rules = Landlock.rules(writable: plan.writable)
            // The caller's terminal is a file of the machine: no path inside leads there but this one.
            if plan.hasTerminal { rules.append((path: "/proc/self/fd/0", rights: [.write, .deviceControl])) }
            // No scope: it is not the workload's child, and could not signal it.
            try step(.landlock) { () throws(SyscallError) in try Landlock.restrict(rules) }
        }
        try step(.identity) { () throws(SyscallError) in
            try Identity.assume(plan.user, plan.group, plan.groups, keeping: plan.capabilities)
            try Identity.enter(plan.workingDirectory)
        }
        if let filter = WorkloadFilter.named(plan.seccompProfile) {
            try step(.seccomp) { () throws(SyscallError) in try filter.install() }
        }
        return Workload.execute(plan.arguments, plan.environment)
    }
}
