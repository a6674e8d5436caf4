import CSystemShims
import Glibc
public import SystemLayer

/// Rules of Landlock on the calling process and all that it starts: a second wall, beside mounts and capabilities.
///
/// Kernels differ in what they have: nothing is claimed of one that has none.
/// - Source: landlock(7); linux/landlock.h for the bits.
public enum Landlock {
    /// What a program may do beneath a directory, or to a file.
    public struct Rights: OptionSet, Sendable {
        /// The kernel's bits.
        public let rawValue: UInt64

        /// Takes the kernel's bits.
        ///
        /// - Parameter rawValue: `LANDLOCK_ACCESS_FS_…`.
        public init(rawValue: UInt64) { self.rawValue = rawValue }

        /// Executing, reading files and listing directories.
        public static let read = Rights(rawValue: 0b1101)
        /// Character and block devices: never given.
        static let makeDevices = Rights(rawValue: 1 << 6 | 1 << 11)
        /// ioctl(2) on devices that are opened from then on.
        public static let deviceControl = Rights(rawValue: 1 << 15)
        /// Everything that this version knows but making devices and controlling them.
        public static let write = Rights(rawValue: (1 << 15) - 1).subtracting(makeDevices)
        /// What a rule on a file that is no directory can say.
        fileprivate static let ofFile = Rights(rawValue: 0b111 | 1 << 14 | 1 << 15)
    }

    /// The version that this kernel has; 0 without any.
    public static var version: Int { Int(max(0, csh_landlock_version())) }

    /// All rights to files that a version knows.
    static func known(_ version: Int) -> Rights {
        var bits: UInt64 = (1 << 13) - 1
        if version >= 2 { bits |= 1 << 13 }
        if version >= 3 { bits |= 1 << 14 }
        if version >= 5 { bits |= 1 << 15 }
        return Rights(rawValue: bits)
    }

    /// Cuts the caller and all that it starts off from abstract sockets and processes of others; version 6 and newer.
    ///
    /// Among themselves nothing changes. Needs no_new_privs.
    /// - Throws: the failing call; an older kernel is no failure.
    public static func scope() throws(SyscallError) {
        let version = version
        guard version >= 6 else { return }
        // Moving files between directories is refused by every rule set that does not allow it.
        let moving = Rights(rawValue: 1 << 13)
        // LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET and _SIGNAL.
        let set = try make(version, moving, scopes: 3)
        try allow([(path: "/", rights: moving)], moving, in: set)
        try enforce(set)
    }

    /// Leaves the caller and all that it starts no other files than those of the rules; devices are never made.
    ///
    /// Needs no_new_privs. What is open stays as it is.
    /// - Parameter rules: what is allowed beneath each path, as the caller sees it now; what is missing is skipped.
    /// - Throws: the failing call, ENOSYS or EOPNOTSUPP where the kernel has none.
    public static func restrict(_ rules: [(path: String, rights: Rights)]) throws(SyscallError) {
        let version = csh_landlock_version()
        guard version > 0 else { throw SyscallError("landlock_create_ruleset", -version) }
        let known = known(Int(version))
        let set = try make(Int(version), known, scopes: 0)
        try allow(rules, known, in: set)
        try enforce(set)
    }

    private static func make(_ version: Int, _ files: Rights, scopes: UInt64) throws(SyscallError) -> OwnedFD {
        let number = csh_landlock_make(CInt(version), files.rawValue, scopes)
        guard number >= 0 else { throw SyscallError("landlock_create_ruleset", -number) }
        return OwnedFD(number)
    }

    private static func allow(
        _ rules: [(path: String, rights: Rights)],
        _ known: Rights,
        in set: borrowing OwnedFD
    ) throws(SyscallError) {
        for (path, rights) in rules {
            let opened = unsafe open(path, pathOnly | O_CLOEXEC)
            if opened < 0, errno == ENOENT { continue }
            guard opened >= 0 else { throw SyscallError("open", errno, path) }
            let place = OwnedFD(opened)
            var about = stat()
            guard unsafe fstat(opened, &about) == 0 else { throw SyscallError("fstat", errno, path) }
            var allowed = rights.intersection(known)
            if about.st_mode & S_IFMT != S_IFDIR { allowed.formIntersection(.ofFile) }
            let result = csh_landlock_allow(set.rawValue, place.rawValue, allowed.rawValue)
            guard result == 0 else { throw SyscallError("landlock_add_rule", -result, path) }
        }
    }

    /// The rules of a container: what its mounts let it write, and its own devices and processes.
    ///
    /// - Parameter writable: what it may write beside `/dev`, `/proc` and `/tmp` although its root refuses writes; nil
    ///   where the root takes them.
    /// - Returns: for `restrict`.
    public static func rules(writable: [String]?) -> [(path: String, rights: Rights)] {
        let own = ["/proc", "/tmp"] + (writable ?? [])
        return [
            (path: "/", rights: writable == nil ? .write : .read), (path: "/dev", rights: [.write, .deviceControl]),
        ]
            + own.map { (path: $0, rights: .write) }
    }

    private static func enforce(_ set: consuming OwnedFD) throws(SyscallError) {
        let result = csh_landlock_restrict(set.rawValue)
        guard result == 0 else { throw SyscallError("landlock_restrict_self", -result) }
    }
}
