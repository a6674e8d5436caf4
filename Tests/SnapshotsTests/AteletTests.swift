import Foundation
import Glibc
import HostErrors
import SystemLayer
import TestSupport
import Testing
import Transfer
import Unpacking

@testable import Snapshots

/// What the Go daemon writes, made by another program than ours: Debian's `zstd`.
@Suite("the Go daemon's snapshots")
struct AteletTests {
    static func number(_ value: Int64) -> [UInt8] {
        (0..<8).map { UInt8(truncatingIfNeeded: UInt64(bitPattern: value) >> (8 * UInt64($0))) }
    }

    /// Bytes through `zstd`.
    static func zstd(_ bytes: [UInt8], _ place: Place) throws -> [UInt8] {
        let file = "\(place.path)/plain-\(UInt32.random(in: 0 ... .max))"
        try AtomicFile.write(bytes, to: file)
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/zstd")
        process.arguments = ["-q", "-1", file, "-o", "\(file).zst"]
        try process.run()
        process.waitUntilExit()
        try #require(process.terminationStatus == 0)
        return try #require(FileBytes.read("\(file).zst"))
    }

    static func sparse(_ body: [UInt8], version: UInt8 = 2, _ place: Place) throws -> [UInt8] {
        try Array("ATESPRSE".utf8) + [version, 0, 0, 0] + zstd(body, place)
    }

