import Glibc
import HostErrors
import SystemLayer

/// A directory of one run of the suite, in memory where that can be had.
struct ScratchPlace {
    let path: String

    /// Makes it.
    ///
    /// - Throws: when no directory can be made.
    init() throws(HostError) {
        let parent = Self.isMemory("/dev/shm") ? "/dev/shm" : "/tmp"
        var template = Array("\(parent)/substrate-conformance-\(getpid())-XXXXXX".utf8CString)
        guard unsafe mkdtemp(&template) != nil else { throw storeError("mkdtemp", parent) }
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// Removes it; what cannot be removed was reported as left before.
    func remove() { try? DirectoryTree.remove(path) }

    /// Whether it is a tmpfs from which programs can be run, with room for an image and some roots.
    private static func isMemory(_ path: String) -> Bool {
        var status = statvfs()
        guard unsafe statvfs(path, &status) == 0, unsafe access(path, W_OK | X_OK) == 0 else { return false }
        let noExec: UInt = 8
        let free = UInt64(status.f_bavail) * UInt64(status.f_frsize)
        return status.f_flag & noExec == 0 && free >= 256 << 20
    }
}
