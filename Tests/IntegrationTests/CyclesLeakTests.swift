import ActorContract
import ContractWire
import Foundation
import GRPCTransport
import Glibc
import HostErrors
import SystemLayer
import TestSupport
import Testing

/// What 150 lives of an actor leave behind: nothing.
@Suite(
    "cycles leave nothing behind",
    .serialized,
    .enabled(if: TestMachine.needs(TestMachine.isRoot), "actors are confined as root only")
)
struct CyclesLeakTests {
    /// A backend whose run does what the actor's name says.
    static let script = """
        local function run(actor)
          if actor.name:find("^trap") then error("a mistake in the script") end
          for _, container in ipairs(actor.containers) do
            try(host.workload.start { container = container.name, confine = { root = "overlay", seccomp = "default" } })
          end
          if actor.name:find("^late") then error("a mistake after the start") end
          if actor.name:find("^sorry") then return "failed", "the script gave up" end
          return "ok"
        end
        return {
          name = "cycles", api = 1, summary = "A backend of a test.", isolation = "kernel-shared", scopes = {},
          needs = { "workload.start", "process.stop" },
          run = run,
          stop = function(actor, request) return host.process.stop(actor.processes, request.grace_ms) end,
        }
        """

    @Test("100 runs and terminates of the counter")
    func cycles() async throws {
        try await TestHost.with { host in
            let request = try await host.request("counter")
            func cycle() async throws {
                _ = try await host.run(request).get()
                // A loopback port into the counter, which Terminate must close.
                _ = try await host.publish("counter")
                try await host.terminate(request)
            }
            for _ in 0..<3 { try await cycle() }
            let before = try await settled(host)
            for _ in 0..<100 { try await cycle() }
            try await expectLike(before, host)
        }
    }

    @Test("50 failing runs, in every phase, fail with their reason and leave nothing")
    func failures() async throws {
        try await TestHost.with(backend: "cycles", script: Self.script) { host in
            let image = try await CounterImage.reference()
            let cases: [(name: String, reason: String, change: @Sendable (inout Container) -> Void)] = [
                ("absent", "pull", { $0.image = "oci:/nonexistent:counter" }),
                ("tagless", "pull", { $0.image = "\(image)-unknown" }),
                ("digest", "pull", { $0.image = image + "@sha256:" + String(repeating: "0", count: 64) }),
                ("unknown", "init", { $0.command = ["/no/such/program"] }),
                (
                    "unready", "readiness_timeout",
                    {
                        $0.readiness = ReadinessProbe(path: "/nothing", port: 8080, timeoutSeconds: 1)
                    }
                ),
                ("brief", "init", { $0.command = ["/bin/sh", "-c", "exit 3"] }),
                ("trap", "plugin", { _ in }), ("late", "plugin", { _ in }), ("sorry", "plugin", { _ in }),
            ]
            func fail(_ round: Int, _ one: Int) async throws {
                let (name, reason, change) = cases[one]
                let request = try await host.request("\(name)-\(round)", change)
                let answer = try await host.run(request)
                #expect(throws: RPCStatus.self, "\(name)") { try answer.get() }
                let actor = try await host.actor("\(name)-\(round)")
                #expect(actor.status == "failed" && actor.reason == reason, "\(name): \(actor)")
                try await host.terminate(request)
            }
            // Each kind once at the same time: the slow ones wait together.
            func round(_ number: Int, _ kinds: Int) async throws {
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for one in 0..<kinds { group.addTask { try await fail(number, one) } }
                    try await group.waitForAll()
                }
            }
            try await round(0, cases.count)
            let before = try await settled(host)
            for number in 1...5 { try await round(number, cases.count) }
            try await round(6, 5)
            try await expectLike(before, host)
        }
    }

    /// The census of a host at rest: its pool of spares is full, and nothing is on its way.
    private func settled(_ host: TestHost) async throws -> CyclesCensus {
        var last = try CyclesCensus(host)
        var same = 0
        return try await eventually("the pool is full again and the host is at rest", seconds: 20) {
            let now = try CyclesCensus(host)
            same = now.spares == 2 && now.isLike(last) ? same + 1 : 0
            last = now
            return same >= 10 ? now : nil
        }
    }

    private func expectLike(_ before: CyclesCensus, _ host: TestHost) async throws {
        let after = try await settled(host)
        #expect(after.isLike(before), "before: \(before)\nafter: \(after)")
        #expect(before.mounts.isEmpty && before.cgroups.isEmpty, "\(before)")
        // A leaked thread for each cycle would be many more than what pools keep.
        #expect(after.threads <= before.threads + 16, "before: \(before)\nafter: \(after)")
        #expect(!host.log.contains("died waiting") && !host.log.contains("cannot be started"), "\(host.log)")
    }
}
