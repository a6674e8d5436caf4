import ActorContract
import ContractWire
import Foundation
import Glibc
import SystemLayer
import TestSupport
import Testing

@testable import substrate_host

/// Where Debian has it.
private let runscProgram = "/usr/bin/runsc"

/// The shipped gvisor backend on a real runsc, through the binary.
@Suite(
    "The gvisor backend",
    .serialized,
    .enabled(if: TestMachine.needs(TestMachine.isRoot), "sandboxes are made as root only"),
    .enabled(if: TestMachine.needs(runscProgram), "no runsc: apt-get install -t bookworm-backports runsc"),
    .timeLimit(.minutes(5))
)
struct GvisorBackendTests {
    private static let program = runscProgram
    private static let grant = ["--grant", "tool:runsc=\(program)"]

    /// What it counts in memory and on its volume.
    private func counts(_ host: TestHost, _ actor: String) async throws -> String {
        try CounterClient.count(try await host.publish(actor))
    }

    private func done(_ host: TestHost, _ words: String...) async throws -> ProgramRun {
        let run = try await ProgramRun.run(TestMachine.host, words + ["--connect", host.unix])
        #expect(run.code == 0, "\(words): \(run.error)\n\(host.log)")
        return run
    }

    @Test("the truth table: full keeps memory and data, in another slot and after the host's death; data keeps data")
    func scopes() async throws {
        let host = try TestHost(backend: "gvisor", arguments: Self.grant, stopsActors: false)
        try await host.use { host in
            try await host.start()
            _ = try await host.run(try await host.request("one")).get()
            #expect(try await counts(host, "one") == "memory=1 data=1")
            #expect(try await counts(host, "one") == "memory=2 data=2")
            _ = try await done(host, "checkpoint", "one", "--scope", "full")
            _ = try await done(host, "restore", "one", "--slot", "slot-other")
            #expect(try await counts(host, "one") == "memory=3 data=3")
            _ = try await done(host, "checkpoint", "one", "--scope", "full")
            try await host.kill()
            try await host.start()
            _ = try await done(host, "restore", "one")
            #expect(try await counts(host, "one") == "memory=4 data=4")
            _ = try await done(host, "checkpoint", "one", "--scope", "data")
            _ = try await done(host, "restore", "one")
            #expect(try await counts(host, "one") == "memory=1 data=5")
            _ = try await done(host, "stop", "one")
            _ = try await done(host, "remove", "one")
        }
    }

    @Test("a held pause: the sandbox goes on where it stood, and its snapshot serves in another slot all the same")
    func held() async throws {
        let settings = "/tmp/substrate-held-\(UUID().uuidString).yaml"
        defer { try? FileManager.default.removeItem(atPath: settings) }
        try "backends: { gvisor: { held: { memory: 512MiB } } }\n".write(
            toFile: settings,
            atomically: false,
            encoding: .utf8
        )
        let host = try TestHost(backend: "gvisor", arguments: Self.grant + ["--config", settings])
        try await host.use { host in
            try await host.start()
            _ = try await host.run(try await host.request("one")).get()
            #expect(try await counts(host, "one") == "memory=1 data=1")
            let pid = try await host.actor("one").pid
            _ = try await done(host, "checkpoint", "one")
            _ = try await done(host, "restore", "one")
            #expect(try await counts(host, "one") == "memory=2 data=2")
            #expect(try await host.actor("one").pid == pid, "it was made anew")
            _ = try await done(host, "checkpoint", "one")
            _ = try await done(host, "restore", "one", "--slot", "elsewhere")
            #expect(try await counts(host, "one") == "memory=3 data=3")
            #expect(try await host.actor("one").pid != pid)
            _ = try await done(host, "remove", "one")
        }
    }

    @Test("one full snapshot wakes twice, each time as it was")
    func twice() async throws {
        try await TestHost.with(backend: "gvisor", arguments: Self.grant) { host in
            _ = try await host.run(try await host.request("one")).get()
            #expect(try await counts(host, "one") == "memory=1 data=1")
            _ = try await done(host, "checkpoint", "one", "--name", "first", "--scope", "full")
            for _ in 0..<2 {
                _ = try await done(host, "restore", "one", "--from", "first")
                #expect(try await counts(host, "one") == "memory=2 data=2")
                _ = try await done(host, "stop", "one")
            }
        }
    }

