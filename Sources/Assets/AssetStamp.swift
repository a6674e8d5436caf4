import Glibc
import SystemLayer

/// What makes a file that was verified still that file.
struct AssetStamp: Hashable {
    let device: UInt64
    let inode: UInt64
    let size: Int64
    let seconds: Int
    let nanoseconds: Int
    /// When it was last used, in seconds since 1970; no part of what it is.
    let lastUse: Int64

    /// The stamp of a regular file; nil where there is none.
    init?(_ path: String) {
        var status = stat()
        guard unsafe lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return nil }
        self.init(status)
    }

    init(_ status: stat) {
        device = UInt64(status.st_dev)
        inode = UInt64(status.st_ino)
        size = Int64(status.st_size)
        seconds = status.st_mtim.tv_sec
        nanoseconds = status.st_mtim.tv_nsec
        lastUse = Int64(status.st_atim.tv_sec)
    }

    static func == (left: AssetStamp, right: AssetStamp) -> Bool {
        left.device == right.device && left.inode == right.inode && left.size == right.size
            && left.seconds == right.seconds && left.nanoseconds == right.nanoseconds
    }
    func hash(into hasher: inout Hasher) { hasher.combine(inode) }
}
