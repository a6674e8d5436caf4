import ActorContract
import ContractWire
import Foundation
import SystemLayer
import TestSupport
import Testing

private let runscProgram = "/usr/bin/runsc"

/// An image's own program for after a restore, on a real runtime that keeps memory.
@Suite(
    "Freshness",
    .serialized,
    .enabled(if: TestMachine.needs(TestMachine.isRoot), "sandboxes are made as root only"),
    .enabled(if: TestMachine.needs(runscProgram), "no runsc: apt-get install -t bookworm-backports runsc"),
    .timeLimit(.minutes(3))
)
struct FreshnessTests {
    private static let options = ["--grant", "tool:runsc=\(runscProgram)"]

    /// The counter's image with the program: it notes who it is and with which token, and fails where it is told to.
    private func image(in directory: String) async throws -> String {
        let script = """
            #!/bin/sh
            echo \\"$(cat /run/ate/actor-id) $(cat /run/ate/token)\\" >> /data/woken
            [ ! -e /data/refuse ] || { echo no new seed >&2; exit 3; }
            """.replacing("\\\"", with: "\"").replacing("\n", with: "\\n")
        let builder = "\(directory)/build-image"
        try ProgramRun.copy("\(TestMachine.checkout)/examples/counter/build-image", to: builder)
        try ProgramRun.copy("\(TestMachine.checkout)/examples/counter/counter.c", to: "\(directory)/counter.c")
        let text = try String(contentsOfFile: builder, encoding: .utf8)
        let more = text.replacing(
            "    base_links = []\n",
            with: "    base_links = []\n    base_files.append((\"etc/ate/restored\", 0o755, b'''\(script)\\n'''))\n"
        )
        try #require(more != text)
        try more.write(toFile: builder, atomically: false, encoding: .utf8)
        let built = try await ProgramRun.run(builder, ["\(directory)/image"])
        try #require(built.code == 0, "\(built.error)")
        return built.output.trimmingCharacters(in: .whitespacesAndNewlines)
    }

    private func woken(_ host: TestHost, _ actor: String) -> [String] {
        let volume = ActorDirectories("\(host.base)/actors/test:\(actor)").volume("data")
        return (TextFile.read("\(volume)/woken") ?? "").split(separator: "\n").map(String.init)
    }

    private func token(_ host: TestHost, _ actor: String) -> String {
        TextFile.read("\(host.base)/actors/test:\(actor)/identity/\(ActorDirectories.token)") ?? ""
    }

    @Test("it is run in who woke with memory, as that actor and with its new token, and in nobody else")
    func woken() async throws {
        let scratch = try ScratchDirectory("fresh")
        let image = try await image(in: scratch.path)
        try await TestHost.with(backend: "gvisor", arguments: Self.options) { host in
            let golden = try await host.request("golden") { $0.image = image }
            _ = try await host.run(golden).get()
            #expect(woken(host, "golden").isEmpty)
            let place = SnapshotPlace.external("file://bucket/golden")
            let path = ContractMethod.checkpoint.path
            #expect(await host.call(path, ExternalSnapshotTests.checkpoint(golden, place, .full)) == nil)
            for name in ["one", "two"] {
                let request = try await host.request(name) { $0.image = image }
                var restore = RestoreRequest(run: request, place: place, scope: .full)
                restore.shared = true
                #expect(await host.call(ContractMethod.restore.path, ContractWire.encode(restore)) == nil)
                #expect(woken(host, name) == ["\(name) \(token(host, name))"])
                #expect(try await host.actor(name).phases.contains { $0.name == "freshness" && $0.program })
            }
            // Data alone: what runs has begun anew.
            let one = try await host.request("one") { $0.image = image }
            #expect(await host.call(path, ExternalSnapshotTests.checkpoint(one, .local("data"), .data)) == nil)
            let back = ContractWire.encode(RestoreRequest(run: one, place: .local("data"), scope: .data))
            #expect(await host.call(ContractMethod.restore.path, back) == nil)
            #expect(woken(host, "one").count == 1)
            for name in ["golden", "one", "two"] { try await SharedBackend.command(host, "remove", name) }
        }
    }

    @Test("it is run at a thaw too, and where it fails so does the restore, with its words")
    func refused() async throws {
        let scratch = try ScratchDirectory("fresh")
        let image = try await image(in: scratch.path)
        let settings = "\(scratch.path)/settings.yaml"
        try AtomicFile.write(Array("backends: { gvisor: { held: { memory: 512MiB } } }\n".utf8), to: settings)
        try await TestHost.with(backend: "gvisor", arguments: Self.options + ["--config", settings]) { host in
            let request = try await host.request("one") { $0.image = image }
            _ = try await host.run(request).get()
            let pid = try await host.actor("one").pid
            try await SharedBackend.command(host, "checkpoint", "one", "--name", "first")
            try await SharedBackend.command(host, "restore", "one")
            #expect(try await host.actor("one").pid == pid, "it was made anew")
            #expect(woken(host, "one") == ["one \(token(host, "one"))"])

            let volume = ActorDirectories("\(host.base)/actors/test:one").volume("data")
            try AtomicFile.write([], to: "\(volume)/refuse")
            try await SharedBackend.command(host, "checkpoint", "one", "--name", "second")
            let restore = ContractWire.encode(RestoreRequest(run: request, place: .local("second"), scope: .full))
            let answer = try #require(await host.call(ContractMethod.restore.path, restore))
            #expect(answer.contains("/etc/ate/restored ended with 3 after the restore: no new seed"), "\(answer)")
            #expect(try await host.actor("one").status == "failed")
            // Its snapshot serves: of before that.
            try await SharedBackend.command(host, "restore", "one", "--from", "first")
            #expect(try await host.actor("one").status == "ready")
            try await SharedBackend.command(host, "remove", "one")
        }
    }
}
