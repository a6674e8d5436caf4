import Glibc
import HostErrors
import SystemLayer

/// A directory that something grows in: locked as long as its maker lives, so that what a crash left is told apart.
struct StagingDirectory: ~Copyable {
    /// Where it is.
    let path: String
    private let lock: OwnedFD

    /// Makes one below `parent`.
    init(in parent: String, named name: String) throws(HostError) {
        try DirectoryTree.make(parent)
        while true {
            let path = "\(parent)/\(name)-\(getpid())-\(UInt32.random(in: 0 ... .max))"
            guard unsafe mkdir(path, 0o700) == 0 else { throw storeError("mkdir", path) }
            guard let lock = try Self.lock(path) else { continue }
            self.path = path
            self.lock = lock
            return
        }
    }

    deinit { try? DirectoryTree.remove(path) }

    /// Removes those of `parent` whose makers are gone, in whichever process they were.
    static func sweep(_ parent: String) {
        for name in (try? DirectoryTree.names(in: parent)) ?? [] {
            let path = "\(parent)/\(name)"
            guard (try? lock(path)) != nil else { continue }
            try? DirectoryTree.remove(path)
        }
    }

    /// The lock on a directory; nil where somebody else has it, or removed the directory meanwhile.
    private static func lock(_ path: String) throws(HostError) -> OwnedFD? {
        let number = unsafe open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW)
        guard number >= 0 else {
            if errno == ENOENT { return nil }
            throw storeError("open", path)
        }
        let directory = OwnedFD(number)
        guard flock(number, LOCK_EX | LOCK_NB) == 0 else { return nil }
        var status = stat()
        guard unsafe fstat(number, &status) == 0, status.st_nlink > 0 else { return nil }
        return directory
    }
}

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
