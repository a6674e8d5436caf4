import Glibc

/// Tells one state of a file from another without reading it.
enum FileIdentity {
    /// Which file is there now, and when it was written.
    ///
    /// - Parameter path: absolute; links are followed.
    /// - Returns: device, inode, size and the times of its last changes, or `absent`.
    static func of(_ path: String) -> String {
        var info = stat()
        guard unsafe stat(path, &info) == 0 else { return "absent" }
        return "\(info.st_dev).\(info.st_ino) \(info.st_size) \(info.st_mtim.tv_sec).\(info.st_mtim.tv_nsec) "
            + "\(info.st_ctim.tv_sec).\(info.st_ctim.tv_nsec)"
    }
}
