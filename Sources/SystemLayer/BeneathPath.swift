import CSystemShims
import Glibc

/// Paths that strangers name: opened below a directory, and nowhere else.
public enum BeneathPath {
    /// Opens what a relative path names, following no symbolic link and leaving neither the directory nor its mount.
    ///
    /// - Parameters:
    ///   - path: relative; `..` that leaves the directory is EXDEV, a symbolic link ELOOP.
    ///   - directory: absolute, itself no symbolic link.
    ///   - flags: of open(2); close-on-exec is added.
    /// - Returns: the descriptor.
    /// - Throws: the errno of openat2(2).
    public static func open(_ path: String, beneath directory: String, flags: CInt) throws(SyscallError) -> OwnedFD {
        let number = unsafe Glibc.open(directory, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
        guard number >= 0 else { throw SyscallError("open", errno, directory) }
        let root = OwnedFD(number)
        if path.isEmpty || path == "." { return root }
        // RESOLVE_BENEATH 8, RESOLVE_NO_SYMLINKS 4, RESOLVE_NO_MAGICLINKS 2, RESOLVE_NO_XDEV 1.
        let opened = unsafe csh_openat2(root.rawValue, path, UInt64(flags | O_CLOEXEC), 0, 15)
        guard opened >= 0 else { throw SyscallError("openat2", -opened, path) }
        return OwnedFD(opened)
    }
}
