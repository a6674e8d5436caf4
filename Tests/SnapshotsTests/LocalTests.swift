import Glibc
import HostErrors
import SystemLayer
import Testing
import Transfer

@testable import Snapshots

@Suite("local snapshots")
struct LocalTests {
    private static func inode(_ path: String) -> UInt64 {
        var status = stat()
        return unsafe stat(path, &status) == 0 ? UInt64(status.st_ino) : 0
    }

    @Test("a backend sees the snapshot's own files, without a copy, as often as it is restored")
    func links() throws {
        let place = try Place()
        let saved = try place.save(["memory": FileText([1, 2, 3])], name: "one")
        for number in 0..<2 {
            let shown = "\(place.path)/restore-state"
            try place.snapshots.present(saved, in: shown)
            #expect(try DirectoryTree.names(in: shown) == ["memory"], "\(number)")
            #expect(Self.inode("\(shown)/memory") == Self.inode("\(saved.path)/memory"))
        }
        try place.snapshots.remove(actorDirectory: "a:b", name: "one")
        #expect(FileBytes.read("\(place.path)/restore-state/memory") == [1, 2, 3])
    }

    @Test("a corrupt one is put aside with the reason, and says so ever after")
    func quarantine() throws {
        let place = try Place()
        let saved = try place.save(["memory": FileText([1, 2, 3])], name: "one")
        _ = try place.snapshots.verified(actorDirectory: "a:b", name: "one")
        try AtomicFile.write([1, 2, 4], to: "\(saved.path)/memory")
        for _ in 0..<2 {
            let error = #expect(throws: HostError.self) {
                try place.snapshots.verified(actorDirectory: "a:b", name: "one")
            }
            #expect(error?.code == .dataLoss && error?.reason == .snapshotCorrupt)
            #expect(error?.message.contains("memory has other bytes") == true, "\(error?.message ?? "")")
        }
        #expect(try place.snapshots.list(actorDirectory: "a:b").isEmpty)
        #expect(try place.snapshots.quarantined(actorDirectory: "a:b").keys.sorted() == ["one"])
        #expect(FileBytes.read("\(place.path)/base/actors/a:b/local-checkpoint/.corrupt-one/memory") == [1, 2, 4])
        // A new one of that name takes its place.
        _ = try place.save(["memory": FileText([5])], name: "one")
        _ = try place.snapshots.verified(actorDirectory: "a:b", name: "one")
        #expect(try place.snapshots.prune(actorDirectory: "a:b") == ["one"])
        #expect(try DirectoryTree.names(in: "\(place.path)/base/actors/a:b/local-checkpoint").isEmpty)
    }

    @Test("the newest are kept, and what is pinned")
    func retention() throws {
        let place = try Place()
        for name in ["one", "two", "three", "four"] { _ = try place.save(["f": FileText([1])], name: name) }
        let gone = try place.snapshots.prune(actorDirectory: "a:b", keeping: 1, pinned: ["two"])
        #expect(gone == ["one", "three"])
        #expect(try place.snapshots.list(actorDirectory: "a:b").map(\.name) == ["two", "four"])
        #expect(try place.snapshots.actors() == ["a:b"])
    }

    @Test("a manifest of the first schema is read as it was written")
    func first() throws {
        let place = try Place()
        let saved = try place.save(["f": FileText([])], name: "two")
        #expect(unsafe rename("\(saved.path)/f", "\(saved.path)/durable-dir.tar") == 0)
        let digest = SHA256.hex(of: [])
        let old = #"""
            {"assets":{},"backend":{"name":"mine","sha256":"00"},"createdAt":1,"files":{"durable-dir.tar":{"sha256":"\#(digest)","size":0}},"sandboxClass":"mine","scope":"data","snapshotFiles":["durable-dir.tar"],"volumes":["data"]}
            """#
        try AtomicFile.write(Array(old.utf8), to: "\(saved.path)/manifest.json")
        let found = try place.snapshots.verified(actorDirectory: "a:b", name: "two")
        #expect(found.manifest.schema == nil && !found.volumesSaved && found.manifest.machine == nil)
        try Self.gate.check(found.manifest, named: "two", overridden: [])
    }

    static let gate = CompatibilityGate(
        machine: MachineFacts(arch: "amd64", kernel: "6", cpuFeatures: ["avx", "sse"]),
        backend: "mine",
        classes: ["other"],
        requiredAssets: []
    )

    @Test("what does not fit is refused with the reason; what a manifest does not say is not looked at")
    func compatibility() throws {
        func refusal(
            _ gate: CompatibilityGate = LocalTests.gate,
            _ overridden: Set<String> = [],
            _ change: (inout SnapshotManifest) -> Void
        ) -> HostError? {
            var manifest = Place.manifest()
            change(&manifest)
            do throws(HostError) { try gate.check(manifest, named: "one", overridden: overridden) } catch {
                #expect(error.code == .failedPrecondition)
                return error
            }
            return nil
        }
        #expect(refusal { _ in } == nil)
        #expect(refusal { $0.sandboxClass = "other" } == nil)
        #expect(refusal { $0.sandboxClass = "third" }?.message.contains("\"third\"") == true)
        #expect(refusal { $0.backend?.name = "third" }?.reason == .snapshotIncompatible)
        #expect(refusal { $0.backend = nil } == nil)
        #expect(refusal { $0.schema = 2 }?.message.contains("schema 2") == true)
        func made(_ arch: String, _ features: [String]?) -> MachineFacts {
            MachineFacts(arch: arch, kernel: "5", cpuFeatures: features)
        }
        #expect(refusal { $0.machine = made("amd64", ["sse"]) } == nil)
        #expect(refusal { $0.machine = made("amd64", nil) } == nil)
        #expect(refusal { $0.machine = made("arm64", nil) }?.message.contains("arm64, this machine is amd64") == true)
        #expect(
            refusal { $0.machine = made("amd64", ["sse", "avx512f", "amx"]) }?.message.hasSuffix("lacks: amx avx512f")
                == true
        )
        var needy = Self.gate
        needy.requiredAssets = ["engine"]
        #expect(refusal(needy) { _ in }?.reason == .asset)
        #expect(refusal(needy, ["engine"]) { _ in } == nil)
        #expect(refusal(needy) { $0.assets["engine"] = .init(url: "", sha256: "") } == nil)
    }

    @Test("this machine knows what it is")
    func machine() {
        #expect(["amd64", "arm64"].contains(MachineFacts.here.arch))
        #expect(MachineFacts.here.kernel?.isEmpty == false)
        #expect((MachineFacts.here.cpuFeatures?.count ?? 0) > 5)
        #expect(MachineFacts.here.forData.cpuFeatures == nil)
        #expect(MachineFacts.features("flags\t\t: a b c\nx: y\nflags : b c d\n") == ["b", "c"])
    }
}