    @Test("full memory wakes after the cache was wiped, with the host down or up: the runtime is fetched again")
    func wiped() async throws {
        let sum = try await ProgramRun.run("/usr/bin/sha256sum", [Self.program])
        let digest = String(sum.output.prefix(64))
        let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: Self.program)))
        let server = try FaultServer { request in answer(request.target == "/runsc" ? 200 : 404, [], bytes) }
        defer { server.stop() }
        let host = try TestHost(
            backend: "gvisor",
            arguments: ["--asset-origin", server.base],
            stopsActors: false
        )
        try await host.use { host in
            let files = "\(host.base)/static-files"
            try await host.start()
            var request = try await host.request("one")
            let file = SandboxAssets.File(url: "\(server.base)/runsc", sha256: digest)
            request.assets?.assets = ["amd64": ["runsc": file], "arm64": ["runsc": file]]
            _ = try await host.run(request).get()
            #expect(try await counts(host, "one") == "memory=1 data=1")
            _ = try await done(host, "checkpoint", "one", "--scope", "full")
            #expect(try DirectoryTree.names(in: files).contains("runsc-\(digest)"))
            try await host.kill()
            try DirectoryTree.remove(files)
            try await host.start()
            _ = try await done(host, "restore", "one", "--slot", "elsewhere")
            #expect(try await counts(host, "one") == "memory=2 data=2")
            _ = try await done(host, "checkpoint", "one", "--scope", "full")
            for name in try DirectoryTree.names(in: files) { try DirectoryTree.remove("\(files)/\(name)") }
            _ = try await done(host, "restore", "one")
            #expect(try await counts(host, "one") == "memory=3 data=3")
            #expect(server.requests.map(\.target) == ["/runsc", "/runsc", "/runsc"])
            _ = try await done(host, "remove", "one")
        }
    }

    @Test("golden memory wakes with the actor's own volumes")
    func golden() async throws {
        try await TestHost.with(backend: "gvisor", arguments: Self.grant) { host in
            let (one, two) = (try await host.request("one"), try await host.request("two"))
            _ = try await host.run(one).get()
            for count in 1...3 { #expect(try await counts(host, "one") == "memory=\(count) data=\(count)") }
            let path = ContractMethod.checkpoint.path
            let golden = ExternalSnapshotTests.checkpoint(one, .external("file://bucket/golden"), .full)
            #expect(await host.call(path, golden) == nil)
            _ = try await host.run(two).get()
            #expect(try await counts(host, "two") == "memory=1 data=1")
            let place = SnapshotPlace.external("file://bucket/two")
            #expect(await host.call(path, ExternalSnapshotTests.checkpoint(two, place, .data)) == nil)
            let restore = ExternalSnapshotTests.onGolden(two, place, "file://bucket/golden", shared: true)
            #expect(await host.call(ContractMethod.restore.path, restore) == nil)
            #expect(try await counts(host, "two") == "memory=4 data=2")
            try await host.terminate(two)
        }
    }

    @Test("an actor outlives its host, output and all; its sandbox's end is seen by the next one")
    func survives() async throws {
        let host = try TestHost(backend: "gvisor", arguments: Self.grant, stopsActors: false)
        try await host.use { host in
            try await host.start()
            _ = try await host.run(try await host.request("one")).get()
            #expect(try await counts(host, "one") == "memory=1 data=1")
            try await host.kill()
            try await host.start()
            try await host.reaches("one", "ready")
            #expect(try await counts(host, "one") == "memory=2 data=2")
            #expect(try await host.command("logs", "one").output.contains("GET "))
            kill(Int32(try await host.actor("one").pid), SIGKILL)
            #expect(try await host.reaches("one", "failed").reason == "crashed")
            _ = try await host.command("remove", "one")
        }
    }

    @Test("inside is another kernel, with the actor's identity; exec ends as its program does")
    func inside() async throws {
        try await TestHost.with(backend: "gvisor", arguments: Self.grant) { host in
            _ = try await host.run(try await host.request("one")).get()
            func exec(_ script: String) async throws -> ProgramRun {
                let words = ["exec", "--connect", host.unix, "one", "--", "sh", "-c", script]
                return try await ProgramRun.run(TestMachine.host, words)
            }
            let kernel = try await exec("cat /proc/version")
            #expect(kernel.code == 0 && kernel.output != TextFile.read("/proc/version"), "\(kernel)\n\(host.log)")
            #expect(try await exec("cat /run/ate/actor-id").output == "one")
            #expect(try await exec("echo x > /run/ate/actor-id || echo refused").output == "refused\n")
            #expect(try await exec("exit 7").code == 7)
        }
    }

    @Test("all of a sandbox is in the actor's cgroup, and its memory limit holds")
    func limited() async throws {
        try await TestHost.with(backend: "gvisor", arguments: Self.grant) { host in
            var request = try await host.request("one")
            request.memoryBytes = 128 << 20
            _ = try await host.run(request).get()
            let hog = [
                "exec", "--connect", host.unix, "one", "--", "sh", "-c",
                "head -c 400000000 /dev/zero | tail -c 399999999 | wc -c",
            ]
            let run = try await ProgramRun.run(TestMachine.host, hog, patience: 60)
            #expect(!run.output.contains("399999999"), "it had more memory than its limit")
        }
    }

    @Test("the script serves under another name from an overlay, without a rebuild")
    func renamed() async throws {
        let overlay = try ScratchDirectory("foo")
        let script = try String(contentsOfFile: "\(TestMachine.checkout)/plugins/gvisor/backend.lua", encoding: .utf8)
        try FileManager.default.createDirectory(atPath: "\(overlay.path)/backends", withIntermediateDirectories: true)
        try script.replacing("name = \"gvisor\"", with: "name = \"foo\"")
            .write(toFile: "\(overlay.path)/backends/foo.lua", atomically: false, encoding: .utf8)
        try await TestHost.with(
            backend: "foo",
            arguments: Self.grant + ["--overlay", overlay.path, "--grant", "bundle"]
        ) {
            host in
            _ = try await host.run(try await host.request("one")).get()
            #expect(try await counts(host, "one") == "memory=1 data=1")
            _ = try await done(host, "checkpoint", "one", "--scope", "full")
            _ = try await done(host, "restore", "one")
            #expect(try await counts(host, "one") == "memory=2 data=2")
        }
    }
}
