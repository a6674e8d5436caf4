import ActorContract
import ContractWire
import Foundation
import SystemLayer
import TestSupport
import Testing

/// What a new author met on the way from an empty folder to a served backend, and what was mended.
@Suite("what a new author met")
struct NewAuthorTests {
    private func folder(_ scratch: ScratchDirectory, _ files: [String: String]) throws -> String {
        let path = "\(scratch.path)/wrap"
        try DirectoryTree.make(path, mode: 0o755)
        for (name, text) in files { try text.write(toFile: "\(path)/\(name)", atomically: false, encoding: .utf8) }
        return path
    }

    private static let wrap = """
        return {
          name = "wrap", api = 1, isolation = "none", image = "none",
          tools = { sh = "required" },
          needs = { "process.start", "process.stop", "process.adopt", "clock.sleep" },
          run = function(actor)
            local tool = try(host.process.start {
              program = actor.tools.sh, args = { "-c", "sleep 1 & wait $!; exit $?" },
              name = "main_" .. string.rep("x", 70), keep = true,
            })
            while true do
              local status, why = host.process.adopt { name = "main", child_of = tool }
              if status == "ok" then return "ok" end
              if status ~= "not_found" then return status, why end
              try(host.clock.sleep(5))
            end
          end,
          stop = function(actor, request) return host.process.stop(actor.processes, request.grace_ms) end,
        }
        """

    @Test("a test that says nothing of a tool is told to, not to ask an operator")
    func toolOfATest() async throws {
        let scratch = try ScratchDirectory("author")
        let test = """
            test("run", function(t)
              t:ok(t:actor { containers = { { name = "main", command = { "/x" } } } }:run())
            end)
            """
        let path = try folder(scratch, ["backend.lua": Self.wrap, "wrap_test.lua": test])
        let run = try await ProgramRun.run(TestMachine.host, ["plugin", "test", path])
        #expect(run.code == 1)
        #expect(run.output.contains("say in the test what it answers: t:program(\"sh\", { {} })"), "\(run.output)")
    }

    @Test(
        "the grant that is proposed has the path that the tool has here",
        .enabled(if: TestMachine.needs("/usr/sbin/chroot"))
    )
    func hint() async throws {
        let example = "\(TestMachine.checkout)/examples/chroot"
        let run = try await ProgramRun.run(TestMachine.host, ["plugin", "check", example])
        #expect(run.output.contains("--grant tool:chroot=/usr/sbin/chroot\n"), "\(run.output)")
    }

    @Test(
        "a host whose backend lacks a grant says so when it starts",
        .enabled(if: TestMachine.needs(TestMachine.isRoot), "serving needs root")
    )
    func missingGrant() async throws {
        try await TestHost.with(backend: "wrap", script: Self.wrap) { host in
            #expect(host.log.contains("operator: --grant tool:sh=/usr/bin/sh, or backends.wrap.grants"), "\(host.log)")
        }
    }

    @Test(
        "an adopted program that ends with 0 stops its actor, whose tool passes the end on under a long name",
        .enabled(if: TestMachine.needs(TestMachine.isRoot), "programs are confined as root only")
    )
    func adoptedEnd() async throws {
        let grant = ["--grant", "tool:sh=/bin/sh"]
        try await TestHost.with(backend: "wrap", script: Self.wrap, arguments: grant) { host in
            let request = try await host.request("one") { container in
                container.image = ""
                container.readiness = nil
                container.volumeMounts = []
            }
            _ = try await host.run(request).get()
            let ended = try await host.reaches("one", "stopped", seconds: 20)
            #expect(ended.message == "ended with exit status 0")
        }
    }
}
