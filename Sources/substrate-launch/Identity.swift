import Confinement
import Glibc
import SystemLayer

/// Whom a workload becomes: the last thing before its own filter.
enum Identity {
    /// The capabilities that it takes: CHOWN for its own output, SETGID and SETUID; none where it stays root.
    static func needs(_ user: UInt32, _ group: UInt32, _ groups: [UInt32]) -> [UInt8] {
        user == 0 && group == 0 && groups.isEmpty ? [] : [0, 6, 7]
    }

    /// Becomes that user, and keeps the plan's capabilities alone.
    static func assume(
        _ user: UInt32,
        _ group: UInt32,
        _ groups: [UInt32],
        keeping capabilities: [UInt8]
    ) throws(SyscallError) {
        guard !needs(user, group, groups).isEmpty else { return }
        try givePipes(user, group)
        try Privileges.become(user: user, group: group, groups: groups)
        try Privileges.keep(capabilities)
    }

    /// Its own pipes, so that it can open them by name (`/dev/stderr`) as any program does.
    static func givePipes(_ user: UInt32, _ group: UInt32) throws(SyscallError) {
        for number in CInt(0)...2 {
            var about = stat()
            guard unsafe fstat(number, &about) == 0, about.st_mode & S_IFMT == S_IFIFO,
                about.st_uid != user || about.st_gid != group
            else { continue }
            guard fchown(number, user, group) == 0 else { throw SyscallError("fchown", errno, "descriptor \(number)") }
        }
    }

    /// Goes to where the program starts: as its user, whose own directory may be closed to root without capabilities.
    static func enter(_ directory: String) throws(SyscallError) {
        guard unsafe chdir(directory) == 0 else { throw SyscallError("chdir", errno, directory) }
        // "(unreachable)/…" would mean a directory outside the root: CVE-2024-21626.
        var buffer = [CChar](repeating: 0, count: 4096)
        guard unsafe getcwd(&buffer, buffer.count) != nil, buffer[0] == 47 else {
            throw SyscallError("getcwd", ENOENT, directory)
        }
    }
}
