import Foundation
import TestSupport
import Testing

/// The command line as a person uses it, through the binary, against a host that runs.
@Suite(
    "Commands against a host",
    .serialized,
    .enabled(if: TestMachine.needs(TestMachine.isRoot), "actors are confined as root only")
)
struct ForeignCommandTests {
    /// One actor as `--json` tells it.
    private func object(_ outcome: ProgramRun) throws -> [String: Any] {
        try #require(outcome.code == 0, "\(outcome.error)")
        let value = try JSONSerialization.jsonObject(with: Data(outcome.output.utf8))
        return try #require(value as? [String: Any])
    }

    private func list(_ outcome: ProgramRun) throws -> [[String: Any]] {
        try #require(outcome.code == 0, "\(outcome.error)")
        let value = try JSONSerialization.jsonObject(with: Data(outcome.output.utf8))
        return try #require(value as? [[String: Any]])
    }

    /// What the workload answers on the port that an actor's JSON tells.
    private func count(_ actor: [String: Any]) async throws -> String {
        let published = try #require(actor["published"] as? [[String: Any]])
        let port = try #require(published.first?["port"] as? Int)
        #expect(published.first?["host"] as? String == "127.0.0.1")
        let url = "http://127.0.0.1:\(port)/count"
        let script =
            "import urllib.request; print(urllib.request.urlopen('\(url)', timeout=10).read().decode(), end='')"
        return try await ProgramRun.run("/usr/bin/env", ["python3", "-c", script]).output
    }

    @Test("run, actors, get, checkpoint, restore, stop, start, logs, remove")
    func life() async throws {
        let example = "\(TestMachine.checkout)/examples/counter/actor.yaml"
        let text = try String(contentsOfFile: example, encoding: .utf8)
        let image = try await CounterImage.reference()
        try await TestHost.with { host in
            let file = "\(host.scratch)/actor.yaml"
            try text.replacingOccurrences(of: "oci:/tmp/counter-image:counter", with: image)
                .write(toFile: file, atomically: false, encoding: .utf8)

            let run = try await host.command("run", file, "--publish", "8080")
            #expect(run.code == 0, "\(run.error)\n\(host.log)")
            #expect(run.output.contains("examples/counter  ready  slot slot-1  backend process"))
            #expect(run.output.contains("published  http://127.0.0.1:"))

            let actors = try list(try await host.command("actors", "--json"))
            try #require(actors.count == 1)
            let actor = actors[0]
            #expect(actor["actor"] as? String == "examples/counter")
            #expect(actor["uid"] as? String == "6d0a3c52-3c0f-4c63-9f0e-0f5b1f1c7a01")
            #expect(actor["slot"] as? String == "slot-1")
            #expect(actor["backend"] as? String == "process")
            #expect(actor["status"] as? String == "ready")
            #expect(actor["reason"] as? String == "")
            #expect(actor["address"] as? String == "169.254.17.2")
            let pid = try #require(actor["pid"] as? Int32)
            #expect(kill(pid, 0) == 0)
            let since = try #require(actor["since"] as? Double)
            #expect(abs(Date().timeIntervalSince1970 * 1000 - since) < 60_000)
            #expect(try await count(actor) == "memory=1 data=1\n")
            #expect(try await count(actor) == "memory=2 data=2\n")
            #expect(try object(try await host.command("get", "counter", "--json"))["pid"] as? Int32 == pid)

            let saved = try await host.command("checkpoint", "counter")
            #expect(saved.output.hasPrefix("checkpointed counter: local snapshot counter-"))
            #expect(saved.output.hasSuffix(", scope data\n"))
            let paused = try object(try await host.command("get", "examples/counter", "--json"))
            #expect(paused["status"] as? String == "paused")
            #expect(paused["pid"] as? Int == 0)
            #expect((paused["published"] as? [Any])?.isEmpty == true)

            let restored = try object(
                try await host.command("restore", "counter", "--slot", "slot-2", "--publish", "8080", "--json")
            )
            #expect(restored["slot"] as? String == "slot-2")
            #expect(try await count(restored) == "memory=1 data=3\n")

            #expect(try object(try await host.command("stop", "counter", "--json"))["status"] as? String == "stopped")
            #expect(try object(try await host.command("start", "counter", "--json"))["status"] as? String == "ready")
            let logs = try await host.command("logs", "counter")
            #expect(logs.output.contains("counter: listening on 8080, data starts at 3\n"))
            #expect(logs.output.contains("GET /count HTTP/1.1 -> 200 OK\n"))

            #expect(try await host.command("remove", "counter").code == 0)
            let gone = try await host.command("get", "counter")
            #expect(gone.code == 1)
            #expect(gone.error == "substrate-host: no actor \"counter\" here; known: (none) (ACTOR_NOT_FOUND)\n")
            #expect(try list(try await host.command("actors", "--json")).isEmpty)
        }
    }

    @Test("a file with a fault is refused by its field, before any host is asked")
    func fault() async throws {
        let file = FileManager.default.temporaryDirectory.appendingPathComponent("foreign-\(UUID().uuidString).yaml")
        try "atespace: space\nactor_nam: x\n".write(to: file, atomically: false, encoding: .utf8)
        defer { try? FileManager.default.removeItem(at: file) }
        let run = try await ProgramRun.run(
            TestMachine.host,
            ["run", file.path, "--connect", "unix:/nowhere/host.sock"]
        )
        #expect(run.code == 2)
        #expect(run.error.contains("actor_nam"))
    }

    @Test("backends, doctor, and a backend that is none")
    func machine() async throws {
        let backends = try list(try await ProgramRun.run(TestMachine.host, ["backends", "--json"]))
        let process = try #require(backends.first { $0["name"] as? String == "process" })
        #expect(process["state"] as? String == "ok")
        #expect(process["isolation"] as? String == "kernel-shared")
        #expect(process["scopes"] as? [String] == ["data"])
        #expect(try await ProgramRun.run(TestMachine.host, ["doctor"]).output.contains("overlayfs"))
        let nope = try await ProgramRun.run(TestMachine.host, ["--backend=nope"])
        #expect(nope.code == 2)
        let available = TestMachine.shippedBackends.joined(separator: ", ")
        #expect(nope.error.hasPrefix("substrate-host: unknown backend \"nope\"; available: \(available)\n"))
        #expect(nope.output.isEmpty)
    }

    @Test("plaintext TCP is refused unless it is asked for by name")
    func plaintext() async throws {
        let base = FileManager.default.temporaryDirectory.appendingPathComponent("foreign-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: base) }
        let serve = try await ProgramRun.run(
            TestMachine.host,
            ["--backend=process", "--base-dir", base.path, "--listen", "tcp:127.0.0.1:1"]
        )
        #expect(serve.code != 0)
        #expect(serve.error.contains("--insecure-tcp"))
    }
}
