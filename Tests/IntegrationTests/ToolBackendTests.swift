import ActorContract
import ContractWire
import Foundation
import GRPCTransport
import HostErrors
import SystemLayer
import TestSupport
import Testing

/// A small backend over a granted tool, through the binary: kept programs, a restarted host, and its crash.
@Suite(
    "A backend of tools",
    .serialized,
    .enabled(if: TestMachine.needs(TestMachine.isRoot), "programs are confined as root only")
)
struct ToolBackendTests {
    private static let script = """
        local function run(actor)
          local out = try(host.process.run {
            program = actor.tools.sh, args = { "-c", { "echo", false, " $0 $1" }, "a" },
            exit_codes = "any",
          })
          for _, container in ipairs(actor.containers) do
            try(host.process.start {
              program = actor.tools.sh, name = container.name, keep = true,
              args = { "-c", container.env.SCRIPT or "sleep 600" },
            })
          end
          return "ok"
        end
        return {
          name = "tool", api = 1, isolation = "none", image = "none",
          tools = { sh = "required" },
          needs = { "process.run", "process.start", "process.stop" },
          run = run,
          stop = function(actor, request) return host.process.stop(actor.processes, request.grace_ms) end,
        }
        """

    private func with(_ body: (TestHost) async throws -> Void) async throws {
        let host = try TestHost(
            backend: "tool",
            script: Self.script,
            arguments: ["--grant", "tool:sh=/bin/sh"],
            stopsActors: false
        )
        try await host.use { host in
            try await host.start()
            try await body(host)
            for actor in try await host.actors() { _ = try await host.command("remove", actor.actor) }
        }
    }

    private func request(_ host: TestHost, _ script: String) async throws -> RunRequest {
        try await host.request("one") { container in
            container.image = ""
            container.readiness = nil
            container.volumeMounts = []
            container.environment = [EnvironmentEntry(name: "SCRIPT", value: script)]
        }
    }

    @Test("a kept program survives its host, is stopped by the next one, and its end is the actor's crash")
    func survives() async throws {
        try await with { host in
            let long = "echo up; trap 'exit 0' TERM; while :; do sleep 0.05; done"
            _ = try await host.run(try await request(host, long)).get()
            let before = try await host.reaches("one", "ready")
            try await host.kill()
            try await host.start()
            let after = try await host.reaches("one", "ready")
            let number = Int32(after.pid)
            let program = ProcessHandle.find(pid: number, startTime: ProcessHandle.readStartTime(pid: number) ?? 0)
            #expect(after.pid == before.pid)
            #expect(try await host.command("logs", "one").output == "up\n")
            #expect(try await host.command("stop", "one").code == 0)
            #expect(program?.hasExited() == true)
            #expect(try await host.command("start", "one").code != 0, "its environment is gone with the first host")
            _ = try await host.run(try await request(host, "sleep 0.3; echo broken >&2; exit 5")).get()
            let crashed = try await host.reaches("one", "failed")
            #expect(crashed.message == "container \"main\" ended with exit status 5")
        }
    }

    @Test("one that ends at once fails the run with its last words")
    func early() async throws {
        try await with { host in
            var asked = try await request(host, "echo no kvm >&2; exit 3")
            // Never ready: it is its end that ends the wait.
            asked.spec.containers[0].readiness = ReadinessProbe(path: "/readyz", port: 8080)
            guard case .failure(let status) = try await host.run(asked) else { throw TestFailure("it ran") }
            #expect(status.message.contains("no kvm"), "\(status.message)")
        }
    }
}
