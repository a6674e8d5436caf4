import Foundation
import Glibc
import HostErrors
import SystemLayer
import Testing
import Transfer
import Unpacking

@testable import Snapshots

/// Strangers' bytes: refused or read, never a crash, never a byte outside.
///
/// `SUBSTRATE_FUZZ_RUNS` makes it longer; the seeds are counted from 1, so that a run can be repeated.
@Suite("fuzzed snapshots")
struct FuzzTests {
    static let runs = ProcessInfo.processInfo.environment["SUBSTRATE_FUZZ_RUNS"].flatMap { UInt64($0) } ?? 1500

    /// Some bytes changed, cut, doubled or put in.
    static func mutated(_ bytes: [UInt8], _ random: inout Random) -> [UInt8] {
        var bytes = bytes
        for _ in 0..<Int.random(in: 1...4, using: &random) where !bytes.isEmpty {
            let at = Int.random(in: 0..<bytes.count, using: &random)
            switch Int.random(in: 0..<6, using: &random) {
            case 0: bytes[at] ^= 1 << UInt8.random(in: 0..<8, using: &random)
            case 1: bytes[at] = [0, 1, 0x7F, 0x80, 0xFF].randomElement(using: &random) ?? 0
            case 2: bytes.removeSubrange(at..<min(bytes.count, at + Int.random(in: 1...9, using: &random)))
            case 3: bytes.insert(contentsOf: random.bytes(Int.random(in: 1...9, using: &random)), at: at)
            case 4: bytes = Array(bytes[..<at])
            default: bytes.insert(contentsOf: bytes[at..<min(bytes.count, at + 24)], at: at)
            }
        }
        return bytes
    }

    @Test("manifests name no file outside, whatever they say")
    func manifests() throws {
        var good = Place.manifest()
        good.snapshotFiles = ["a", "b"]
        good.files = [
            "a": .init(size: 5, sha256: SHA256.hex(of: [])), "b": .init(size: 6, sha256: SHA256.hex(of: [1])),
        ]
        good.files?["b"]?.chunks = .init(sha256: SHA256.hex(of: []), count: 3, pages: 16)
        good.machine = MachineFacts(arch: "amd64", kernel: "6", cpuFeatures: ["a"])
        let bytes = try good.encoded()
        #expect(try SnapshotManifest.decoded(bytes, "good") == good)
        var read = 0
        for seed in 1...Self.runs {
            var random = Random(seed)
            let text = Self.mutated(bytes, &random)
            do throws(HostError) {
                let manifest = try SnapshotManifest.decoded(text, "fuzz")
                read += 1
                for name in manifest.snapshotFiles ?? [] {
                    #expect(!name.isEmpty && !name.contains("/") && !name.hasPrefix("."), "seed \(seed): \(name)")
                }
                try? LocalTests.gate.check(manifest, named: "fuzz", overridden: [])
            } catch { #expect(error.code == .dataLoss, "seed \(seed)") }
        }
        #expect(read > 0 && read < Self.runs)
    }

    @Test(
        "file names that leave the directory are refused by name",
        arguments: ["../x", "/etc/passwd", "a/b", "..", ".", "", ".hidden", "manifest.json", "nul\u{0}"]
    )
    func names(_ name: String) throws {
        for manifest in [
            #"{"sandboxClass":"m","assets":{},"snapshotFiles":[\#(Self.quoted(name))]}"#,
            #"{"sandboxClass":"m","assets":{},"files":{\#(Self.quoted(name)):{"size":1,"sha256":"\#(SHA256.hex(of: []))"}}}"#,
        ] {
            let error = #expect(throws: HostError.self) { try SnapshotManifest.decoded(Array(manifest.utf8), "x") }
            #expect(error?.code == .dataLoss)
        }
    }

    private static func quoted(_ text: String) -> String {
        "\"" + text.unicodeScalars.map { $0.value < 0x20 ? "\\u0000" : String($0) }.joined() + "\""
    }

    @Test("a file that is named twice, or without a size or a digest, is refused")
    func inconsistent() {
        let digest = SHA256.hex(of: [])
        for manifest in [
            #"{"sandboxClass":"m","assets":{},"snapshotFiles":["a","a"]}"#,
            #"{"sandboxClass":"m","assets":{},"snapshotFiles":["a"],"files":{"b":{"size":1,"sha256":"\#(digest)"}}}"#,
            #"{"sandboxClass":"m","assets":{},"snapshotFiles":["a"],"files":{"a":{"size":-1,"sha256":"\#(digest)"}}}"#,
            #"{"sandboxClass":"m","assets":{},"snapshotFiles":["a"],"files":{"a":{"size":1,"sha256":"../../x"}}}"#,
            #"{"sandboxClass":"m","assets":{},"snapshotFiles":["a"],"files":{"a":{"size":1,"sha256":"\#(digest)","chunks":{"sha256":"\#(digest)","count":1,"pages":65}}}}"#,
            #"{"sandboxClass":"m"}"#, "[]", "", "null",
        ] {
            let error = #expect(throws: HostError.self, "\(manifest)") {
                try SnapshotManifest.decoded(Array(manifest.utf8), "x")
            }
            #expect(error?.code == .dataLoss)
        }
    }

