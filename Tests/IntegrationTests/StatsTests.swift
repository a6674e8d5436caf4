import ContractWire
import Foundation
import TestSupport
import Testing

/// `stats`: the kernel's figures, or the script's.
@Suite(
    "What an actor uses",
    .enabled(if: TestMachine.needs(TestMachine.isRoot), "confining actors needs root")
)
struct StatsTests {
    private func object(_ run: ProgramRun) throws -> [String: Any] {
        try #require(try JSONSerialization.jsonObject(with: Data(run.output.utf8)) as? [String: Any], "\(run.error)")
    }

    @Test("the cgroup's, where the script has no stats: by command and beside the actor")
    func cgroup() async throws {
        let verbs = try VerbHost(VerbHost.script())
        try await verbs.use { host in
            _ = try await host.run(try await host.request("a")).get()
            let stats = try object(try await host.command("stats", "a", "--json"))
            #expect(stats["source"] as? String == "cgroup")
            #expect((stats["pids"] as? Int ?? 0) > 0, "\(stats)")
            #expect((stats["cpu_ns"] as? Int ?? 0) > 0, "\(stats)")
            #expect((stats["memory_bytes"] as? Int ?? 0) > 0, "\(stats)")
            let beside = try object(try await host.command("get", "a", "--json"))["stats"] as? [String: Any]
            #expect((beside?["pids"] as? Int ?? 0) > 0, "\(beside ?? [:])")
            let table = try await host.command("stats", "a")
            #expect(table.output.contains("MEMORY") && table.output.contains("cgroup"), "\(table.output)")
            #expect(try await host.command("stop", "a").code == 0)
            let ended = try await host.command("stats", "a")
            #expect(ended.code != 0 && ended.error.contains("only a ready one uses anything"), "\(ended.error)")
            let none = try object(try await host.command("get", "a", "--json"))
            #expect(none["stats"] is NSNull)
        }
    }

    @Test("the script's, where it has it; one that fails says why and harms nobody")
    func script() async throws {
        let verbs = try VerbHost(
            VerbHost.script(
                """
                config = { bad = { type = "boolean", default = false } },
                stats = function(actor)
                  if actor.config.bad then return "not_ready", "no figures yet" end
                  return "ok", { memory_bytes = 1000, cpu_ns = 2000, pids = actor.processes.main and 3 or 4 }
                end,
                """
            )
        )
        try await verbs.use { host in
            _ = try await host.run(try await host.request("a")).get()
            let stats = try object(try await host.command("stats", "a", "--json"))
            #expect(stats["memory_bytes"] as? Int == 1000 && stats["cpu_ns"] as? Int == 2000)
            #expect(stats["pids"] as? Int == 3 && stats["source"] as? String == "backend")
            try await verbs.again(settings: "{ config: { bad: true } }")
            let failed = try await host.command("stats", "a")
            #expect(failed.code != 0 && failed.error.contains("no figures yet"), "\(failed.error)")
            #expect(try object(try await host.command("get", "a", "--json"))["stats"] is NSNull)
            #expect(try await host.actor("a").status == "ready")
        }
    }
}
