import Glibc
import HostErrors
import SystemLayer

/// One process at a time for one digest: a lock that the kernel drops when the process ends.
///
/// - Source: flock(2).
struct AssetLock: ~Copyable {
    private let file: OwnedFD
    private let path: String

    /// Takes the lock, waiting for whoever has it.
    ///
    /// - Parameters:
    ///   - digest: names the lock.
    ///   - directory: of locks alone; made where it is absent.
    ///   - isCancelled: ends the wait.
    /// - Throws: INTERNAL where it cannot be made, CANCELLED.
    init(
        _ digest: String,
        in directory: String,
        _ isCancelled: () -> Bool = { false }
    ) throws(HostError) {
        while true {
            if let file = try Self.open(digest, in: directory, isWaiting: true, isCancelled) {
                self.file = file
                path = "\(directory)/\(digest)"
                return
            }
        }
    }

    /// Takes the lock if nobody has it.
    static func attempt(_ digest: String, in directory: String) throws(HostError) -> AssetLock? {
        guard let file = try open(digest, in: directory, isWaiting: false) else { return nil }
        return AssetLock(file: file, path: "\(directory)/\(digest)")
    }

    private init(file: consuming OwnedFD, path: String) {
        self.file = file
        self.path = path
    }

    /// nil: somebody has it and nobody waits, or the file that was locked is no longer the one of that name.
    private static func open(
        _ digest: String,
        in directory: String,
        isWaiting: Bool,
        _ isCancelled: () -> Bool = { false }
    ) throws(HostError) -> OwnedFD? {
        try DirectoryTree.make(directory)
        let path = "\(directory)/\(digest)"
        let number = unsafe Glibc.open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard number >= 0 else { throw storeError("open", path) }
        let file = OwnedFD(number)
        while flock(number, LOCK_EX | LOCK_NB) != 0 {
            if errno == EINTR { continue }
            guard errno == EWOULDBLOCK else { throw storeError("flock", path) }
            guard isWaiting else { return nil }
            if isCancelled() { throw HostError(.cancelled, nil, "the wait for another process was cancelled") }
            // Asked again rather than waited for: who waits in the kernel cannot be told that nobody wants it any more.
            usleep(10_000)
        }
        var mine = stat()
        var named = stat()
        guard unsafe fstat(number, &mine) == 0, unsafe lstat(path, &named) == 0, mine.st_ino == named.st_ino else {
            return nil
        }
        return file
    }

    // Removed while it is held: who waits for it finds that its file has no name, and takes the next.
    deinit { _ = unsafe unlink(path) }
}
