import Glibc
import HostErrors
import SystemLayer
import Testing
import Transfer

@testable import Snapshots

@Suite("external snapshots")
struct ExternalTests {
    /// Every shape of file that contract §11 J52 names, and what chunks make of it.
    static let shapes: [String: FileText] = {
        var random = Random(1)
        return [
            "empty": FileText([]),
            "hole": FileText(size: 4 << 20),
            "data": FileText(random.bytes(256 << 10)),
            "leading": FileText(size: 2 << 20, [((2 << 20) - 5000, random.bytes(5000))]),
            "trailing": FileText(size: 2 << 20, [(0, random.bytes(5000))]),
            "middle": FileText(size: 1 << 20, [(300_001, random.bytes(70_000))]),
            "many": FileText(size: 8 << 20, (0..<8).map { (Int64($0) << 20 + 17, random.bytes(9000)) }),
            "zeros": FileText([UInt8](repeating: 0, count: 300_000)),
            "odd": FileText(random.bytes(4097)),
            "text": FileText(Array(String(repeating: "to be or not to be, ", count: 20_000).utf8)),
        ]
    }()

    @Test("every shape of file comes back whole, its holes as holes", arguments: SnapshotFormat.allCases)
    func roundTrip(_ format: SnapshotFormat) throws {
        let place = try Place()
        let saved = try place.save(Self.shapes, name: "one")
        let uri = try SnapshotURI("file://bucket/a/b/")
        let external = place.external(format)
        _ = try external.upload(saved, to: uri)
        let fetched = try place.fetch(external, uri, to: "fetched")
        for name in Self.shapes.keys {
            let (was, now) = ("\(saved.path)/\(name)", "\(fetched.path)/\(name)")
            #expect(try SHA256.hex(ofFile: was) == SHA256.hex(ofFile: now), "\(name)")
            #expect(try FileText.blocks(now) <= FileText.blocks(was) + 8, "\(name) has fewer holes")
        }
        if format == .chunks {
            #expect(try FileText.blocks("\(fetched.path)/zeros") == 0, "zero pages become holes")
        }
        let whole = try place.objects().values.reduce(0, +)
        #expect(whole < 1 << 20, "\(whole) bytes are stored for 19 MiB that are mostly holes")
        #expect(try DirectoryTree.names(in: fetched.path).sorted() == Self.shapes.keys.sorted(), "and nothing else")
    }

    @Test("a file of several lists comes back whole, and lists in another order are none of it")
    func lists() throws {
        let place = try Place()
        var random = Random(2)
        // Windows of a page: a list is of 128 MiB, and this file has three; the second is all holes.
        let list = Int64(ChunkFormat.windowsOfList) * Int64(ChunkFormat.page)
        let ends = [(Int64(0), random.bytes(9000)), (list - 4096, random.bytes(4096))]
        let text = FileText(
            size: 3 * list + 100,
            ends + [(2 * list, random.bytes(5000)), (3 * list - 10, random.bytes(110))]
        )
        let saved = try place.save(["memory": text], name: "one")
        let uri = try SnapshotURI("file://bucket/a")
        let external = ExternalSnapshots(
            format: .chunks,
            unpacker: Place.unpacker,
            directory: "\(place.path)/objects",
            pages: 1
        )
        let count = try external.upload(saved, to: uri)
        #expect(count.bytes == 3 * list + 100)
        let fetched = try place.fetch(external, uri, to: "fetched")
        #expect(try SHA256.hex(ofFile: "\(fetched.path)/memory") == saved.manifest.files?["memory"]?.sha256)
        #expect(try FileText.blocks("\(fetched.path)/memory") <= FileText.blocks("\(saved.path)/memory") + 8)
        var manifest = try #require(try external.manifest(uri))
        let lists = try #require(manifest.files?["memory"]?.chunks)
        #expect(lists.parts.map(\.count) == [4, 3, 1])
        #expect(try external.collect(uri, minimumAge: -10).removed == 0, "every list is needed")
        manifest.files?["memory"]?.chunks = .init(lists.parts.reversed(), pages: 1)
        try AtomicFile.write(try manifest.encoded(), to: "\(place.path)/objects/bucket/a/manifest.json")
        let error = #expect(throws: HostError.self) { try place.fetch(external, uri, to: "wrong") }
        #expect(error?.code == .dataLoss, "\(error?.message ?? "")")
        #expect(try DirectoryTree.names(in: "\(place.path)/wrong").isEmpty)
    }

    @Test("what a store has is not written again: by another snapshot, or by a retry")
    func shared() throws {
        let place = try Place()
        var random = Random(2)
        var memory = random.bytes(4 << 20)
        let first = try place.save(["memory": FileText(memory)], name: "one")
        let one = try place.external().upload(first, to: SnapshotURI("file://bucket/one"))
        #expect(one.chunks == one.written && one.chunks == (4 << 20) / (ChunkFormat.pages * ChunkFormat.page))
        memory[70_000] ^= 1
        let second = try place.save(["memory": FileText(memory)], name: "two")
        let two = try place.external().upload(second, to: SnapshotURI("file://bucket/two"))
        #expect(two.written == 1 && two.chunks == one.chunks)
        // The same pages at another place of another file are the same chunk.
        let window = ChunkFormat.pages * ChunkFormat.page
        let moved = FileText(size: 8 << 20, [(Int64(window) * 3, Array(memory[0..<window]))])
        let third = try place.save(["other": moved], name: "three")
        let three = try place.external().upload(third, to: SnapshotURI("file://bucket/three"))
        #expect(three.written == 0 && three.chunks == 1)
        let fetched = try place.fetch(place.external(), SnapshotURI("file://bucket/three"), to: "fetched")
        #expect(try SHA256.hex(ofFile: "\(fetched.path)/other") == SHA256.hex(ofFile: "\(third.path)/other"))
    }

