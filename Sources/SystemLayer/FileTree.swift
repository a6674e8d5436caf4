import CSystemShims
import Glibc

/// Whole directory trees.
public enum FileTree {
    /// Removes a file or a tree; one that is gone counts as removed.
    ///
    /// Follows no symlink, crosses no mount, opens directories that lack permissions, and uses bounded memory and
    /// descriptors however deep a workload made it: what lies deeper than 64 is first moved up.
    /// - Parameter path: absolute; its last component may be a symlink, which itself is removed.
    /// - Throws: the first failing call; EXDEV or EBUSY where a mount is in the way.
    public static func remove(_ path: String) throws(SyscallError) {
        if unsafe unlink(path) == 0 || errno == ENOENT || errno == ENOTDIR { return }
        guard errno == EISDIR || errno == EPERM else { throw SyscallError("unlink", errno, path) }
        let top = try openDirectory(in: AT_FDCWD, CStrings.terminated(path), subject: path)
        var moved = 0
        try empty(top.rawValue, top: top.rawValue, depth: 0, moved: &moved, subject: path)
        // Each pass removes what the one before moved up, and may move up what lay below that.
        var last = 0
        while last != moved {
            last = moved
            try empty(top.rawValue, top: top.rawValue, depth: 0, moved: &moved, subject: path)
        }
        guard unsafe rmdir(path) == 0 || errno == ENOENT else { throw SyscallError("rmdir", errno, path) }
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

    private static func openDirectory(
        in directory: CInt,
        _ name: [CChar],
        subject: String
    ) throws(SyscallError) -> OwnedFD {
        // RESOLVE_NO_MAGICLINKS is 2, RESOLVE_NO_XDEV is 1; a mount below must never be emptied.
        let resolve: UInt64 = directory == AT_FDCWD ? 2 : 3
        let flags = UInt64(O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
        var number = unsafe csh_openat2(directory, name, flags, 0, resolve)
        if number == -EACCES {
            _ = unsafe fchmodat(directory, name, 0o700, 0)
            number = unsafe csh_openat2(directory, name, flags, 0, resolve)
        }
        guard number >= 0 else { throw SyscallError("openat2", -number, subject) }
        return OwnedFD(number)
    }

    private static func empty(
        _ directory: CInt,
        top: CInt,
        depth: Int,
        moved: inout Int,
        subject: String
    ) throws(SyscallError) {
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
            let child = try openDirectory(in: directory, name, subject: subject)
            try empty(child.rawValue, top: top, depth: depth + 1, moved: &moved, subject: subject)
            guard unsafe unlinkat(directory, name, AT_REMOVEDIR) == 0 || errno == ENOENT else {
                throw SyscallError("unlinkat", errno, subject)
            }
        }
    }

    private static func names(in directory: CInt, subject: String) throws(SyscallError) -> [[CChar]] {
        let copy = fcntl(directory, F_DUPFD_CLOEXEC, 3)
        guard copy >= 0 else { throw SyscallError("fcntl", errno, subject) }
        guard let stream = unsafe fdopendir(copy) else {
            _ = Glibc.close(copy)
            throw SyscallError("fdopendir", errno, subject)
        }
        defer { unsafe _ = closedir(stream) }
        unsafe rewinddir(stream)
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
