import ActorContract
import Foundation
import Glibc
import PluginProtocol
import SystemLayer
import Testing

@testable import PluginHost

/// Bytes both ways: bounded reads, writes that are whole or failed, and a status for every errno.
@Suite struct ByteTests {
    /// A file that is gone with its last use.
    private func file(_ bytes: [UInt8]) throws -> OwnedFD { try Channels.memoryFile(bytes, name: "bytes") }

    @Test(arguments: [
        (2, 3, "cde", false), (4, 8, "ef", true), (6, 8, "", true), (100, 8, "", true), (0, 0, "", false),
        (6, 0, "", true), (0, 6, "abcdef", true), (0, 5, "abcde", false),
    ])
    func aReadIsBoundedAndKnowsTheEnd(_ offset: Int64, _ most: Int, _ text: String, _ isEnd: Bool) throws {
        let file = try file(Array("abcdef".utf8))
        let read = try ByteTransfer.read(file.rawValue, at: offset, most: most)
        #expect(read == ByteTransfer.Read(bytes: Array(text.utf8), isEnd: isEnd))
    }

    @Test func aPipeGivesWhatItHasAndThenItsEnd() throws {
        let ends = try Channels.pipe()
        let reader = OwnedFD(ends.read)
        let writer = OwnedFD(ends.write)
        try writeAll([1, 2, 3], to: writer.rawValue)
        #expect(try ByteTransfer.readStream(reader.rawValue, most: 8) == .init(bytes: [1, 2, 3], isEnd: false))
        try writer.close()
        #expect(try ByteTransfer.readStream(reader.rawValue, most: 8) == .init(bytes: [], isEnd: true))
    }

    @Test func everyByteComesBack() throws {
        let file = try file([])
        let all = Array(UInt8(0)...255)
        try ByteTransfer.write(all, to: file.rawValue, at: 0)
        #expect(try ByteTransfer.read(file.rawValue, at: 0, most: 1000).bytes == all)
    }

    @Test func shortWritesAreGoneOnWith() throws {
        let file = try file([])
        var calls = 0
        try ByteTransfer.write(Array("abcdef".utf8), to: file.rawValue, at: 0) { descriptor, bytes, offset in
            calls += 1
            if calls == 3 { return -Int(EINTR) }
            return ByteTransfer.systemWrite(descriptor, bytes.prefix(1), offset)
        }
        #expect(calls == 7)
        #expect(try ByteTransfer.read(file.rawValue, at: 0, most: 10).bytes == Array("abcdef".utf8))
    }

    @Test(arguments: [(CInt(ENOSPC), PluginStatus.storageFull), (EIO, .ioError), (0, .storageFull)])
    func aWriteThatFailsLeavesTheFileAsLongAsItWas(_ number: CInt, _ status: PluginStatus) throws {
        let file = try file([UInt8](repeating: 7, count: 100))
        var calls = 0
        let error = try #require(throws: SyscallError.self) {
            try ByteTransfer.write([UInt8](repeating: 1, count: 50), to: file.rawValue, at: 100) {
                descriptor,
                bytes,
                offset in
                calls += 1
                return calls < 3 ? ByteTransfer.systemWrite(descriptor, bytes.prefix(10), offset) : -Int(number)
            }
        }
        #expect(PluginStatus(errno: error.errno) == status)
        let left = try ByteTransfer.read(file.rawValue, at: 0, most: 1000)
        #expect(left.bytes == [UInt8](repeating: 7, count: 100))
    }

    @Test func everyErrnoHasAStatus() {
        let table: [PluginStatus: [CInt]] = [
            .notFound: [ENOENT, ENOTDIR, ENAMETOOLONG], .accessDenied: [EACCES, EPERM, EROFS, ELOOP, EXDEV],
            .storageFull: [ENOSPC, EDQUOT, EFBIG], .again: [EAGAIN, EINTR], .busy: [EBUSY],
            .exists: [EEXIST, ENOTEMPTY], .unsupported: [ENOTSUP, EINVAL, EISDIR], .timeout: [ETIMEDOUT],
            .ioError: [EIO, ENXIO, ENOMEM],
        ]
        for (status, numbers) in table {
            for number in numbers { #expect(PluginStatus(errno: number) == status, "errno \(number)") }
        }
        for number in CInt(1)...200 {
            #expect((PluginStatus(errno: number) == nil) == [EBADF, EFAULT].contains(number), "errno \(number)")
        }
    }
}

/// `file.write`, on a real directory.
@Suite struct FileWriteTests {
    private func write(_ fixture: VerbFixture, _ path: String, _ bytes: PluginValue = .text("x")) throws -> String {
        try fixture.call("file.write", ["path": .text(path), "bytes": bytes]).status
    }

    @Test func aFileIsWholeAndPrivateAndReplaced() throws {
        let fixture = try VerbFixture()
        let path = "\(fixture.places.work)/vm.json"
        #expect(try write(fixture, path, .bytes(Array(0...255))) == "ok")
        #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == Data(0...255))
        var about = stat()
        _ = unsafe stat(path, &about)
        #expect(about.st_mode & 0o777 == 0o600)
        #expect(try write(fixture, path, .text("short")) == "ok")
        #expect(try String(contentsOfFile: path, encoding: .utf8) == "short")
        #expect(try FileManager.default.contentsOfDirectory(atPath: fixture.places.work) == ["vm.json"])
        #expect(fixture.journal.lines.prefix(2) == ["begin file.write \(path)", "end file.write ok"])
    }

    @Test func pathsStayInTheActorsDirectories() throws {
        let fixture = try VerbFixture()
        let work = fixture.places.work
        let outside = fixture.root + "/outside"
        try FileManager.default.createDirectory(atPath: outside, withIntermediateDirectories: false)
        try FileManager.default.createSymbolicLink(atPath: "\(work)/link", withDestinationPath: outside)
        try FileManager.default.createSymbolicLink(atPath: "\(work)/file", withDestinationPath: "\(outside)/target")
        for path in [
            "/etc/x", "\(fixture.root)/x", "\(work)/../x", "\(work)/a/../../x", "\(work)/link/x", "\(work)x/y",
        ] {
            let status = try write(fixture, path)
            #expect(status == "access_denied" || path.contains("/a/") && status == "not_found", "\(path): \(status)")
        }
        #expect(try write(fixture, "\(work)/none/x") == "not_found")
        #expect(try write(fixture, "\(work)/..") == "unsupported")
        #expect(try write(fixture, "\(work)/") == "unsupported")
        // A link in the file's place is replaced, never followed.
        #expect(try write(fixture, "\(work)/file") == "ok")
        #expect(try FileManager.default.contentsOfDirectory(atPath: outside) == [])
    }

    @Test func aDirectoryInItsPlaceIsRefusedAndNothingIsLeft() throws {
        let fixture = try VerbFixture()
        let path = "\(fixture.places.work)/dir"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
        #expect(try write(fixture, path) == "unsupported")
        #expect(try FileManager.default.contentsOfDirectory(atPath: fixture.places.work) == ["dir"])
        #expect(fixture.journal.lines.last == "end file.write unsupported")
    }
}
