import Foundation
import Glibc
import HostErrors
import SystemLayer
import TestSupport
import Testing
import Transfer

@testable import Images

/// What stays in the store, what goes, and what a crash leaves.
struct KeepingTests {
    /// A store with layouts of one shared layer and one of their own each.
    private struct Bench {
        let base: Base
        func layout(_ name: String, _ size: Int = 20_000) throws -> String {
            let directory = "\(base.path)/\(name)"
            try DirectoryTree.make("\(directory)/blobs/sha256")
            func blob(_ bytes: [UInt8]) throws -> String {
                let hex = SHA256.hex(of: bytes)
                try Data(bytes).write(to: URL(fileURLWithPath: "\(directory)/blobs/sha256/\(hex)"))
                return "{\"digest\":\"sha256:\(hex)\",\"size\":\(bytes.count)}"
            }
            let shared = try blob(TarBuilder().add("shared", "0", String(repeating: "s", count: size)).ended)
            let own = try blob(TarBuilder().add(name, "0", String(repeating: "o", count: size)).ended)
            let config = try blob(Array("{}".utf8))
            let manifest = try blob(Array("{\"config\":\(config),\"layers\":[\(shared),\(own)]}".utf8))
            for (text, file) in [
                ("{\"imageLayoutVersion\":\"1.0.0\"}", "oci-layout"), ("{\"manifests\":[\(manifest)]}", "index.json"),
            ] { try Data(text.utf8).write(to: URL(fileURLWithPath: "\(directory)/\(file)")) }
            return "oci:\(directory)"
        }
        func store(budget: Int64 = 0, age: Int64 = 0) -> ImageStore {
            var settings = ImageSettings()
            settings.budgetBytes = budget
            settings.minimumAgeSeconds = age
            return ImageStore(baseDirectory: base.path, unpacker: Base.unpacker, settings: settings)
        }
        var layers: [String] { get throws { try DirectoryTree.names(in: "\(base.path)/image-store/layers") } }
        /// As if it had been used so many seconds ago.
        func age(_ digest: String, _ seconds: Int) {
            var times = [timespec](repeating: timespec(tv_sec: time(nil) - seconds, tv_nsec: 0), count: 2)
            _ = unsafe utimensat(AT_FDCWD, "\(base.path)/image-store/images/\(digest.dropFirst(7))", &times, 0)
        }
    }

    private func use(_ bench: Bench, _ actor: String) -> ImageUse {
        var use = ImageUse()
        use.pinFile = ImageStore.pinFile("\(bench.base.path)/actors/\(actor)")
        use.pinOwner = "team/\(actor)"
        return use
    }

