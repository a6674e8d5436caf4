import Glibc
import HostErrors
import SystemLayer

@testable import Unpacking

/// Writes ustar entries as a stranger would, valid or not.
struct TarBuilder {
    var bytes: [UInt8] = []

    func add(
        _ name: String,
        _ type: Character = "0",
        _ data: String = "",
        link: String = "",
        mode: Int = 0o644,
        uid: Int = 0
    ) -> TarBuilder {
        var header = [UInt8](repeating: 0, count: 512)
        func put(_ text: String, _ offset: Int) {
            header.replaceSubrange(offset..<offset + text.utf8.count, with: Array(text.utf8))
        }
        func octal(_ value: Int, _ width: Int) -> String {
            let digits = String(value, radix: 8)
            return String(repeating: "0", count: width - digits.count) + digits
        }
        put(name, 0)
        put(octal(mode, 7), 100)
        put(octal(uid, 7), 108)
        put(octal(0, 7), 116)
        put(octal(data.utf8.count, 11), 124)
        put(octal(0, 11), 136)
        put("        ", 148)
        put(String(type), 156)
        put(link, 157)
        put("ustar", 257)
        put("00", 263)
        put(octal(header.reduce(0) { $0 + Int($1) }, 6), 148)
        header[154] = 0
        var copy = self
        copy.bytes += header + Array(data.utf8)
        copy.bytes += [UInt8](repeating: 0, count: (512 - data.utf8.count % 512) % 512)
        return copy
    }

    var ended: [UInt8] { bytes + [UInt8](repeating: 0, count: 1024) }
}

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