    @Test("an upload that fails leaves no manifest, and the retry writes the rest alone")
    func retry() throws {
        let place = try Place()
        var random = Random(3)
        let saved = try place.save(["memory": FileText(random.bytes(4 << 20))], name: "one")
        let uri = try SnapshotURI("file://bucket/one")
        let countdown = FlakyStore.Countdown(20)
        let error = #expect(throws: HostError.self) {
            try place.external { FlakyStore(inner: $0, left: countdown) }.upload(saved, to: uri)
        }
        #expect(error?.code == .unavailable)
        #expect(try place.external().manifest(uri) == nil)
        #expect(try place.objects(ChunkFormat.root).count == 20)
        try place.snapshots.verify(saved)
        let count = try place.external().upload(saved, to: uri)
        #expect(count.written == count.chunks - 20)
        _ = try place.fetch(place.external(), uri, to: "fetched")
        #expect(try place.bucket().list("").allSatisfy { !$0.key.contains(".writing") })
    }

    @Test("a cancelled upload ends, and says so")
    func cancelled() throws {
        let place = try Place()
        let saved = try place.save(["memory": FileText([UInt8](repeating: 7, count: 1 << 20))], name: "one")
        let uri = try SnapshotURI("file://bucket/one")
        for format in SnapshotFormat.allCases {
            let error = #expect(throws: HostError.self) {
                try place.external(format).upload(saved, to: uri, isCancelled: { true })
            }
            #expect(error?.code == .cancelled)
            #expect(try place.external().manifest(uri) == nil)
        }
    }

    @Test("a chunk that is missing, cut, changed or another's is data loss, and leaves no file")
    func corrupt() throws {
        let place = try Place()
        var random = Random(4)
        let saved = try place.save(["memory": FileText(random.bytes(1 << 20))], name: "one")
        let uri = try SnapshotURI("file://bucket/one")
        _ = try place.external().upload(saved, to: uri)
        let chunks = try place.objects(ChunkFormat.root).sorted { $0.value > $1.value }.map(\.key)
        let path = "\(place.path)/objects/bucket/\(chunks[0])"
        let whole = try #require(FileBytes.read(path))
        var changed = whole
        changed[100] ^= 1
        let other = try #require(FileBytes.read("\(place.path)/objects/bucket/\(chunks[1])"))
        for bytes in [nil, [], Array(whole.dropLast()), changed, whole + [0], other] as [[UInt8]?] {
            if let bytes { try AtomicFile.write(bytes, to: path) } else { #expect(unsafe unlink(path) == 0) }
            let error = #expect(throws: HostError.self) { try place.fetch(place.external(), uri, to: "fetched") }
            #expect(error?.code == .dataLoss && error?.reason == .snapshotCorrupt, "\(error?.message ?? "")")
            #expect(unsafe access("\(place.path)/fetched/memory", F_OK) != 0)
        }
        try AtomicFile.write(whole, to: path)
        _ = try place.fetch(place.external(), uri, to: "fetched")
    }

    @Test("the manifest is last, and a destination below the chunks is refused")
    func places() throws {
        #expect(try SnapshotURI("gs://b/a/b/").text == "gs://b/a/b")
        #expect(try SnapshotURI("gs://b").key("manifest.json") == "manifest.json")
        #expect(try SnapshotURI("s3://b/a%20b").prefix == "a b")
        #expect(try SnapshotURI("s3://b/id/2026-06-30T17:22:15+02:00-AB").prefix == "id/2026-06-30T17:22:15+02:00-AB")
        for bad in ["b/a", "file:///a", "s3://b/../a", "s3://b/a//b", "s3://b/%zz", "s3://b/.substrate-chunks/x"] {
            #expect(throws: HostError.self, "\(bad)") { try SnapshotURI(bad) }
        }
        for bad in ["..", ".hidden", "a/b", ""] {
            #expect(throws: HostError.self, "\(bad)") { try FileObjectStore(directory: "/tmp/none", bucket: bad) }
        }
        let place = try Place()
        for bad in ["../x", "/x", "a/../b", "a//b", "", "."] {
            #expect(throws: HostError.self, "\(bad)") { try place.bucket().put(bad, []) }
        }
    }
}

/// Files as bytes.
enum FileBytes {
    static func read(_ path: String) -> [UInt8]? {
        let number = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard number >= 0 else { return nil }
        let file = OwnedFD(number)
        return try? readAll(from: file.rawValue, limit: 64 << 20)
    }
}