    @Test("an image goes with what no other needs, and not while an actor keeps it")
    func removes() throws {
        let bench = Bench(base: try Base())
        let store = bench.store()
        let one = try bench.layout("one")
        let two = try bench.layout("two")
        let first = try store.prepare([one], use(bench, "a"))[0]
        let second = try store.prepare(two)
        #expect(try bench.layers.count == 3)
        let listed = store.list()
        #expect(Set(listed.map(\.digest)) == [first.digest, second.digest])
        let kept = try store.find(one)
        #expect(kept.pinnedBy == ["team/a"] && kept.bytes == 40_000)
        do {
            _ = try store.remove(one)
            Issue.record("it was removed")
        } catch {
            #expect(error.code == .failedPrecondition && error.message.contains("team/a"), "\(error.message)")
        }
        let removal = try store.remove(String(second.digest.dropFirst(7).prefix(12)))
        #expect(removal.images == [second.digest] && removal.bytes == 20_000)
        #expect(try bench.layers.count == 2)
        #expect(unsafe access("\(first.layers[0])/shared", F_OK) == 0)
        try DirectoryTree.remove("\(bench.base.path)/actors/a")
        #expect(try store.remove(one).bytes == 40_000)
        #expect(try bench.layers == [])
        do {
            _ = try store.remove(one)
            Issue.record("it was there")
        } catch { #expect(error.code == .notFound) }
    }

    @Test("over its budget the store loses the longest unused, never what is kept or young")
    func budget() throws {
        let bench = Bench(base: try Base())
        let store = bench.store(budget: 70_000)
        var images: [String: PreparedImage] = [:]
        for name in ["kept", "old", "older", "new"] {
            let uses = name == "kept" ? use(bench, "a") : ImageUse()
            images[name] = try store.prepare([try bench.layout(name)], uses)[0]
        }
        for (name, seconds) in [("kept", 900), ("old", 500), ("older", 700), ("new", 0)] {
            bench.age(try #require(images[name]).digest, seconds)
        }
        // Shared 20,000 and four of their own: 100,000, of which 30,000 are too much.
        let removal = try store.collect()
        #expect(removal.images == [images["older"]?.digest, images["old"]?.digest])
        #expect(removal.bytes == 40_000)
        #expect(
            Set(store.list().map(\.digest)) == Set([images["kept"]?.digest, images["new"]?.digest].compactMap { $0 })
        )
        #expect(try store.collect() == ImageRemoval())
        let strict = bench.store(budget: 1, age: 600)
        #expect(try strict.collect().images == [])
        #expect(try bench.store().collect() == ImageRemoval(), "without a budget nothing goes")
        // What went is unpacked again when it is wanted.
        #expect(try store.prepare("oci:\(bench.base.path)/old") == images["old"])
    }

    @Test("what a tag meant for an actor is known as long as its directory is there")
    func known() throws {
        let bench = Bench(base: try Base())
        let store = bench.store()
        let one = try bench.layout("one")
        let image = try store.prepare([one], use(bench, "a"))[0]
        let directory = "\(bench.base.path)/actors/a"
        #expect(store.known(directory) == [one: image.digest])
        try DirectoryTree.remove(directory)
        #expect(store.known(directory) == [:])
    }

    @Test("debris is swept at start, what somebody still works on is not")
    func debris() throws {
        let bench = Bench(base: try Base())
        let staging = "\(bench.base.path)/image-store/staging"
        try DirectoryTree.make("\(staging)/layer-1-1/root/deep")
        let alive = try StagingDirectory(in: staging, named: "layer")
        _ = bench.store()
        #expect(try DirectoryTree.names(in: staging).map { "\(staging)/\($0)" } == [alive.path])
    }

    @Test("an unpacker that is killed leaves nothing, and the next one succeeds")
    func killed() throws {
        let bench = Bench(base: try Base())
        let one = try bench.layout("one")
        let fake = "\(bench.base.path)/dies"
        try "#!/bin/sh\nmkdir /proc/self/fd/3/half\nkill -9 $$\n".write(
            toFile: fake,
            atomically: false,
            encoding: .utf8
        )
        _ = unsafe chmod(fake, 0o755)
        let broken = ImageStore(baseDirectory: bench.base.path, unpacker: fake)
        do {
            _ = try broken.prepare(one)
            Issue.record("it was prepared")
        } catch { #expect(error.reason == .image && error.message.contains("killed"), "\(error.message)") }
        #expect(try bench.layers == [])
        #expect(try DirectoryTree.names(in: "\(bench.base.path)/image-store/staging") == [])
        #expect(try bench.store().prepare(one).layers.count == 2)
    }

    @Test("many that want one image at once have it unpacked once, side by side with others")
    func together() async throws {
        let bench = Bench(base: try Base())
        let store = bench.store()
        let one = try bench.layout("one", 300_000)
        let two = try bench.layout("two", 300_000)
        let results = try await withThrowingTaskGroup(of: [PreparedImage].self) { group in
            for _ in 0..<6 {
                group.addTask {
                    try await withCheckedThrowingContinuation { continuation in
                        DispatchQueue.global().async {
                            continuation.resume(with: Result { try store.prepare([one, two]) })
                        }
                    }
                }
            }
            return try await group.reduce(into: [[PreparedImage]]()) { $0.append($1) }
        }
        #expect(results.count == 6 && results.allSatisfy { $0 == results[0] })
        #expect(try bench.layers.count == 3)
        #expect(try DirectoryTree.names(in: "\(bench.base.path)/image-store/staging") == [])
    }

    @Test("one layer has two forms: as the image says, and all of root")
    func forms() throws {
        let base = try Base()
        let layer = try base.blob(TarBuilder().add("f", "0", "x", uid: 7).ended)
        let config = try base.blob(Array("{}".utf8))
        let manifest = try base.blob(Array("{\"config\":\(config),\"layers\":[\(layer)]}".utf8))
        try base.write("{\"imageLayoutVersion\":\"1.0.0\"}", "oci-layout")
        try base.write("{\"manifests\":[\(manifest)]}", "index.json")
        let store = ImageStore(baseDirectory: base.path, unpacker: Base.unpacker)
        var bare = ImageUse()
        bare.isRootOwned = true
        let own = try store.prepare("oci:\(base.path)/layout").layers[0]
        let roots = try store.prepare(["oci:\(base.path)/layout"], bare)[0].layers[0]
        var status = stat()
        #expect(unsafe lstat("\(own)/f", &status) == 0 && status.st_uid == (TestMachine.isRoot ? 7 : geteuid()))
        #expect(unsafe lstat("\(roots)/f", &status) == 0 && status.st_uid == geteuid() && own != roots)
    }

    @Test(
        "references of registries, as everybody writes them",
        arguments: [
            ("busybox", "docker.io/library/busybox:latest"), ("team/app", "docker.io/team/app:latest"),
            ("docker://quay.io/a/b:1", "quay.io/a/b:1"), ("localhost/x", "localhost/x:latest"),
            ("localhost:5000/x/y:z", "localhost:5000/x/y:z"), ("[::1]:5000/x", "[::1]:5000/x:latest"),
            ("index.docker.io/library/a", "docker.io/library/a:latest"), ("a__b/c-d.e", "docker.io/a__b/c-d.e:latest"),
            (
                "host.example/a:tag@sha256:" + String(repeating: "0", count: 64),
                "host.example/a@sha256:" + String(repeating: "0", count: 64)
            ),
        ]
    )
    func references(_ text: String, _ canonical: String) throws {
        #expect(try RegistryReference(text).text == canonical)
    }

    @Test("§11 E 33: which registries are on this machine")
    func loopback() throws {
        for text in ["localhost/x", "localhost:1/x", "127.0.0.1:5000/x", "127.0.0.2:8080/foo", "[::1]:5000/x"] {
            #expect(try RegistryReference(text).isLoopback, "\(text)")
        }
        for text in [
            "foo", "kind-registry:5000/foo", "my-registry.local/foo", "127.0.0.1.example.com/x", "128.0.0.1/x",
        ] {
            #expect(try !RegistryReference(text).isLoopback, "\(text)")
        }
    }

    @Test("a user by name or number, with the groups of the image's own files")
    func users() throws {
        let scratch = try ScratchDirectory("layers")
        for layer in ["low", "high"] { try DirectoryTree.make("\(scratch.path)/\(layer)/etc") }
        func write(_ text: String, _ name: String) throws {
            try text.write(toFile: "\(scratch.path)/\(name)", atomically: false, encoding: .utf8)
        }
        try write("app:x:1:1::/old:/bin/sh\n", "low/etc/passwd")
        try write("app:x:100:200::/home/app:/bin/sh\nbroken\n:::\n", "high/etc/passwd")
        try write("app:x:200:\nwheel:x:10:root,app\nusers:x:20:app\nbig:x:4294967295:app\n", "low/etc/group")
        let layers = ["\(scratch.path)/low", "\(scratch.path)/high"]
        func user(_ text: String) throws -> ImageUser { try ImageUser(text, layers: layers, of: "image") }
        let named = try user("app")
        #expect(named.user == 100 && named.group == 200 && named.groups == [10, 20] && named.home == "/home/app")
        #expect(try user("100").groups == [10, 20])
        #expect(try user("app:users").group == 20)
        #expect(try user("app:7").groups == [])
        let stranger = try user("4000")
        #expect(stranger.user == 4000 && stranger.group == 0 && stranger.home == nil)
        #expect(try user("").user == 0)
        for bad in ["nobody", "app:nobody", "-1", "4294967295", "app/../root"] {
            #expect(throws: HostError.self, "\(bad)") { try user(bad) }
        }
        // A link in its place is a stranger's: it is not followed.
        try DirectoryTree.remove("\(layers[1])/etc/passwd")
        _ = unsafe symlink("/etc/passwd", "\(layers[1])/etc/passwd")
        #expect(throws: HostError.self) { try user("app") }
    }
}
