import CSystemShims
import Confinement
import Glibc
import LaunchProtocol
import SystemLayer

/// The child's half: from the fork to the workload's own program.
enum Workload {
    /// Becomes the plan's program; `whenConfined` reaches its end when init has given up what it does not need.
    static func become(
        _ plan: LaunchPlan,
        isLandlocked: Bool,
        output: CInt,
        errors: CInt,
        whenConfined: CInt
    ) throws(StepError) -> Never {
        _ = umask(plan.umask)
        // Under pressure the workload goes before its init, which has its output and its end to record.
        // In a user namespace the file is the machine's root's while this process is hidden; nobody else is there yet.
        if plan.firstID != nil { try? Privileges.hideFromPeers(false) }
        try? TextFile.write("500", to: "/proc/self/oom_score_adj")
        try step(.privileges) { () throws(SyscallError) in try Privileges.hideFromPeers() }
        try step(.descriptors) { () throws(SyscallError) in
            // A session of its own, so that it leads a process group and has no terminal.
            guard setsid() >= 0 else { throw SyscallError("setsid", errno) }
            for (source, target) in [(output, 1), (errors, 2)] as [(CInt, CInt)] {
                guard dup2(source, target) >= 0 else { throw SyscallError("dup2", errno) }
            }
            try check(csh_close_range_cloexec(3), "close_range")
            try check(csh_reset_signals(), "sigprocmask")
        }
        if isLandlocked {
            let writable = plan.readOnlyRoot ? plan.mounts.filter { !$0.readOnly }.map(\.target) : nil
            try step(.landlock) { () throws(SyscallError) in
                try Landlock.restrict(Landlock.rules(writable: writable))
            }
        }
        // The instructions are made while init does the same, then both are confined before the first of the program.
        let filter = WorkloadFilter.named(plan.seccompProfile)
        try step(.fork) { () throws(SyscallError) in
            guard try readAll(from: whenConfined, limit: 1).isEmpty else { throw SyscallError("read", EPROTO) }
        }
        try step(.identity) { () throws(SyscallError) in
            try Identity.assume(plan.user, plan.group, plan.groups, keeping: plan.capabilities)
            try Identity.enter(plan.workingDirectory)
        }
        if let filter { try step(.seccomp) { () throws(SyscallError) in try filter.install() } }
        throw execute(plan.arguments, plan.environment)
    }

    /// Answers only if no candidate can be executed.
    static func execute(_ words: [String], _ variables: [String]) -> StepError {
        let program = words.first ?? ""
        let arguments = CStrings(words)
        let environment = CStrings(variables)
        var reason = ENOENT
        for candidate in candidates(program, variables) {
            unsafe arguments.withPointers { argv in
                unsafe environment.withPointers { envp in
                    _ = unsafe execve(candidate, argv, envp)
                }
            }
            // As execvp(3): a file that is there but cannot be executed is the better reason.
            if errno != ENOENT && errno != ENOTDIR { reason = errno }
            if errno != ENOENT && errno != ENOTDIR && errno != EACCES { break }
        }
        return StepError(
            step: .exec,
            errno: reason,
            text: SyscallError("execve", reason, program).description
        )
    }

    private static func candidates(_ program: String, _ environment: [String]) -> [String] {
        if program.contains("/") { return [program] }
        let path = environment.last { $0.hasPrefix("PATH=") }?.dropFirst(5) ?? "/usr/local/bin:/usr/bin:/bin"
        return path.split(separator: ":", omittingEmptySubsequences: false).map {
            "\($0.isEmpty ? "." : $0)/\(program)"
        }
    }
}
