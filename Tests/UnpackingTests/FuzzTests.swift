import Foundation
import Glibc
import HostErrors
import SystemLayer
import TestSupport
import Testing

@testable import Unpacking

/// Layers that nobody wrote: never a crash, never a byte outside.
///
/// `SUBSTRATE_FUZZ_RUNS` says how many; the seeds are counted from 1, so that a run can be repeated.
@Suite struct LayerFuzzTests {
    private static let names = [
        "a", "a/b", "a/b/c", "../x", "/etc/passwd", "a/../../x", "./a//b/.", ".wh.a", "a/.wh..wh..opq", ".wh..wh.x",
        ".wh.",
        "l", "l/x", "l/l/l", "caf\u{e9}", "cafe\u{301}", String(repeating: "n", count: 90), "..", "", "host/passwd",
    ]
    private static let targets = names + ["..", "../..", "../host", "/", "a", "l", "./l", "../host/passwd"]

    private static func entries(_ random: inout SeededGenerator) -> TarBuilder {
        var tar = TarBuilder()
        for _ in 0..<Int.random(in: 1...8, using: &random) {
            let type = "000555122346x7gLKSD".randomElement(using: &random) ?? "0"
            let data = String(repeating: "d", count: [0, 0, 1, 511, 513, 3000].randomElement(using: &random) ?? 0)
            let name = names.randomElement(using: &random) ?? "a"
            if Int.random(in: 0..<5, using: &random) == 0 {
                let key = [
                    "path", "linkpath", "size", "uid", "SCHILY.xattr.user.a", "GNU.sparse.map", "GNU.sparse.size",
                ]
                let value = names + ["0", "-1", "99999999999999999999", "0,1,2,3", "4294967296"]
                tar = tar.pax([
                    (key.randomElement(using: &random) ?? "path", value.randomElement(using: &random) ?? "a")
                ])
            }
            tar = tar.add(
                name,
                type,
                data,
                link: targets.randomElement(using: &random) ?? "a",
                mode: Int.random(in: 0...0o7777, using: &random),
                uid: [0, 0, 1000, 0o7777777].randomElement(using: &random) ?? 0
            )
        }
        return tar
    }

    /// Spoils some bytes, and mends the sums of the headers as often as not, so that what is spoilt is read.
    private static func spoil(_ bytes: [UInt8], _ random: inout SeededGenerator) -> [UInt8] {
        var bytes = bytes
        for _ in 0..<Int.random(in: 0...6, using: &random) where !bytes.isEmpty {
            switch Int.random(in: 0..<4, using: &random) {
            case 0:
                bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(in: 0 ... .max, using: &random)
            case 1: bytes.removeLast(Int.random(in: 0..<min(bytes.count, 1200), using: &random))
            case 2:
                // A field of a header: name, mode, owner, size, type, link, prefix.
                let header = Int.random(in: 0...bytes.count / 512, using: &random) * 512
                let field = [0, 100, 108, 124, 156, 157, 345, 386, 482].randomElement(using: &random) ?? 0
                for offset in header + field..<header + field + Int.random(in: 1...12, using: &random)
                where offset < bytes.count { bytes[offset] = UInt8.random(in: 0 ... .max, using: &random) }
            default: bytes += (0..<512).map { _ in UInt8.random(in: 0 ... .max, using: &random) }
            }
        }
        guard Bool.random(using: &random) else { return bytes }
        for header in stride(from: 0, to: bytes.count - 511, by: 512) where bytes[header + 257] == UInt8(ascii: "u") {
            bytes.replaceSubrange(header + 148..<header + 156, with: Array("        ".utf8))
            let digits = String(bytes[header..<header + 512].reduce(0) { $0 + Int($1) }, radix: 8)
            bytes.replaceSubrange(
                header + 148..<header + 156,
                with: Array((String(repeating: "0", count: 6 - digits.count) + digits).utf8) + [0, 0x20]
            )
        }
        return bytes
    }

    @Test("layers that nobody wrote unpack or are refused, and nothing outside is touched")
    func fuzz() throws {
        let runs = ProcessInfo.processInfo.environment["SUBSTRATE_FUZZ_RUNS"].flatMap { UInt64($0) } ?? 400
        let staging = try Staging()
        let outside = try #require(Self.status("\(staging.path)/host/passwd"))
        var limits = UnpackLimits()
        limits.bytes = 1 << 20
        limits.entries = 100
        var unpacked = 0
        for seed in 1...runs {
            var random = SeededGenerator(seed: seed)
            let bytes = Self.spoil(Self.entries(&random).ended, &random)
            let mode: UnpackMode = [.layer, .layerOfRoot, .durable].randomElement(using: &random) ?? .layer
            if try Self.unpack(bytes, mode, limits, staging.root) { unpacked += 1 }
            let neighbours = try DirectoryTree.names(in: staging.path)
            try #require(neighbours == ["host", "root"], "SUBSTRATE_FUZZ seed \(seed)")
            try #require(try DirectoryTree.names(in: "\(staging.path)/host") == ["passwd"], "seed \(seed)")
            let now = try #require(Self.status("\(staging.path)/host/passwd"))
            try #require(
                now.st_ino == outside.st_ino && now.st_mtim.tv_nsec == outside.st_mtim.tv_nsec
                    && now.st_mode == outside.st_mode && now.st_uid == outside.st_uid && now.st_nlink == 1,
                "seed \(seed)"
            )
            try DirectoryTree.remove(staging.root)
            try DirectoryTree.make(staging.root)
        }
        #expect(try staging.text("host/passwd") == "secret")
        // Neither all nor none: a fuzzer that is refused at the first byte shows nothing.
        #expect(unpacked > runs / 50 && unpacked < runs, "\(unpacked) of \(runs) were whole")
    }

    /// Whether it was unpacked; a refusal is an answer.
    private static func unpack(
        _ bytes: [UInt8],
        _ mode: UnpackMode,
        _ limits: UnpackLimits,
        _ root: String
    ) throws -> Bool {
        let input = try Channels.memoryFile(bytes, name: "layer")
        let directory = OwnedFD(unsafe open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC))
        do throws(HostError) {
            try Unpacker(root: directory.rawValue, mode: mode, limits: limits).unpack(from: input.rawValue)
            return true
        } catch { return false }
    }

    private static func status(_ path: String) -> stat? {
        var status = stat()
        return unsafe lstat(path, &status) == 0 ? status : nil
    }
}
