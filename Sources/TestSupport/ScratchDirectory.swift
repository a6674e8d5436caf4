import Glibc
import SystemLayer

/// A directory of a test's own, of mode 0700, that is gone when this is.
public final class ScratchDirectory: Sendable {
    /// Where it is.
    public let path: String

    /// Makes one.
    ///
    /// - Parameter name: a word that tells whose it is.
    /// - Throws: when `/tmp` takes none.
    public init(_ name: String = "test") throws {
        var template = Array("/tmp/substrate-\(name)-XXXXXX".utf8CString)
        guard unsafe mkdtemp(&template) != nil else { throw SyscallError("mkdtemp", errno, "/tmp") }
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    // Best effort: what a failed test left mounted in it is named by the test, and harms no other.
    deinit { try? DirectoryTree.remove(path) }
}
