import ActorContract
import ContractWire
import Foundation
import TestSupport
import Testing

/// `probe`: asked once for equal circumstances, and what it takes away is refused in its words.
@Suite(
    "A backend is probed",
    .enabled(if: TestMachine.needs(TestMachine.isRoot), "confining actors needs root")
)
struct ProbeTests {
    private static func script(_ answer: String, more: String = "") -> String {
        VerbHost.script(
            """
            \(more)
            probe = function(slot)
              print("PROBE " .. json.encode({ slot.assets.tool and 1 or 0, slot.config.level or 0 }))
              return \(answer)
            end,
            """,
            run: "print(\"SAW \" .. verb .. json.encode(actor.probed))",
            stop: "print(\"SAW \" .. verb .. json.encode(actor.probed))"
        )
    }

    private static let asset = "assets = { tool = \"optional\" },"
    private static let level = "config = { level = { type = \"integer\", default = 1 } },"

    @Test("once for the same assets, settings and revision, over a restart too; every verb sees the answer")
    func once() async throws {
        let verbs = try VerbHost(Self.script("\"ok\", { probed = { fast = true } }", more: Self.level))
        try await verbs.use { host in
            let request = try await host.request("a")
            _ = try await host.run(request).get()
            _ = try await host.run(try await host.request("b")).get()
            #expect(verbs.printed("PROBE") == ["[0,1]"])
            try await verbs.again()
            #expect(try await host.command("checkpoint", "a").code == 0)
            #expect(try await host.command("restore", "a").code == 0)
            #expect(try await host.command("stop", "a").code == 0)
            #expect(verbs.printed("PROBE") == ["[0,1]"])
            let saw = ["run", "run", "checkpoint", "restore", "stop"].map { "\($0){\"fast\":true}" }
            #expect(verbs.printed("SAW") == saw)
            // Other settings are other circumstances.
            try await verbs.again(settings: "{ config: { level: 2 } }")
            #expect(try await host.command("start", "a").code == 0)
            #expect(verbs.printed("PROBE") == ["[0,1]", "[0,2]"])
        }
    }

    @Test("again for other assets, another revision, and when the answer is too old")
    func again() async throws {
        let verbs = try VerbHost(Self.script("\"ok\", { valid_ms = 1 }"))
        try await verbs.use { host in
            _ = try await host.run(try await host.request("a")).get()
            let before = verbs.printed("PROBE").count
            try await eventually("the answer is too old") {
                try await host.command("checkpoint", "a", "--scope", "data", "--name", "s").code == 0 ? () : nil
            }
            #expect(verbs.printed("PROBE").count == before + 1)
        }
        let other = try VerbHost(Self.script("\"ok\"", more: Self.asset))
        try await other.use { host in
            _ = try await host.run(try await host.request("a")).get()
            var request = try await host.request("b")
            let digest = try await ProgramRun.run("/usr/bin/sha256sum", [host.asset]).output.prefix(64)
            let file = SandboxAssets.File(url: "file://\(host.asset)", sha256: String(digest))
            request.assets?.assets = ["amd64": ["tool": file], "arm64": ["tool": file]]
            _ = try await host.run(request).get()
            #expect(other.printed("PROBE") == ["[0,0]", "[1,0]"])
            try Self.script("\"ok\" --", more: Self.asset).write(
                toFile: "\(host.scratch)/overlay/mine.lua",
                atomically: true,
                encoding: .utf8
            )
            _ = try await host.run(try await host.request("c")).get()
            #expect(other.printed("PROBE") == ["[0,0]", "[1,0]", "[0,0]"])
        }
    }

    @Test("again when a granted tool is another file than it was")
    func tools() async throws {
        let tool = "/tmp/substrate-tool-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: tool) }
        try "one".write(toFile: tool, atomically: true, encoding: .utf8)
        let verbs = try VerbHost(
            Self.script("\"ok\"", more: "tools = { it = \"required\" },"),
            settings: "{ grants: [tool:it=\(tool)] }"
        )
        try await verbs.use { host in
            _ = try await host.run(try await host.request("a")).get()
            _ = try await host.run(try await host.request("b")).get()
            #expect(verbs.printed("PROBE").count == 1)
            try "two".write(toFile: tool, atomically: true, encoding: .utf8)
            _ = try await host.run(try await host.request("c")).get()
            #expect(verbs.printed("PROBE").count == 2)
        }
    }

