import CSystemShims
import Glibc

/// Mounts of this process's own namespace.
public enum Mounts {
    /// Takes a mount and all below it out of sight at once; the kernel frees it when its last user is gone.
    ///
    /// - Parameter path: the mount point; a symlink is not followed. One that is no mount point counts as done.
    /// - Throws: the errno of umount2(2).
    public static func unmountDetached(_ path: String) throws(SyscallError) {
        let result = unsafe csh_unmount_detached(path)
        guard result == 0 || result == -EINVAL || result == -ENOENT else {
            throw SyscallError("umount2", -result, path)
        }
    }
}
