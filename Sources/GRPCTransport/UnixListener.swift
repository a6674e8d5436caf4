import Glibc
import HostErrors
import SystemLayer

/// A listening socket at a path of the file system, and the path's identity.
struct UnixListener: ~Copyable {
    let socket: OwnedFD
    let path: String
    private let device: UInt
    private let inode: UInt

    /// Binds and listens; the directory is made (0700) if missing, and a stale socket is replaced.
    ///
    /// - Parameter path: absolute, at most 107 bytes.
    /// - Throws: `failedPrecondition` if another process listens there, the path is no socket, or others may
    ///   write the directory.
    init(path: String) throws(HostError) {
        let cut = path.lastIndex(of: "/") ?? path.startIndex
        guard path.hasPrefix("/"), path.utf8.count <= 107, !path.utf8.contains(0), !path.hasSuffix("/") else {
            throw HostError(.invalidArgument, nil, "the socket's path must be absolute and at most 107 bytes: \(path)")
        }
        let parent = cut == path.startIndex ? "/" : String(path[..<cut])
        let directory = try Self.openDirectory(parent)
        // Two hosts that start at once must not both take the other's fresh socket for a stale one.
        guard flock(directory.rawValue, LOCK_EX) == 0 else { throw refusal("lock", parent) }
        try Self.clear(path)
        let number = Glibc.socket(AF_UNIX, CInt(SOCK_STREAM.rawValue) | closeOnExec | nonBlocking, 0)
        guard number >= 0 else { throw refusal("make a socket for", path) }
        let socket = OwnedFD(number)
        // bind(2) takes the file's mode from the socket's own inode: no umask, which is the whole process's.
        guard fchmod(number, 0o600) == 0 else { throw refusal("set the mode of", path) }
        guard unsafe withUnixAddress(path, { unsafe bind(number, $0, $1) }) == 0 else { throw refusal("bind", path) }
        var status = stat()
        guard unsafe lstat(path, &status) == 0, unsafe chmod(path, 0o600) == 0 else { throw refusal("inspect", path) }
        guard listen(number, 128) == 0 else { throw refusal("listen on", path) }
        self.socket = socket
        self.path = path
        device = UInt(status.st_dev)
        inode = UInt(status.st_ino)
    }

    /// Removes the path, if it is still this socket.
    borrowing func unlinkPath() {
        var status = stat()
        guard unsafe lstat(path, &status) == 0 else { return }
        if UInt(status.st_dev) == device, UInt(status.st_ino) == inode { _ = unsafe unlink(path) }
    }

    private static func openDirectory(_ parent: String) throws(HostError) -> OwnedFD {
        if unsafe mkdir(parent, 0o700) != 0, errno != EEXIST { throw refusal("make the directory", parent) }
        let number = unsafe open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard number >= 0 else { throw refusal("open the directory", parent) }
        let directory = OwnedFD(number)
        var status = stat()
        guard unsafe fstat(number, &status) == 0 else { throw refusal("inspect the directory", parent) }
        guard status.st_mode & 0o022 == 0, status.st_uid == geteuid() || status.st_uid == 0 else {
            throw HostError(
                .failedPrecondition,
                .machine,
                "the socket's directory may be written by others: chmod 0700 \(parent), or choose another"
            )
        }
        return directory
    }

    /// Makes the path free, or says why it cannot be.
    private static func clear(_ path: String) throws(HostError) {
        var status = stat()
        guard unsafe lstat(path, &status) == 0 else {
            if errno == ENOENT { return }
            throw refusal("inspect", path)
        }
        guard status.st_mode & S_IFMT == S_IFSOCK else {
            throw HostError(.failedPrecondition, .machine, "the socket's path exists and is no socket: \(path)")
        }
        let number = Glibc.socket(AF_UNIX, CInt(SOCK_STREAM.rawValue) | closeOnExec | nonBlocking, 0)
        guard number >= 0 else { throw refusal("make a socket for", path) }
        let probe = OwnedFD(number)
        // EAGAIN is a full queue: somebody listens.
        let isStale =
            unsafe withUnixAddress(path) { unsafe connect(probe.rawValue, $0, $1) } != 0 && errno == ECONNREFUSED
        guard isStale else {
            throw HostError(.failedPrecondition, .machine, "already running: another process listens on \(path)")
        }
        guard unsafe unlink(path) == 0 else { throw refusal("remove the stale socket", path) }
    }
}

/// SOCK_CLOEXEC as socket(2) wants it.
let closeOnExec = CInt(SOCK_CLOEXEC.rawValue)
/// SOCK_NONBLOCK as socket(2) wants it.
let nonBlocking = CInt(SOCK_NONBLOCK.rawValue)

/// The error of a call that just failed, from errno.
func refusal(_ action: String, _ subject: String) -> HostError {
    let cause = SyscallError(action, errno, subject)
    return HostError(.failedPrecondition, .machine, "cannot \(cause)")
}

/// Runs a call with a unix socket address; the path fits, which the caller checked.
func withUnixAddress(_ path: String, _ body: (UnsafePointer<sockaddr>, socklen_t) -> CInt) -> CInt {
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: path.utf8.prefix(107)) }
    return unsafe withUnsafePointer(to: &address) { pointer in
        unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            unsafe body($0, socklen_t(MemoryLayout<sockaddr_un>.size))
        }
    }
}
