import CSystemShims
import Glibc
public import SystemLayer

/// What the calling process may do, taken away for good.
public enum Privileges {
    /// Leaves these capabilities as the most that any program executed from here can have.
    ///
    /// - Parameter capabilities: their numbers.
    /// - Throws: the failing call; needs SETPCAP.
    /// - Source: capabilities(7) "Securebits".
    public static func bound(to capabilities: [UInt8]) throws(SyscallError) {
        try dropBounding(to: capabilities)
        let ambient = csh_clear_ambient()
        guard ambient == 0 else { throw SyscallError("prctl", -ambient, "PR_CAP_AMBIENT") }
        let bits = csh_lock_securebits()
        guard bits == 0 else { throw SyscallError("prctl", -bits, "PR_SET_SECUREBITS") }
    }

    /// The same without the locks: who becomes another user in it loses its capabilities, as everywhere.
    ///
    /// - Parameter capabilities: their numbers.
    /// - Throws: the failing call; needs SETPCAP.
    public static func dropBounding(to capabilities: [UInt8]) throws(SyscallError) {
        for number in UInt32(0)..<64 where !capabilities.contains(UInt8(number)) {
            let result = csh_drop_bounding(number)
            // The first number that this kernel does not have ends the list.
            if result == -22 { break }
            guard result == 0 else { throw SyscallError("prctl", -result, "PR_CAPBSET_DROP \(number)") }
        }
    }

    /// Keeps exactly these capabilities in this process.
    ///
    /// - Parameter capabilities: their numbers.
    /// - Throws: the errno of capset(2).
    public static func keep(_ capabilities: [UInt8]) throws(SyscallError) {
        let set = capabilities.reduce(UInt64(0)) { $0 | 1 << UInt64($1) }
        let result = csh_set_capabilities(set, set, 0)
        guard result == 0 else { throw SyscallError("capset", -result) }
    }

    /// Those of the capabilities that this process has itself: the machine, or whoever confines this host, may lack some.
    ///
    /// - Parameter wanted: their numbers.
    /// - Returns: the same in order without what is not there; all where /proc is missing.
    public static func permitted(of wanted: [UInt8]) -> [UInt8] {
        let lines = (TextFile.read("/proc/self/status") ?? "").split(separator: "\n")
        guard let line = lines.first(where: { $0.hasPrefix("CapPrm:\t") }),
            let set = UInt64(line.dropFirst(8), radix: 16)
        else { return wanted }
        return wanted.filter { set & 1 << UInt64($0) != 0 }
    }

    /// Becomes 0:0 with no other groups.
    ///
    /// - Throws: the errno of setresuid(2) or its kin.
    public static func becomeRoot() throws(SyscallError) {
        let result = csh_set_root_ids()
        guard result == 0 else { throw SyscallError("setresuid", -result) }
    }

    /// Becomes somebody else, with the group of the same number and no other, and without any capability.
    ///
    /// For a process that may set any: all three numbers of each kind are set.
    /// - Parameter user: not 0.
    /// - Throws: the errno of setuid(2) or its kin.
    public static func become(_ user: UInt32) throws(SyscallError) {
        guard setgroups(0, nil) == 0 else { throw SyscallError("setgroups", errno) }
        guard setgid(user) == 0 else { throw SyscallError("setgid", errno) }
        guard setuid(user) == 0 else { throw SyscallError("setuid", errno) }
    }

    /// Becomes a user with these groups; needs SETUID and SETGID, and keeps its capabilities where `bound` was called.
    ///
    /// - Parameters:
    ///   - user: real, effective and saved.
    ///   - group: likewise.
    ///   - groups: the further ones.
    /// - Throws: the errno of setgroups(2), setresgid(2) or setresuid(2).
    public static func become(user: UInt32, group: UInt32, groups: [UInt32]) throws(SyscallError) {
        let result = unsafe groups.withUnsafeBufferPointer { list in
            unsafe csh_set_ids(user, group, list.baseAddress, list.count)
        }
        guard result == 0 else { throw SyscallError("setresuid", -result, "\(user):\(group)") }
    }

    /// No program executed from here gains anything by its set-user-id bit or file capabilities.
    ///
    /// - Throws: the errno of prctl(2).
    public static func forbidNew() throws(SyscallError) {
        let result = csh_no_new_privileges()
        guard result == 0 else { throw SyscallError("prctl", -result, "PR_SET_NO_NEW_PRIVS") }
    }

    /// Closes this process's /proc entries to those who have no more than its own user.
    ///
    /// Undone by the next execve(2).
    /// - Parameter hidden: false opens them again.
    /// - Throws: the errno of prctl(2).
    public static func hideFromPeers(_ hidden: Bool = true) throws(SyscallError) {
        let result = csh_set_dumpable(hidden ? 0 : 1)
        guard result == 0 else { throw SyscallError("prctl", -result, "PR_SET_DUMPABLE") }
    }

    /// Bounds open files and forbids core files.
    ///
    /// - Parameter openFiles: the most open files; a lower hard limit stays.
    /// - Throws: the errno of setrlimit(2).
    public static func limit(openFiles: UInt64) throws(SyscallError) {
        let files = csh_limit_files(openFiles)
        guard files == 0 else { throw SyscallError("setrlimit", -files, "RLIMIT_NOFILE") }
        let core = csh_no_core()
        guard core == 0 else { throw SyscallError("setrlimit", -core, "RLIMIT_CORE") }
    }
}
