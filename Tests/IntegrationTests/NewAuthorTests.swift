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

    @Test(
        "the README that `plugin new` writes can be followed line by line, to a served backend",
        .enabled(if: TestMachine.needs(TestMachine.isRoot), "serving needs root")
    )
    func readme() async throws {
        let scratch = try ScratchDirectory("author")
        let path = "PATH=\(TestMachine.products):/usr/sbin:/usr/bin:/sbin:/bin"
        func sh(_ line: String) async throws -> ProgramRun {
            try await ProgramRun.run("/usr/bin/env", ["-i", "-C", scratch.path, path, "sh", "-c", line])
        }
        #expect(try await sh("substrate-host plugin new mine").code == 0)
        let page = try String(contentsOfFile: "\(scratch.path)/mine/README.md", encoding: .utf8)
        // What the page says of actor.yaml: the example's, with this backend's name.
        let example = try String(contentsOfFile: "\(TestMachine.checkout)/examples/counter/actor.yaml", encoding: .utf8)
        #expect(page.contains("`sandbox_class` there names the backend: `mine`"))
        let actor = example.replacingOccurrences(of: "sandbox_class: process", with: "sandbox_class: mine")
            .replacingOccurrences(of: "oci:/tmp/counter-image:counter", with: try await CounterImage.reference())
        try actor.write(toFile: "\(scratch.path)/actor.yaml", atomically: false, encoding: .utf8)
        let blocks = page.components(separatedBy: "```\n")
        let lines = stride(from: 1, to: blocks.count, by: 2).flatMap { blocks[$0].split(separator: "\n") }.map { line in
            (line.components(separatedBy: " #").first ?? "").trimmingCharacters(in: .whitespaces)
        }
        #expect(lines.count == 7, "\(lines)")
        for line in lines.dropLast() {
            // It goes on until Ctrl-C.
            let run = try await sh(line.contains(" watch ") ? "timeout --signal=INT 2 \(line)" : line)
            #expect(run.code == 0 || line.contains(" watch ") && [124, 130].contains(run.code), "\(line): \(run)")
        }
        let serve = try #require(lines.last)
        let base = "--base-dir \(scratch.path)/base"
        let ask = "substrate-host run actor.yaml \(base) && substrate-host get counter --json \(base)"
        let served = try await sh(
            """
            \(serve) \(base) --stop-actors 2>log & host=$!
            for i in $(seq 400); do [ -S base/host.sock ] && break; sleep 0.05; done
            \(ask); code=$?
            kill $host; wait $host; cat log >&2; exit $code
            """
        )
        #expect(served.code == 0 && served.output.contains("\"backend\": \"mine\""), "\(served)")
    }

    @Test("a log that is a program's name is answered with the containers whose logs there are")
    func logName() async throws {
        let scratch = try ScratchDirectory("author")
        let script = """
            return {
              name = "wrap", api = 1, isolation = "none", image = "none",
              tools = { sh = "required" }, needs = { "process.start", "process.stop" },
              run = function(actor)
                try(host.process.start { program = actor.tools.sh, args = {}, name = "main", keep = true, log = "sh" })
                return "ok"
              end,
              stop = function(actor, request) return host.process.stop(actor.processes, request.grace_ms) end,
            }
            """
        let test = """
            test("run", function(t)
              t:program("sh", { {} })
              t:ok(t:actor { containers = { { name = "main", command = { "/x" } }, { name = "side", command = { "/x" } } } }:run())
            end)
            """
        let path = try folder(scratch, ["backend.lua": script, "wrap_test.lua": test])
        let run = try await ProgramRun.run(TestMachine.host, ["plugin", "test", path])
        #expect(run.code == 1)
        for words in ["backend.lua:5: process.start: log is \"sh\"; the containers are main, side"] {
            #expect(run.output.contains(words), "\(run.output)")
        }
        let mended = script.replacingOccurrences(of: #"log = "sh""#, with: #"log = "side""#)
        _ = try folder(scratch, ["backend.lua": mended])
        #expect(try await ProgramRun.run(TestMachine.host, ["plugin", "test", path]).code == 0)
    }
}
