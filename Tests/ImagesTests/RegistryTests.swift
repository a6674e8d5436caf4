import Foundation
import Glibc
import HostErrors
import Synchronization
import SystemLayer
import TestSupport
import Testing
import Transfer

@testable import Images

/// Images of a real registry, which does not always do what it should.
@Suite(.enabled(if: TestMachine.needs(RegistryBench.isPossible), "needs root, docker-registry and skopeo"))
struct RegistryTests {
    private static func layer(_ name: String, _ size: Int = 10) -> [UInt8] {
        TarBuilder().add("d/", "5", mode: 0o755).add("d/\(name)", "0", String(repeating: name, count: size)).ended
    }

    private func failure(_ body: () throws -> Void) -> HostError? {
        do {
            try body()
            Issue.record("it was prepared")
            return nil
        } catch { return error as? HostError }
    }

    @Test("a tag is resolved each time, its content fetched once; by digest nothing is asked twice")
    func once() throws {
        let bench = try RegistryBench()
        let digest = try bench.layout("one", [Self.layer("a"), Self.layer("b")])
        try bench.push("one", to: "team/app:v1")
        let store = bench.store()
        let image = try store.prepare("\(bench.host)/team/app:v1")
        #expect(image.digest == digest && image.layers.count == 2)
        #expect(TextFile.read("\(image.layers[1])/d/b")?.hasPrefix("bbb") == true)
        #expect(bench.asked().contains { $0.contains("/blobs/") })
        #expect(try store.prepare("\(bench.host)/team/app:v1") == image)
        let again = bench.asked()
        #expect(!again.isEmpty && !again.contains { $0.contains("/blobs/") }, "\(again)")
        #expect(try bench.store().prepare("\(bench.host)/team/app@\(digest)") == image)
        #expect(bench.asked() == [])
        // The tag means another image now, which shares a layer.
        let next = try bench.layout("two", [Self.layer("a"), Self.layer("c")])
        try bench.push("two", to: "team/app:v1")
        let moved = try store.prepare("\(bench.host)/team/app:v1")
        #expect(moved.digest == next && moved.layers[0] == image.layers[0] && moved.layers[1] != image.layers[1])
        #expect(bench.asked().filter { $0.hasPrefix("GET") && $0.contains("/blobs/") }.count == 2)
        #expect(try bench.staged() == [])
    }

    @Test("what localhost is to an image's name, another registry can be; no other name is changed")
    func replaced() throws {
        let bench = try RegistryBench()
        let digest = try bench.layout("one", [Self.layer("a")])
        try bench.push("one", to: "team/app:v1")
        let store = bench.store { $0.localhostReplacement = bench.host }
        for name in ["localhost:1/team/app:v1", "127.0.0.9/team/app:v1", "localhost/team/app@\(digest)"] {
            #expect(try store.prepare(name).digest == digest, "\(name)")
        }
        #expect(bench.asked().contains { $0.contains("/blobs/") })
        #expect(failure { _ = try store.prepare("registry.invalid/team/app:v1") }?.code != nil)
        #expect(bench.asked() == [])
        for good in ["kind-registry:5000", "registry.internal", "localhost", "[::1]:5000"] {
            #expect(ImageSettings.isRegistry(good), "\(good)")
        }
        // A bare word before a slash is a repository's: skopeo would ask docker.io.
        for bad in ["", "kind-registry", "http://h:1", "h:x", "h:5000/", "-h:1", "a b:1"] {
            #expect(!ImageSettings.isRegistry(bad), "\(bad)")
        }
    }

