import Glibc
import HostErrors
import SystemLayer

/// The lock of the store: many who begin to use what is there, or one who removes.
struct StoreLock: ~Copyable {
    private let file: OwnedFD

    /// Waits for it; it is held as long as this lives.
    init(_ directory: String, exclusive: Bool) throws(HostError) {
        try DirectoryTree.make(directory)
        let path = "\(directory)/lock"
        let number = unsafe open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard number >= 0 else { throw storeError("open", path) }
        let file = OwnedFD(number)
        while flock(number, exclusive ? LOCK_EX : LOCK_SH) != 0 {
            guard errno == EINTR else { throw storeError("flock", path) }
        }
        self.file = file
    }

    /// Gives it back now; otherwise it is when this goes out of scope.
    consuming func release() {}
}