    /// Puts one file there as the Go daemon does, and fetches it.
    static func restored(_ object: [UInt8], _ place: Place) throws -> [UInt8] {
        let bucket = try place.bucket()
        let uri = try SnapshotURI("file://bucket/go")
        try bucket.put("go/f.zstd", object)
        try bucket.put(
            "go/manifest.json",
            Array(#"{"sandboxClass":"mine","assets":{},"snapshotFiles":["f"],"unknown":{"a":1}}"#.utf8)
        )
        defer { try? DirectoryTree.remove("\(place.path)/go") }
        let fetched = try place.fetch(place.external(), uri, to: "go")
        return try #require(FileBytes.read("\(fetched.path)/f"))
    }

    @Test("extents in any order, overlapping or empty, and plain zstd are read")
    func good() throws {
        let place = try Place()
        let body =
            Self.number(20) + Self.number(10) + Self.number(4) + Array("late".utf8) + Self.number(0) + Self.number(5)
            + Array("early".utf8) + Self.number(3) + Self.number(2) + Array("XY".utf8) + Self.number(7) + Self.number(0)
            + Self.number(-1)
        let got = try Self.restored(Self.sparse(body, place), place)
        #expect(got == Array("earXY".utf8) + [0, 0, 0, 0, 0] + Array("late".utf8) + [UInt8](repeating: 0, count: 6))
        #expect(try Self.restored(Self.sparse(Self.number(0) + Self.number(-1), place), place) == [])
        let text = Array("plain".utf8) + [UInt8](repeating: 0, count: 200_000) + Array("end".utf8)
        #expect(try Self.restored(Self.zstd(text, place), place) == text)
        #expect(try Self.restored(Self.zstd(text, place) + Self.zstd(text, place), place) == text + text, "two frames")
    }

    @Test("every rule of the format refuses: version, sizes, extents, the end")
    func bad() throws {
        let place = try Place()
        let end = Self.number(-1)
        let good = Self.number(10) + Self.number(0) + Self.number(4) + Array("data".utf8) + end
        let cases: [(String, [UInt8], String)] = [
            ("version 1", try Self.sparse(good, version: 1, place), "unsupported sparse snapshot format version 1"),
            ("version 3", try Self.sparse(good, version: 3, place), "unsupported sparse snapshot format version 3"),
            ("size", try Self.sparse(Self.number(-5) + end, place), "negative totalSize -5"),
            ("offset", try Self.sparse(Self.number(9) + Self.number(-2) + Self.number(0) + end, place), "out of range"),
            ("length", try Self.sparse(Self.number(9) + Self.number(0) + Self.number(-1) + end, place), "out of range"),
            ("far", try Self.sparse(Self.number(9) + Self.number(10) + Self.number(0) + end, place), "out of range"),
            ("long", try Self.sparse(Self.number(9) + Self.number(8) + Self.number(2) + end, place), "out of range"),
            ("no end", try Self.sparse(Array(good.dropLast(8)), place), "ends in the middle"),
            ("short", try Self.sparse(Self.number(9) + Self.number(0) + Self.number(9) + [1], place), "short"),
            ("cut", Array(try Self.sparse(good, place).dropLast(3)), "ends in the middle"),
            ("no header", Array("ATESPRSE".utf8) + [2, 0], "header is short"),
            ("no zstd", Array("what is this".utf8), "damaged"),
            ("too small", Array("abc".utf8), "damaged"),
        ]
        for (name, object, words) in cases {
            let error = #expect(throws: HostError.self, "\(name)") { try Self.restored(object, place) }
            #expect(error?.code == .dataLoss && error?.reason == .snapshotCorrupt, "\(name): \(error?.message ?? "")")
            #expect(error?.message.contains(words) == true, "\(name): \(error?.message ?? "")")
        }
    }

    @Test("an older, larger file is replaced to the byte")
    func stale() throws {
        let place = try Place()
        let path = "\(place.path)/stale"
        try AtomicFile.write([UInt8](repeating: 9, count: 100_000), to: path)
        let object = try Self.zstd(Array("new".utf8), place)
        try AtomicFile.write(object, to: "\(place.path)/object")
        let input = OwnedFD(unsafe open("\(place.path)/object", O_RDONLY | O_CLOEXEC))
        let output = OwnedFD(unsafe open(path, O_RDWR | O_CLOEXEC))
        try SparseDecoder(output: output.rawValue, limit: 1 << 20).decode(from: input.rawValue)
        #expect(FileBytes.read(path) == Array("new".utf8))
    }

    @Test("what we write is read by Debian's zstd, byte by byte as the format says")
    func written() throws {
        let place = try Place()
        let text = FileText(size: 1 << 20, [(0, Array("first".utf8)), (1 << 19, Array("second".utf8))])
        var manifest = Place.manifest()
        manifest.assets = ["b<": .init(url: "gs://a/b?x=1&y", sha256: "cc"), "a": .init(url: "u", sha256: "dd")]
        let extra = "\(place.path)/extra"
        try DirectoryTree.make(extra)
        try text.write("\(extra)/pages.img")
        _ = try place.snapshots.saveLocal(
            actorDirectory: "a:b",
            name: "one",
            manifest: manifest,
            volumes: [],
            extraFiles: extra
        )
        let saved = try place.snapshots.find(actorDirectory: "a:b", name: "one")
        let uri = try SnapshotURI("file://bucket/one")
        _ = try place.external(.atelet).upload(saved, to: uri)
        #expect(try place.objects().keys.sorted() == ["one/manifest.json", "one/pages.img.zstd"])
        let json = try #require(FileBytes.read("\(place.path)/objects/bucket/one/manifest.json"))
        #expect(
            String(decoding: json, as: UTF8.self)
                == #"{"sandboxClass":"mine","assets":{"a":{"url":"u","sha256":"dd"},"b\u003c":{"url":"gs://a/b?x=1\u0026y","sha256":"cc"}},"snapshotFiles":["pages.img"]}"#
        )
        let object = try #require(FileBytes.read("\(place.path)/objects/bucket/one/pages.img.zstd"))
        #expect(Array(object.prefix(12)) == Array("ATESPRSE".utf8) + [2, 0, 0, 0])
        try AtomicFile.write(Array(object.dropFirst(12)), to: "\(place.path)/body.zst")
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/zstd")
        process.arguments = ["-q", "-d", "\(place.path)/body.zst", "-o", "\(place.path)/body"]
        try process.run()
        process.waitUntilExit()
        #expect(process.terminationStatus == 0)
        let body = try #require(FileBytes.read("\(place.path)/body"))
        #expect(Array(body.prefix(8)) == Self.number(1 << 20))
        #expect(Array(body.suffix(8)) == Self.number(-1))
        // Two extents of one block each: what a file system says of them may be a block more.
        #expect(body.count < 100_000)
        let fetched = try place.fetch(place.external(), uri, to: "fetched")
        #expect(try SHA256.hex(ofFile: "\(fetched.path)/pages.img") == SHA256.hex(ofFile: "\(saved.path)/pages.img"))
    }
}
