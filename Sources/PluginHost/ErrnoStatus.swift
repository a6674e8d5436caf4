import Glibc
import HostErrors
import PluginProtocol
import SystemLayer

extension PluginStatus {
    /// The status of a system call that failed on what a script named; total.
    ///
    /// Nil for EBADF and EFAULT, which only a bug of this host can cause.
    /// - Parameter number: the errno.
    init?(errno number: CInt) {
        switch number {
        case EBADF, EFAULT: return nil
        case ENOENT, ENOTDIR, ENAMETOOLONG: self = .notFound
        // ELOOP and EXDEV come from the resolver that keeps paths beneath their directory.
        case EACCES, EPERM, EROFS, ELOOP, EXDEV: self = .accessDenied
        case ENOSPC, EDQUOT, EFBIG: self = .storageFull
        case EAGAIN, EINTR: self = .again
        case EBUSY: self = .busy
        case EEXIST, ENOTEMPTY: self = .exists
        case ENOTSUP, EOPNOTSUPP, EINVAL, EISDIR: self = .unsupported
        case ETIMEDOUT: self = .timeout
        default: self = .ioError
        }
    }
}

extension HostReply {
    /// What a failed system call means to the script.
    ///
    /// - Parameters:
    ///   - error: the call's.
    ///   - path: what the script named.
    /// - Returns: the status, and the path and the call as the reason.
    /// - Throws: fatal for an errno that only a bug of this host can cause.
    static func refused(_ error: SyscallError, _ path: String) throws(HostFailure) -> HostReply {
        guard let status = PluginStatus(errno: error.errno) else {
            throw .fatal(
                HostError(.internal, nil, "\(error) on a descriptor of this host's; this is a bug of the host")
            )
        }
        return .refused(status, "\(path): \(error)")
    }
}
