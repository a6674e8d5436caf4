import CSystemShims
import Glibc

/// Whole directory trees.
public enum FileTree {
    /// Removes a file or a tree; one that is gone counts as removed.
    ///
    /// Follows no symlink, crosses no mount, opens directories that lack permissions, takes names that are no text, and
    /// uses bounded memory and descriptors however deep a workload made it: what lies deeper than 64 is first moved up.
    /// - Parameters:
    ///   - path: absolute, or a name in `directory`; its last component may be a symlink, which itself is removed.
    ///   - directory: an open one that nothing is mounted in, so that a filtered process needs no openat2(2);
    ///     nil for an absolute path.
    /// - Throws: the first failing call; EXDEV or EBUSY where a mount is in the way.
    public static func remove(_ path: String, in directory: CInt? = nil) throws(SyscallError) {
        let mayMeetMounts = directory == nil
        let directory = directory ?? AT_FDCWD
        if unsafe unlinkat(directory, path, 0) == 0 || errno == ENOENT || errno == ENOTDIR { return }
        guard errno == EISDIR || errno == EPERM else { throw SyscallError("unlinkat", errno, path) }
        if unsafe unlinkat(directory, path, AT_REMOVEDIR) == 0 { return }
        let top = try open(CStrings.terminated(path), in: directory, subject: path, mayMeetMounts: mayMeetMounts)
        var removal = Removal(top: top.rawValue, subject: path, mayMeetMounts: mayMeetMounts)
        // Each pass removes what the one before moved up, and may move up what lay below that.
        var last = -1
        while last != removal.moved {
            last = removal.moved
            try removal.empty(top.rawValue, depth: 0)
        }
        guard unsafe unlinkat(directory, path, AT_REMOVEDIR) == 0 || errno == ENOENT else {
            throw SyscallError("unlinkat", errno, path)
        }
    }

    /// Makes a directory and those above it.
    ///
    /// - Parameters:
    ///   - path: absolute.
    ///   - mode: of each directory that is made, whatever the umask; existing ones stay as they are.
    /// - Throws: the errno of mkdir(2), or ENOTDIR when something else is there.
    public static func makeDirectories(_ path: String, mode: UInt32) throws(SyscallError) {
        // As a rule all above it is there.
        if unsafe mkdir(path, mode) == 0 {
            guard unsafe chmod(path, mode) == 0 else { throw SyscallError("chmod", errno, path) }
            return
        }
        var current = path.hasPrefix("/") ? "" : "."
        for component in path.split(separator: "/") {
            current += "/\(component)"
            if unsafe mkdir(current, mode) == 0 {
                guard unsafe chmod(current, mode) == 0 else { throw SyscallError("chmod", errno, current) }
                continue
            }
            guard errno == EEXIST else { throw SyscallError("mkdir", errno, current) }
        }
        var about = stat()
        guard unsafe stat(path, &about) == 0 else { throw SyscallError("stat", errno, path) }
        guard about.st_mode & S_IFMT == S_IFDIR else { throw SyscallError("mkdir", ENOTDIR, path) }
    }

    /// One removal under way.
    private struct Removal {
        let top: CInt
        let subject: String
        let mayMeetMounts: Bool
        var moved = 0

        mutating func empty(_ directory: CInt, depth: Int) throws(SyscallError) {
            for name in try names(in: directory, subject: subject) {
                if unsafe unlinkat(directory, name, 0) == 0 || errno == ENOENT { continue }
                if errno == EACCES {
                    // Our own directory lacks the write bit: only its owner gets here, root never does.
                    _ = fchmod(directory, 0o700)
                    if unsafe unlinkat(directory, name, 0) == 0 { continue }
                }
                guard errno == EISDIR || errno == EPERM else { throw SyscallError("unlinkat", errno, subject) }
                if unsafe unlinkat(directory, name, AT_REMOVEDIR) == 0 { continue }
                if depth >= 64 {
                    moved += 1
                    let aside = ".moved-\(moved)-\(UInt64.random(in: 0 ... .max))"
                    let result = unsafe csh_renameat(directory, name, top, aside)
                    guard result == 0 else { throw SyscallError("renameat", -result, subject) }
                    continue
                }
                let child = try open(name, in: directory, subject: subject, mayMeetMounts: mayMeetMounts)
                try empty(child.rawValue, depth: depth + 1)
                guard unsafe unlinkat(directory, name, AT_REMOVEDIR) == 0 || errno == ENOENT else {
                    throw SyscallError("unlinkat", errno, subject)
                }
            }
        }
    }

    private static func open(
        _ name: [CChar],
        in directory: CInt,
        subject: String,
        mayMeetMounts: Bool
    ) throws(SyscallError) -> OwnedFD {
        let flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC
        // RESOLVE_NO_MAGICLINKS is 2, RESOLVE_NO_XDEV is 1; a mount below must never be emptied.
        let resolve: UInt64 = directory == AT_FDCWD ? 2 : 3
        func attempt() -> CInt {
            if mayMeetMounts { return unsafe csh_openat2(directory, name, UInt64(flags), 0, resolve) }
            let number = unsafe openat(directory, name, flags)
            return number < 0 ? -errno : number
        }
        var number = attempt()
        if number == -EACCES {
            _ = unsafe fchmodat(directory, name, 0o700, 0)
            number = attempt()
        }
        guard number >= 0 else { throw SyscallError("openat", -number, subject) }
        return OwnedFD(number)
    }

    private static func names(in directory: CInt, subject: String) throws(SyscallError) -> [[CChar]] {
        // A descriptor of its own: the stream takes it over, and a duplicate would share its offset.
        let copy = unsafe openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard copy >= 0 else { throw SyscallError("openat", errno, subject) }
        guard let stream = unsafe fdopendir(copy) else {
            _ = Glibc.close(copy)
            throw SyscallError("fdopendir", errno, subject)
        }
        defer { unsafe _ = closedir(stream) }
        var all: [[CChar]] = []
        while let entry = unsafe readdir(stream) {
            // Bytes, not text: a workload may name its files in anything.
            let name = unsafe withUnsafeBytes(of: entry.pointee.d_name) { bytes in
                unsafe bytes.prefix { $0 != 0 }.map { CChar(bitPattern: $0) } + [0]
            }
            if name == [46, 0] || name == [46, 46, 0] { continue }
            all.append(name)
        }
        return all
    }
}
