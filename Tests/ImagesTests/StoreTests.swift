import Glibc
import HostErrors
import Snapshots
import SystemLayer
import TestSupport
import Testing
import Transfer

@testable import Images

/// A base directory that is gone when the test is, and the real unpacker of this package.
final class Base {
    private let directory: ScratchDirectory
    var path: String { directory.path }
    init() throws {
        directory = try ScratchDirectory("images")
        try DirectoryTree.make("\(path)/layout/blobs/sha256")
    }

    static var unpacker: String { "\(TestMachine.products)/substrate-unpack" }

    func write(_ text: String, _ name: String) throws {
        try AtomicFile.write(Array(text.utf8), to: "\(path)/layout/\(name)")
    }
    func blob(_ bytes: [UInt8]) throws -> String {
        let hex = SHA256.hex(of: bytes)
        try AtomicFile.write(bytes, to: "\(path)/layout/blobs/sha256/\(hex)")
        return "{\"digest\":\"sha256:\(hex)\",\"size\":\(bytes.count)}"
    }
    /// A layout with one image whose only layer is an empty tar.
    func layout() throws -> String {
        let layer = try blob([UInt8](repeating: 0, count: 1024))
        let config = try blob(Array("{}".utf8))
        let manifest = try blob(Array("{\"config\":\(config),\"layers\":[\(layer),\(layer)]}".utf8))
        try write("{\"imageLayoutVersion\":\"1.0.0\"}", "oci-layout")
        try write("{\"manifests\":[\(manifest)]}", "index.json")
        return SHA256.hex(of: [UInt8](repeating: 0, count: 1024))
    }
}

@Suite struct StoreTests {
    @Test("references")
    func references() throws {
        #expect(try ImageReference("oci:/a/b:c") == .layout(directory: "/a/b", tag: "c"))
        #expect(try ImageReference("oci:/a:b/c") == .layout(directory: "/a:b/c", tag: nil))
        for bad in [
            "", "oci:", "oci:relative", "docker://", "-oProxyCommand=x", "a b", "UPPER/case", "a//b", "x@sha256:1",
        ] {
            #expect(throws: HostError.self, "\(bad)") { try ImageReference(bad) }
        }
    }

    @Test("an image is unpacked once, each layer once, from verified bytes")
    func prepares() throws {
        let base = try Base()
        let unpacker = Base.unpacker
        let hex = try base.layout()
        let store = ImageStore(baseDirectory: base.path, unpacker: unpacker)
        let image = try store.prepare("oci:\(base.path)/layout")
        #expect(image.layers == ["\(base.path)/image-store/layers/\(hex)/root"])
        // The blob is not read again.
        #expect(unsafe unlink("\(base.path)/layout/blobs/sha256/\(hex)") == 0)
        #expect(try store.prepare("oci:\(base.path)/layout") == image)
        #expect(try DirectoryTree.names(in: "\(base.path)/image-store/staging") == [])
    }

    @Test("other bytes than the digest's are refused and leave nothing")
    func corrupt() throws {
        let base = try Base()
        let hex = try base.layout()
        try base.write(String(repeating: "x", count: 1024), "blobs/sha256/\(hex)")
        let store = ImageStore(baseDirectory: base.path, unpacker: "/absent")
        do {
            _ = try store.prepare("oci:\(base.path)/layout")
            Issue.record("was prepared")
        } catch { #expect(error.code == .dataLoss && error.reason == .image) }
        #expect(try DirectoryTree.names(in: "\(base.path)/image-store/layers") == [])
    }

    @Test("volumes are saved, verified, restored; a corrupt snapshot is refused and changes nothing")
    func snapshots() throws {
        let base = try Base()
        let store = SnapshotStore(baseDirectory: base.path, unpacker: Base.unpacker)
        let path = "\(base.path)/durable-dir/data"
        try DirectoryTree.make(path)
        try AtomicFile.write(Array("41".utf8), to: "\(path)/count")
        let volumes = [DurableVolume(name: "data", path: path)]
        let manifest = SnapshotManifest(
            sandboxClass: "process",
            assets: [:],
            scope: "data",
            backend: .init(name: "process", sha256: "0")
        )
        for name in ["one", "two"] {
            _ = try store.saveLocal(actorDirectory: "a:b", name: name, manifest: manifest, volumes: volumes)
        }
        try AtomicFile.write(Array("99".utf8), to: "\(path)/count")
        try AtomicFile.write(Array("99".utf8), to: "\(path)/late")
        let newest = try #require(try store.newest(actorDirectory: "a:b"))
        #expect(newest.name == "two")
        #expect(newest.manifest.snapshotFiles == ["durable-dir.tar"])
        try store.restoreVolumes(newest, into: volumes)
        #expect(try DirectoryTree.names(in: path) == ["count"])
        #expect(try SHA256.hex(ofFile: "\(path)/count") == SHA256.hex(of: Array("41".utf8)))
        #expect(try DirectoryTree.names(in: "\(base.path)/durable-dir") == ["data"])

        try AtomicFile.write(Array("not a tar".utf8), to: "\(newest.path)/durable-dir.tar")
        do {
            try store.restoreVolumes(newest, into: volumes)
            Issue.record("was restored")
        } catch { #expect(error.code == .dataLoss && error.reason == .snapshotCorrupt) }
        #expect(try DirectoryTree.names(in: path) == ["count"])
        try store.remove(actorDirectory: "a:b", name: "two")
        // As a crash between the two renames of a replacement leaves it.
        let place = "\(base.path)/actors/a:b/local-checkpoint"
        #expect(unsafe rename("\(place)/one", "\(place)/.replaced-one") == 0)
        #expect(try store.list(actorDirectory: "a:b").map(\.name) == ["one"])
        #expect(throws: HostError.self) { try store.find(actorDirectory: "a:b", name: "../x") }
        // What was removed is gone, and what was kept still restores.
        #expect(throws: HostError.self) { try store.find(actorDirectory: "a:b", name: "two") }
        try AtomicFile.write(Array("7".utf8), to: "\(path)/count")
        try store.restoreVolumes(try store.find(actorDirectory: "a:b", name: "one"), into: volumes)
        #expect(TextFile.read("\(path)/count") == "41")
    }
}
