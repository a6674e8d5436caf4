import Glibc
import HostErrors
import Synchronization
import SystemLayer
import TestSupport
import Testing
import Transfer

@testable import Snapshots

/// A host's base directory with a bucket beside it; gone when the test is.
final class Place: Sendable {
    private let directory: ScratchDirectory
    let snapshots: SnapshotStore
    var path: String { directory.path }

    init() throws {
        directory = try ScratchDirectory("snapshots")
        snapshots = SnapshotStore(baseDirectory: "\(directory.path)/base", unpacker: Self.unpacker)
    }

    static var unpacker: String { "\(TestMachine.products)/substrate-unpack" }

    /// The bucket that external snapshots go to.
    func bucket() throws -> FileObjectStore {
        try FileObjectStore(directory: "\(path)/objects", bucket: "bucket")
    }

    func external(
        _ format: SnapshotFormat = .chunks,
        _ wrap: @escaping @Sendable (any ObjectStore) -> any ObjectStore = { $0 }
    ) -> ExternalSnapshots {
        let directory = "\(path)/objects"
        return ExternalSnapshots(format: format, unpacker: Self.unpacker) { (uri) throws(HostError) in
            wrap(try ExternalSnapshots.files(uri, in: directory))
        }
    }

    static func manifest(_ scope: String = "full") -> SnapshotManifest {
        SnapshotManifest(
            sandboxClass: "mine",
            assets: [:],
            scope: scope,
            backend: .init(name: "mine", sha256: String(repeating: "a", count: 64))
        )
    }

    /// Saves files as a local snapshot of the actor `a:b`.
    func save(_ files: [String: FileText], name: String, destination: String? = nil) throws -> Snapshot {
        let extra = "\(path)/extra-\(name)"
        try DirectoryTree.make(extra)
        for (file, text) in files { try text.write("\(extra)/\(file)") }
        var manifest = Self.manifest()
        manifest.destination = destination
        _ = try snapshots.saveLocal(
            actorDirectory: "a:b",
            name: name,
            manifest: manifest,
            volumes: [],
            extraFiles: extra,
            volumesSaved: true
        )
        return try snapshots.find(actorDirectory: "a:b", name: name)
    }

    /// Fetches into a directory of that name.
    func fetch(_ external: ExternalSnapshots, _ uri: SnapshotURI, to name: String) throws -> Snapshot {
        let manifest = try #require(try external.manifest(uri))
        return try external.fetch(uri, manifest, into: "\(path)/\(name)")
    }

    /// All objects of the bucket: key → size.
    func objects(_ prefix: String = "") throws -> [String: Int64] {
        Dictionary(uniqueKeysWithValues: try bucket().list(prefix).map { ($0.key, $0.size) })
    }
}

/// What a file holds: data at offsets, and holes between.
struct FileText: Sendable {
    var size: Int64
    var parts: [(at: Int64, bytes: [UInt8])] = []

    init(size: Int64, _ parts: [(Int64, [UInt8])] = []) {
        self.size = size
        self.parts = parts.map { (at: $0.0, bytes: $0.1) }
    }

    init(_ bytes: [UInt8]) { self.init(size: Int64(bytes.count), [(0, bytes)]) }

    func write(_ path: String) throws {
        let number = unsafe open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        try #require(number >= 0)
        let file = OwnedFD(number)
        for part in parts {
            try #require(lseek(file.rawValue, off_t(part.at), SEEK_SET) == off_t(part.at))
            try writeAll(part.bytes, to: file.rawValue)
        }
        try #require(ftruncate(file.rawValue, off_t(size)) == 0)
    }

    /// The blocks of 512 bytes that a file takes.
    static func blocks(_ path: String) throws -> Int64 {
        var status = stat()
        try #require(unsafe lstat(path, &status) == 0)
        return Int64(status.st_blocks)
    }
}

/// Numbers that are the same in every run.
struct Random: RandomNumberGenerator {
    private var state: UInt64
    init(_ seed: UInt64) { state = seed &* 2 + 1 }
    mutating func next() -> UInt64 {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        var mixed = state
        mixed ^= mixed >> 33
        mixed = mixed &* 0xFF51_AFD7_ED55_8CCD
        return mixed ^ (mixed >> 33)
    }
    mutating func bytes(_ count: Int) -> [UInt8] { (0..<count).map { _ in UInt8(truncatingIfNeeded: next()) } }
}

/// A store that refuses every write after so many.
struct FlakyStore: ObjectStore {
    let inner: any ObjectStore
    let left: Countdown
    var name: String { inner.name }
    var width: Int { 1 }

    final class Countdown: Sendable {
        private let left: Mutex<Int>
        init(_ count: Int) { left = Mutex(count) }
        func take() throws(HostError) {
            let isOver = left.withLock { left in
                left -= 1
                return left < 0
            }
            if isOver { throw HostError(.unavailable, .snapshotStore, "the store is gone") }
        }
    }
    struct Batch: ObjectBatch {
        let inner: any ObjectBatch
        let left: Countdown
        func put(_ key: String, _ bytes: [UInt8]) throws(HostError) {
            try left.take()
            try inner.put(key, bytes)
        }
        func commit() throws(HostError) { try inner.commit() }
    }
    func head(_ key: String) throws(HostError) -> StoredObject? { try inner.head(key) }
    func read(_ key: String, limit: Int) throws(HostError) -> [UInt8] { try inner.read(key, limit: limit) }
    func stream(_ key: String, _ take: ([UInt8]) throws(HostError) -> Void) throws(HostError) {
        try inner.stream(key, take)
    }
    func put(_ key: String, _ bytes: [UInt8]) throws(HostError) {
        try left.take()
        try inner.put(key, bytes)
    }
    func upload(_ key: String) throws(HostError) -> any ObjectUpload {
        try left.take()
        return try inner.upload(key)
    }
    func batch() throws(HostError) -> any ObjectBatch { Batch(inner: try inner.batch(), left: left) }
    func list(_ prefix: String) throws(HostError) -> [StoredObject] { try inner.list(prefix) }
    func delete(_ key: String) throws(HostError) { try inner.delete(key) }
}
