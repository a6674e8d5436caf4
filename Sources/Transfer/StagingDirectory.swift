import Glibc
public import HostErrors
import SystemLayer

/// A directory that something grows in: locked as long as its maker lives, so that what a crash left is told apart.
public struct StagingDirectory: ~Copyable {
    /// Where it is.
    public let path: String
    private let lock: OwnedFD

    /// Makes one below `parent`.
    ///
    /// - Parameters:
    ///   - parent: made where it is absent.
    ///   - name: how its name begins.
    /// - Throws: RESOURCE_EXHAUSTED or INTERNAL where it cannot be made.
    public init(in parent: String, named name: String) throws(HostError) {
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
    ///
    /// - Parameter parent: may be absent.
    public static func sweep(_ parent: String) {
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
