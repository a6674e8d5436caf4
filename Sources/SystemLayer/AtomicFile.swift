import CSystemShims
import Glibc

/// Files that are whole or absent: temporary name, fsync, rename, fsync of the directory.
public enum AtomicFile {
    /// Writes a file so that a crash at any instant leaves the old one or the new one.
    ///
    /// - Parameters:
    ///   - bytes: the whole contents.
    ///   - path: absolute; its directory exists. Replaced if there.
    ///   - mode: the permission bits, set whatever the umask.
    /// - Throws: the first failing call; the temporary file is gone then.
    /// - Source: rename(2), fsync(2) "directory".
    public static func write(_ bytes: [UInt8], to path: String, mode: UInt32 = 0o600) throws(SyscallError) {
        let directory = path.split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(separator: "/")
        let temporary = "\(path).tmp-\(getpid())-\(UInt32.random(in: 0 ... .max))"
        let number = unsafe open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode)
        guard number >= 0 else { throw SyscallError("open", errno, temporary) }
        do throws(SyscallError) {
            let file = OwnedFD(number)
            try writeAll(bytes, to: number)
            guard fchmod(number, mode) == 0 else { throw SyscallError("fchmod", errno, temporary) }
            guard fsync(number) == 0 else { throw SyscallError("fsync", errno, temporary) }
            try file.close()
            guard unsafe rename(temporary, path) == 0 else { throw SyscallError("rename", errno, path) }
            try syncDirectory(directory.isEmpty ? "/" : directory)
        } catch {
            _ = unsafe unlink(temporary)
            throw error
        }
    }

    /// Makes the names in a directory durable.
    ///
    /// - Parameter path: the directory.
    /// - Throws: the errno of open(2) or fsync(2).
    public static func syncDirectory(_ path: String) throws(SyscallError) {
        let number = unsafe open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard number >= 0 else { throw SyscallError("open", errno, path) }
        let directory = OwnedFD(number)
        guard fsync(number) == 0 else { throw SyscallError("fsync", errno, path) }
        try directory.close()
    }

    /// Makes everything that was written in a directory's file system durable.
    ///
    /// - Parameter path: the directory.
    /// - Throws: the errno of open(2) or syncfs(2).
    public static func syncFileSystem(_ path: String) throws(SyscallError) {
        let number = unsafe open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard number >= 0 else { throw SyscallError("open", errno, path) }
        let directory = OwnedFD(number)
        let code = csh_syncfs(number)
        guard code == 0 else { throw SyscallError("syncfs", -code, path) }
        try directory.close()
    }
}
