import CSystemShims
import Glibc
public import SystemLayer

/// A user namespace whose ids 0 to 65,535 are a range of the machine's, and what belongs to them seen through it.
///
/// Whoever is in it is nobody of the machine, root included; on disk everything keeps the numbers that it has inside.
/// - Source: user_namespaces(7); mount_setattr(2) "ID-mapped mounts".
public final class UserNamespace {
    /// How many ids one has.
    public static let size: UInt32 = 65_536

    private let descriptor: OwnedFD
    private let first: UInt32

    /// Makes one, and stays outside.
    ///
    /// - Parameter first: the machine's id that is 0 inside, for users and for groups.
    /// - Throws: ENOSPC where the kernel allows no more of them.
    public init(first: UInt32) throws(SyscallError) {
        let number = csh_user_namespace(first, Self.size)
        guard number >= 0 else {
            let mend = "; raise it with sysctl user.max_user_namespaces=10000"
            throw SyscallError("unshare", -number, "CLONE_NEWUSER\(number == -ENOSPC ? mend : "")")
        }
        descriptor = OwnedFD(number)
        self.first = first
    }

    /// Goes into it, with every capability there and none here.
    ///
    /// - Throws: the errno of setns(2).
    public func enter() throws(SyscallError) {
        let result = csh_enter_users(descriptor.rawValue)
        guard result == 0 else { throw SyscallError("setns", -result, "CLONE_NEWUSER") }
    }

    /// Makes files from now on as its root, with the capabilities that the caller has.
    ///
    /// - Throws: the failing call; needs SETPCAP and SETUID.
    public func ownFiles() throws(SyscallError) {
        let result = csh_set_file_ids(first)
        guard result == 0 else { throw SyscallError("setfsuid", -result, "\(first)") }
    }

    /// Makes files as the machine's root again.
    ///
    /// - Throws: the failing call.
    public func disownFiles() throws(SyscallError) {
        let result = csh_reset_file_ids()
        guard result == 0 else { throw SyscallError("prctl", -result, "PR_SET_SECUREBITS") }
    }

    /// A second view of a directory or file, in which what is 0's on disk is this namespace's root's.
    ///
    /// - Parameters:
    ///   - path: as this process sees it now.
    ///   - attributes: what the view refuses.
    /// - Returns: the mount, without a place.
    /// - Throws: the failing call; EINVAL where the file system can have no such view.
    public func view(
        of path: String,
        _ attributes: DetachedMount.Attributes
    ) throws(SyscallError) -> OwnedFD {
        let mount = try DetachedMount.view(of: path, attributes)
        let result = csh_mount_shift(mount.rawValue, descriptor.rawValue)
        guard result == 0 else {
            let mend = "its file system has no idmapped mounts: use another one, or serve without user_namespace"
            throw SyscallError("mount_setattr", -result, result == -EINVAL ? "\(path): \(mend)" : path)
        }
        return mount
    }

    /// Opens a directory in such a view, to work beneath the descriptor from inside.
    ///
    /// - Parameter path: as this process sees it now.
    /// - Returns: the directory.
    /// - Throws: the failing call.
    public func directory(_ path: String) throws(SyscallError) -> OwnedFD {
        let view = try view(of: path, [.noDevices, .noSetUserID, .noExecution])
        let number = unsafe openat(view.rawValue, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard number >= 0 else { throw SyscallError("openat", errno, path) }
        return OwnedFD(number)
    }

    /// Puts such views over the directories themselves, for this mount namespace.
    ///
    /// - Parameter paths: directories.
    /// - Throws: the failing call.
    public func cover(_ paths: [String]) throws(SyscallError) {
        // All of them first: one may lie in another, and a view of a view cannot be had.
        var views: [CInt] = []
        defer { for view in views { _ = close(view) } }
        for path in paths { views.append(try view(of: path, []).release()) }
        for (path, view) in zip(paths, views) {
            let number = unsafe open(path, pathOnly | O_DIRECTORY | O_CLOEXEC)
            guard number >= 0 else { throw SyscallError("open", errno, path) }
            let place = OwnedFD(number)
            try DetachedMount.attach(view, to: place.rawValue, subject: path)
        }
    }
}