    @Test("chunk lists stay within their file")
    func lists() throws {
        let entries = (0..<20).map {
            ChunkEntry(window: UInt64($0 * 2), mask: 0xFFFF, digest: [UInt8](repeating: 1, count: 32))
        }
        let size = Int64(40 * 65536)
        let good = ChunkIndex.encode(entries)
        #expect(try ChunkIndex.decode(good, size: size, pages: 16, count: 20) == entries)
        for seed in 1...Self.runs {
            var random = Random(seed)
            let bytes = Self.mutated(good, &random)
            do throws(HostError) {
                for entry in try ChunkIndex.decode(bytes, size: size, pages: 16, count: 20) {
                    #expect(entry.window < 40 && entry.mask != 0 && entry.mask <= 0xFFFF, "seed \(seed)")
                }
            } catch { #expect(error.code == .dataLoss, "seed \(seed)") }
        }
    }

    /// Feeds one stream to a decoder, and says how it ended.
    private func decode(
        _ bytes: [UInt8],
        _ place: Place,
        _ body: (CInt, CInt) throws(HostError) -> Void
    ) throws -> (HostError?, Int64) {
        let input = OwnedFD(unsafe open("\(place.path)/in", O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600))
        try writeAll(bytes, to: input.rawValue)
        _ = lseek(input.rawValue, 0, SEEK_SET)
        let output = OwnedFD(unsafe open("\(place.path)/out", O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600))
        var failure: HostError?
        do throws(HostError) { try body(input.rawValue, output.rawValue) } catch { failure = error }
        return (failure, Int64(lseek(output.rawValue, 0, SEEK_END)))
    }

    @Test("sparse streams and plain ones stay within the limit")
    func sparse() throws {
        let place = try Place()
        var goods: [[UInt8]] = []
        var random = Random(99)
        let body =
            AteletTests.number(100_000) + AteletTests.number(50) + AteletTests.number(300) + random.bytes(300)
            + AteletTests.number(70_000) + AteletTests.number(20) + random.bytes(20) + AteletTests.number(-1)
        goods.append(try AteletTests.sparse(body, place))
        // Without compression a changed number is still a number.
        goods.append(Array("ATESPRSE".utf8) + [2, 0, 0, 0] + Self.stored(body))
        goods.append(try AteletTests.zstd(random.bytes(5000), place))
        var failures = 0
        for seed in 1...Self.runs {
            var random = Random(seed)
            let bytes = Self.mutated(goods[Int(seed % 3)], &random)
            let (failure, size) = try decode(bytes, place) { (input, output) throws(HostError) in
                try SparseDecoder(output: output, limit: 1 << 20).decode(from: input)
            }
            if let failure {
                failures += 1
                #expect([.invalidArgument, .resourceExhausted].contains(failure.code), "seed \(seed): \(failure)")
            }
            #expect(size <= 1 << 20, "seed \(seed)")
        }
        #expect(failures > 0)
    }

    /// A zstd frame of one raw block, without a digest.
    private static func stored(_ bytes: [UInt8]) -> [UInt8] {
        let header = UInt32(bytes.count) << 3 | 1
        return [0x28, 0xB5, 0x2F, 0xFD, 0x00, 0x58] + (0..<3).map { UInt8(truncatingIfNeeded: header >> (8 * $0)) }
            + bytes
    }

    @Test("frames of chunks stay within their file")
    func chunks() throws {
        let place = try Place()
        var random = Random(98)
        let page = random.bytes(4096)
        func frame(_ window: UInt64, _ mask: UInt64, _ stored: [UInt8], _ length: Int) -> [UInt8] {
            var bytes: [UInt8] = []
            ChunkIndex.append(window, to: &bytes)
            ChunkIndex.append(mask, to: &bytes)
            ChunkIndex.append(UInt64(stored.count) | UInt64(length) << 32, to: &bytes)
            return bytes + stored
        }
        let packed = try AteletTests.zstd([UInt8](repeating: 3, count: 8192), place)
        let good = frame(0, 1, page, 4096) + frame(1, 3, packed, 8192) + frame(3, 2, page, 4096)
        let size: Int64 = 3 * 65536 + 6000
        let (none, whole) = try decode(good, place) { (input, output) throws(HostError) in
            try ChunkDecoder(output: output, size: size, pages: 16).decode(from: input)
        }
        #expect(none == nil && whole == size)
        var failures = 0
        for seed in 1...Self.runs {
            var random = Random(seed)
            let (failure, length) = try decode(Self.mutated(good, &random), place) {
                (input, output) throws(HostError) in
                try ChunkDecoder(output: output, size: size, pages: 16).decode(from: input)
            }
            if let failure {
                failures += 1
                #expect(failure.code == .invalidArgument, "seed \(seed): \(failure)")
            }
            #expect(length == size, "seed \(seed)")
        }
        #expect(failures > 0)
    }
}
