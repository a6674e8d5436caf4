import CSupervisorShims
import Glibc
public import SystemLayer

/// What a supervisor gives up before it reads its first byte.
public enum SupervisorLimits {
    /// Joins cgroups by their `tasks` files; before anything else, while the files can still be reached.
    ///
    /// - Parameter tasks: one file of each v1 hierarchy; in v2 the host has the process born in its cgroup.
    /// - Throws: the failing call.
    public static func join(tasks: [String]) throws(SyscallError) {
        // A process of one thread that moves itself waits for nobody, unlike one that is moved by `cgroup.procs`.
        for file in tasks { try TextFile.write("0", to: file) }
    }

    /// Gives up core files, tracing, resources, privileges and paths; the filter comes last and apart.
    ///
    /// - Parameters:
    ///   - memory: bytes that Lua may hold; the address space is 64 MiB more, so that Lua's own refusal comes first.
    ///   - cpuSeconds: the largest deadline and one second.
    /// - Throws: the first call that failed. A kernel without Landlock is no failure: the filter denies every path.
    public static func apply(memory: Int, cpuSeconds: UInt64) throws(SyscallError) {
        try check("prctl", csv_set_undumpable())
        let limits: [(__rlimit_resource, UInt64)] = [
            (RLIMIT_CORE, 0), (RLIMIT_FSIZE, 0), (__RLIMIT_NPROC, 0),
            (__RLIMIT_MEMLOCK, 0), (__RLIMIT_MSGQUEUE, 0), (RLIMIT_AS, UInt64(memory) + (64 << 20)),
            (RLIMIT_CPU, cpuSeconds), (RLIMIT_STACK, 8 << 20),
        ]
        for (resource, value) in limits { try check("setrlimit", csv_limit(CInt(resource.rawValue), value)) }
        try check("prctl", csv_set_no_new_privileges())
        let landlock = csv_landlock_deny_all()
        if landlock != -ENOSYS, landlock != -EOPNOTSUPP { try check("landlock", landlock) }
        // Last: the rule set above is a descriptor for a moment.
        try check("setrlimit", csv_limit(CInt(RLIMIT_NOFILE.rawValue), 4))
    }

    /// Leaves this machine's files and becomes nobody else's user; as root, in namespaces of its own.
    ///
    /// Done here and not before exec, because the Swift runtime reads `/proc/self/exe` when it starts and aborts without.
    /// - Parameters:
    ///   - identity: uid and gid that nobody else has now.
    ///   - userNamespace: whether to go into one where that user is nobody; that it cannot be had is a failure.
    /// - Throws: the first call that failed.
    public static func isolate(identity: UInt32, userNamespace: Bool) throws(SyscallError) {
        try check("pivot_root", csv_empty_root())
        try check(
            userNamespace ? "setresuid, unshare, capset" : "setresuid, capset",
            csv_become(identity, userNamespace ? 1 : 0)
        )
    }

    private static func check(_ call: String, _ status: CInt) throws(SyscallError) {
        guard status == 0 else { throw SyscallError(call, -status) }
    }
}
