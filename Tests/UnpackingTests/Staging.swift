import Glibc
import HostErrors
import SystemLayer
import TestSupport

@testable import Unpacking

/// A staging directory with a neighbour that no archive may touch.
final class Staging {
    let path: String
    var root: String { "\(path)/root" }

    init() throws {
        path = "/tmp/unpack-test-\(getpid())-\(UInt32.random(in: 0 ... .max))"
        try DirectoryTree.make("\(path)/root")
        try DirectoryTree.make("\(path)/host")
        try AtomicFile.write(Array("secret".utf8), to: "\(path)/host/passwd")
    }
    deinit { try? DirectoryTree.remove(path) }

    /// Unpacks; answers the error's message, or nil.
    func unpack(_ bytes: [UInt8], _ mode: UnpackMode = .layer, _ limits: UnpackLimits = .init()) throws -> String? {
        try AtomicFile.write(bytes, to: "\(path)/archive.tar")
        let input = OwnedFD(unsafe open("\(path)/archive.tar", O_RDONLY | O_CLOEXEC))
        let directory = OwnedFD(unsafe open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC))
        do throws(HostError) {
            try Unpacker(root: directory.rawValue, mode: mode, limits: limits).unpack(from: input.rawValue)
            return nil
        } catch { return error.message }
    }
    func unpack(_ tar: TarBuilder, _ mode: UnpackMode = .layer) throws -> String? { try unpack(tar.ended, mode) }

    func text(_ name: String) throws -> String {
        let file = OwnedFD(unsafe open("\(path)/\(name)", O_RDONLY | O_CLOEXEC))
        return String(decoding: try readAll(from: file.rawValue, limit: 1 << 20), as: UTF8.self)
    }
    func status(_ name: String) -> stat? {
        var status = stat()
        return unsafe lstat("\(root)/\(name)", &status) == 0 ? status : nil
    }
    func link(_ name: String) -> String? { StagingTree(root: AT_FDCWD).readLink(AT_FDCWD, "\(root)/\(name)") }
}
