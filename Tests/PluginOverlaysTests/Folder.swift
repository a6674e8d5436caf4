import Foundation
import Glibc
import Testing

/// A directory of its own for one test, gone with it.
final class Folder {
    let path: String

    init() throws {
        var template = Array("/tmp/overlays.XXXXXX".utf8CString)
        let made = unsafe template.withUnsafeMutableBufferPointer { buffer in
            guard let base = buffer.baseAddress, let name = unsafe mkdtemp(base) else { return String?.none }
            return unsafe String(cString: name)
        }
        path = try #require(made)
    }

    /// Writes a file and the directories above it.
    func write(_ name: String, _ text: String) throws { try write(name, Array(text.utf8)) }

    func write(_ name: String, _ bytes: [UInt8]) throws {
        makeParents(name)
        let descriptor = unsafe open("\(path)/\(name)", O_WRONLY | O_CREAT | O_TRUNC, 0o600)
        try #require(descriptor >= 0)
        let written = unsafe bytes.withUnsafeBytes { unsafe Glibc.write(descriptor, $0.baseAddress, $0.count) }
        close(descriptor)
        try #require(written == bytes.count)
    }

    func makeDirectory(_ name: String) { makeParents(name + "/x") }

    func link(_ name: String, to target: String) throws {
        makeParents(name)
        try #require(unsafe symlink(target, "\(path)/\(name)") == 0)
    }

    private func makeParents(_ name: String) {
        var built = path
        for part in name.split(separator: "/").dropLast() {
            built += "/\(part)"
            unsafe mkdir(built, 0o700)
        }
    }

    deinit {
        // Best effort: what is left in /tmp harms no other test.
        try? FileManager.default.removeItem(atPath: path)
    }
}