    @Test("Docker's older manifests, and an index of several machines")
    func kinds() throws {
        let bench = try RegistryBench()
        try bench.layout("one", [Self.layer("a")], config: #"{"Entrypoint":["/d/a"],"User":"7"}"#)
        try bench.push("one", to: "app:docker", "--format", "v2s2")
        let store = bench.store()
        let image = try store.prepare("\(bench.host)/app:docker")
        #expect(image.configuration.entrypoint == ["/d/a"] && image.configuration.user == "7")
        // As the registry has it: the digest is that of its own bytes, not of what skopeo makes of them.
        let raw = try ProgramRun.wait(
            "/usr/bin/skopeo",
            ["inspect", "--raw", "--tls-verify=false", "docker://\(bench.host)/app:docker"]
        )
        #expect(image.digest == "sha256:\(SHA256.hex(of: Array(raw.output.utf8)))")
        _ = bench.asked()
        #expect(try bench.store().prepare("\(bench.host)/app@\(image.digest)").layers == image.layers)
        #expect(bench.asked() == [])

        let own = try bench.layout("own", [Self.layer("own")])
        let other = try bench.layout("other", [Self.layer("other")], architecture: "riscv64")
        try bench.push("own", to: "multi:own")
        try bench.push("other", to: "multi:other")
        func row(_ digest: String, _ architecture: String, _ layout: String) throws -> String {
            let hex = String(digest.dropFirst(7))
            let size = try Data(contentsOf: URL(fileURLWithPath: "\(bench.scratch.path)/\(layout)/blobs/sha256/\(hex)"))
            let type = "application/vnd.oci.image.manifest.v1+json"
            return
                #"{"mediaType":"\#(type)","digest":"\#(digest)","size":\#(size.count),"platform":{"architecture":"\#(architecture)","os":"linux"}}"#
        }
        let type = "application/vnd.oci.image.index.v1+json"
        let rows = try [row(other, "riscv64", "other"), row(own, ImageIndex.architecture, "own")].joined(separator: ",")
        let index = #"{"schemaVersion":2,"mediaType":"\#(type)","manifests":[\#(rows)]}"#
        let put = try ProgramRun.wait(
            "/usr/bin/python3",
            [
                "-c",
                """
                import sys, urllib.request
                request = urllib.request.Request(sys.argv[1], sys.argv[2].encode(), {"Content-Type": sys.argv[3]}, method="PUT")
                urllib.request.urlopen(request)
                """, "http://\(bench.host)/v2/multi/manifests/all", index, type,
            ]
        )
        try #require(put.code == 0, "\(put.error)")
        let chosen = try store.prepare("\(bench.host)/multi:all")
        #expect(chosen.digest == "sha256:\(SHA256.hex(of: Array(index.utf8)))")
        #expect(unsafe access("\(chosen.layers[0])/d/own", F_OK) == 0)
        _ = bench.asked()
        #expect(try bench.store { $0.isOffline = true }.prepare("\(bench.host)/multi@\(chosen.digest)") == chosen)
        #expect(bench.asked() == [])
    }

    @Test("offline nothing is asked: what is here serves, by digest and by the tag it last was")
    func offline() throws {
        let bench = try RegistryBench()
        try bench.layout("one", [Self.layer("a")])
        try bench.push("one", to: "app:v1")
        let reference = "\(bench.host)/app:v1"
        let offline = bench.store { $0.isOffline = true }
        let refused = failure { _ = try offline.prepare(reference) }
        #expect(refused?.code == .failedPrecondition && refused?.message.contains("offline") == true)
        let image = try bench.store().prepare(reference)
        try bench.door("shut")
        _ = bench.asked()
        #expect(try offline.prepare(reference) == image)
        #expect(bench.asked() == [])
        let other = failure { _ = try offline.prepare("\(bench.host)/app@sha256:\(String(repeating: "0", count: 64))") }
        #expect(other?.code == .failedPrecondition)
        // Not offline, a registry that does not answer is no reason to take what the tag was.
        let gone = failure { _ = try bench.store().prepare(reference) }
        #expect(gone?.code == .unavailable && gone?.reason == .image)
    }

    @Test("what is not there, and what never was a registry")
    func absent() throws {
        let bench = try RegistryBench()
        try bench.layout("one", [Self.layer("a")])
        try bench.push("one", to: "app:v1")
        let store = bench.store()
        let tag = failure { _ = try store.prepare("\(bench.host)/app:v2") }
        #expect(tag?.code == .notFound && tag?.message.contains("manifest unknown") == true, "\(tag?.message ?? "")")
        let digest = failure { _ = try store.prepare("\(bench.host)/app@sha256:\(String(repeating: "1", count: 64))") }
        #expect(digest?.code == .notFound)
        #expect(try bench.staged() == [])
        #expect(try DirectoryTree.names(in: "\(bench.base)/image-store/layers") == [])
    }

    @Test("a connection that is cut leaves nothing half made, and the next pull goes on")
    func cut() throws {
        let bench = try RegistryBench()
        let digest = try bench.layout("one", [Self.layer("a", 400_000), Self.layer("b", 300_000)])
        try bench.push("one", to: "app:v1")
        let reference = "\(bench.host)/app@\(digest)"
        try bench.door("cut 200000")
        let store = bench.store()
        let cut = failure { _ = try store.prepare(reference) }
        #expect(cut?.code == .unavailable, "\(cut?.message ?? "")")
        #expect(try bench.staged() == [])
        #expect(try DirectoryTree.names(in: "\(bench.base)/image-store/layers") == [])
        for name in try DirectoryTree.names(in: "\(bench.base)/image-store/blobs/sha256") {
            #expect(try SHA256.hex(ofFile: "\(bench.base)/image-store/blobs/sha256/\(name)") == name)
        }
        try bench.door("")
        #expect(try store.prepare(reference).layers.count == 2)
    }

    @Test("other bytes than the digest's are never kept, whoever changed them")
    func wrong() throws {
        let bench = try RegistryBench()
        let layer = Self.layer("a", 400_000)
        let digest = try bench.layout("one", [layer])
        try bench.push("one", to: "app:v1")
        try bench.door("flip 150000")
        let store = bench.store()
        let refused = failure { _ = try store.prepare("\(bench.host)/app@\(digest)") }
        #expect(refused?.code == .dataLoss || refused?.code == .unavailable, "\(refused?.message ?? "")")
        let hex = SHA256.hex(of: layer)
        #expect(unsafe access("\(bench.base)/image-store/blobs/sha256/\(hex)", F_OK) != 0)
        #expect(try DirectoryTree.names(in: "\(bench.base)/image-store/layers") == [])
        try bench.door("")
        let image = try store.prepare("\(bench.host)/app@\(digest)")
        // And what the disk changed since is fetched anew.
        try DirectoryTree.remove("\(bench.base)/image-store/layers/\(hex)")
        var spoilt = layer
        spoilt[5000] ^= 1
        let blob = "\(bench.base)/image-store/blobs/sha256/\(hex)"
        _ = unsafe unlink(blob)
        try Data(spoilt).write(to: URL(fileURLWithPath: blob))
        #expect(try store.prepare("\(bench.host)/app@\(digest)") == image)
        #expect(try SHA256.hex(ofFile: blob) == hex)
    }

    @Test("credentials come from the files that name the registry, and go to it by file")
    func credentials() throws {
        let bench = try RegistryBench(password: "se:cret")
        let layout = try bench.layout("one", [Self.layer("a")])
        try bench.push("one", to: "private/app:v1", "--dest-creds", "tester:se:cret")
        let reference = "\(bench.host)/private/app:v1"
        let anonymous = failure { _ = try bench.store().prepare(reference) }
        #expect(anonymous?.code == .permissionDenied, "\(anonymous?.message ?? "")")
        func file(_ name: String, _ key: String, _ password: String) throws -> String {
            let auth = Data("tester:\(password)".utf8).base64EncodedString()
            let path = "\(bench.scratch.path)/\(name)"
            try #"{"auths":{"other.example":{"auth":"bm86"},"\#(key)":{"auth":"\#(auth)"}},"credsStore":"none"}"#
                .write(toFile: path, atomically: false, encoding: .utf8)
            return path
        }
        let wrong = try file("wrong.json", bench.host, "other")
        let refused = failure { _ = try bench.store { $0.authFile = wrong }.prepare(reference) }
        #expect(refused?.code == .permissionDenied)
        let words = "\(anonymous?.message ?? "")\(refused?.message ?? "")"
        #expect(!words.contains("other") && !words.contains(Data("tester:other".utf8).base64EncodedString()))
        let right = try file("right.json", "\(bench.host)/private", "se:cret")
        let image = try bench.store { $0.environment["REGISTRY_AUTH_FILE"] = right }.prepare(reference)
        #expect(image.digest == layout)
        // As docker has it, and with the scheme in its key.
        try DirectoryTree.make("\(bench.scratch.path)/docker")
        let docker = try file("docker/config.json", "https://\(bench.host)/v1/", "se:cret")
        _ = docker
        try DirectoryTree.remove("\(bench.base)/image-store")
        let again = bench.store { $0.environment["DOCKER_CONFIG"] = "\(bench.scratch.path)/docker" }
        #expect(try again.prepare(reference).digest == layout)
        let absent = failure { _ = try bench.store { $0.authFile = "/absent/auth.json" }.prepare(reference) }
        #expect(absent?.code == .failedPrecondition && absent?.message.contains("/absent/auth.json") == true)
    }

    @Test("a pull that is cancelled ends its program and leaves nothing")
    func cancels() throws {
        let bench = try RegistryBench()
        let digest = try bench.layout("one", [Self.layer("a", 400_000)])
        try bench.push("one", to: "app:v1")
        var use = ImageUse()
        let asked = Counter()
        use.isCancelled = { asked.next() > 0 }
        let cancelled = failure { _ = try bench.store().prepare(["\(bench.host)/app@\(digest)"], use) }
        #expect(cancelled?.code == .cancelled)
        #expect(try bench.staged() == [])
    }

    @Test("its program sees one directory, no capability and no variable that it does not need")
    func confined() throws {
        let bench = try RegistryBench()
        let fake = "\(bench.scratch.path)/bin"
        try DirectoryTree.make(fake)
        // In the place of skopeo: beneath /usr, which the room shows, it could not be put by a test.
        let settings = ImageSettings()
        var shell = settings
        shell.skopeo = "/usr/bin/env"
        shell.environment = ["HTTPS_PROXY": "http://proxy:3128", "HOME": "/root", "SECRET": "x"]
        let skopeo = Skopeo(
            settings: shell,
            launcher: "\(TestMachine.products)/substrate-launch",
            baseDirectory: bench.base
        )
        let place = "\(bench.scratch.path)/place"
        try DirectoryTree.make(place)
        func run(_ words: String...) throws -> String {
            String(decoding: try skopeo.run(words, in: place, isCancelled: { false }), as: UTF8.self)
        }
        let variables = try run().split(separator: "\n").map(String.init).sorted()
        #expect(
            variables == [
                "HOME=\(place)", "HTTPS_PROXY=http://proxy:3128", "LANG=C.UTF-8", "PATH=/usr/bin:/bin",
                "TMPDIR=\(place)",
            ]
        )
        let status = try run("cat", "/proc/self/status")
        for set in ["CapPrm", "CapEff", "CapBnd"] { #expect(status.contains("\(set):\t0000000000000000"), "\(set)") }
        #expect(try run("sh", "-c", "ls \(bench.base) 2>&1 || true").contains("No such file"))
        #expect(try run("sh", "-c", "touch \(place)/mine; touch /etc/x 2>&1 || true").contains("Read-only"))
        #expect(unsafe access("\(place)/mine", F_OK) == 0)
        #expect(try run("sh", "-c", "echo $$").contains("1\n"))
    }
}

/// Counts from 0.
private final class Counter: Sendable {
    private let count = Mutex(0)
    func next() -> Int {
        count.withLock { count in
            defer { count += 1 }
            return count
        }
    }
}