    @Test("what it takes away is refused with its reason before anything changes")
    func without() async throws {
        let reasons = "{ data = \"no room\", memory = \"no controller\", stats = \"slow\" }"
        let verbs = try VerbHost(
            Self.script("\"ok\", { without = \(reasons) }", more: "stats = function() print(\"STATS asked\") end,")
        )
        try await verbs.use { host in
            _ = try await host.run(try await host.request("a")).get()
            let refused = try await host.command("checkpoint", "a", "--scope", "data")
            #expect(refused.code != 0)
            #expect(refused.error.contains("scope data is unavailable here: no room"), "\(refused.error)")
            #expect(try await host.actor("a").status == "ready")
            var request = try await host.request("b")
            request.memoryBytes = 64 << 20
            #expect(
                verbs.refusal(try await host.run(request))
                    == "limit memory is unavailable here: no controller (LIMIT_UNSUPPORTED)"
            )
            #expect(try await host.actors().map(\.actor) == ["test/a"])
            // The host counts itself then.
            let stats = try await host.command("stats", "a")
            #expect(stats.output.contains("cgroup"), "\(stats.output)\(stats.error)")
            #expect(verbs.printed("STATS").isEmpty)
        }
        let closed = try VerbHost(
            Self.script(
                "\"ok\", { without = { exec = \"too old\" } }",
                more: "exec = function() print(\"EXEC asked\") return \"failed\", \"asked\" end,"
            )
        )
        try await closed.use { host in
            _ = try await host.run(try await host.request("a")).get()
            let words = ["exec", "--connect", host.unix, "a", "--", "/bin/true"]
            let refused = try await ProgramRun.run(TestMachine.host, words)
            #expect(refused.code != 0)
            #expect(refused.error.contains("verb exec is unavailable here: too old"), "\(refused.error)")
            #expect(closed.printed("EXEC").isEmpty)
        }
        let nothing = try VerbHost(Self.script("\"ok\", { without = { run = \"no kernel for it\" } }"))
        try await nothing.use { host in
            let refusal = nothing.refusal(try await host.run(try await host.request("a")))
            #expect(refusal == "verb run is unavailable here: no kernel for it (VERB_UNSUPPORTED)")
            #expect(try await host.actors().isEmpty)
            #expect(host.cgroups.isEmpty)
        }
    }

    @Test("one that fails is the answer of the verb, changes nothing, and is asked again")
    func fails() async throws {
        let verbs = try VerbHost(Self.script("\"not_found\", \"no runtime here\""))
        try await verbs.use { host in
            let request = try await host.request("a")
            for count in 1...2 {
                #expect(verbs.refusal(try await host.run(request)) == "mine: no runtime here (PLUGIN)")
                #expect(verbs.printed("PROBE").count == count)
            }
            #expect(try await host.actors().isEmpty)
            #expect(host.cgroups.isEmpty && host.mounts.isEmpty)
        }
    }

    @Test("a slot has no field of an actor's, and what is taken away must have a name")
    func mistakes() async throws {
        let named = try VerbHost(
            VerbHost.script("probe = function(slot) return \"ok\", { probed = { n = slot.name } } end,")
        )
        try await named.use { host in
            let refusal = named.refusal(try await host.run(try await host.request("a")))
            #expect(refusal?.contains("slot has no field \"name\"") == true, "\(refusal ?? "none")")
        }
        let unknown = try VerbHost(Self.script("\"ok\", { without = { fulll = \"x\" } }"))
        try await unknown.use { host in
            let refusal = unknown.refusal(try await host.run(try await host.request("a")))
            #expect(
                refusal?.contains("probe: without.fulll is no scope, verb or limit") == true,
                "\(refusal ?? "none")"
            )
        }
    }
}
