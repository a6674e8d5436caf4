import CSupervisorShims
import Glibc
public import SystemLayer

/// What a supervisor gives up before it reads its first byte.
public enum SupervisorLimits {
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
    /// - Parameter identity: uid and gid that nobody else has now.
    /// - Throws: the first call that failed.
    public static func isolate(identity: UInt32) throws(SyscallError) {
        try check("pivot_root", csv_empty_root())
        try check("setresuid", csv_become(identity))
    }

    private static func check(_ call: String, _ status: CInt) throws(SyscallError) {
        guard status == 0 else { throw SyscallError(call, -status) }
    }
}
