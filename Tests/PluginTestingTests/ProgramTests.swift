import Foundation
import Testing

@testable import PluginTesting

/// Programs of this machine as rules.
@Suite("programs in an author's tests", .serialized)
struct ProgramTests {
    private static let backend = """
        return {
          name = "mine", api = 1, isolation = "kernel-shared",
          tools = { vmm = "required" },
          needs = { "process.run", "process.start", "process.wait", "process.stop", "clock.sleep", "file.write" },
          run = function(actor)
            local out = try(host.process.run { program = actor.tools.vmm, args = { "--version" } })
            print("version", out.stdout)
            try(host.file.write(actor.dirs.work .. "/c", "x"))
            try(host.process.start { program = actor.tools.vmm, args = { "boot" }, name = "vmm", keep = true })
            return "ok"
          end,
          stop = function(actor, request)
            local flush = try(host.process.start { program = actor.tools.vmm, args = { "flush" } })
            if request.grace_ms ~= 77 then try(host.process.wait { flush }) end
            try(host.clock.sleep(5))
            return host.process.stop(actor.processes, request.grace_ms)
          end,
        }
        """
    private static let rules =
        "t:program(\"vmm\", { { \"--version\", stdout = \"2.0\" }, { \"boot\" }, { \"flush\", ms = 250 } })"

    private static func run(_ body: String) throws -> Bench.Run {
        let head = "local SPEC = { containers = { { name = \"web\", command = { \"/x\" } } } }\n"
        let test = "\(head)test(\"it\", function(t)\n  \(body)\nend)\n"
        return try Bench(backend: backend, test: test).run("--trace")
    }

    @Test("the first rule that fits answers, and the clock moves by what is waited for")
    func rules() throws {
        let run = try Self.run(
            """
            \(Self.rules)
            local actor = t:actor(SPEC)
            t:ok(actor:run())
            t:equal(actor:processes(), { "vmm" })
            t:equal(t.clock:elapsed_ms(), 0)
            t:ok(actor:stop())
            t:equal(t.clock:elapsed_ms(), 255)
            t:equal(actor:processes(), {})
            """
        )
        #expect(run.code == 0, "\(run.text)")
        #expect(run.text.contains("backend.lua:7  version\t2.0"), "\(run.text)")
        #expect(run.text.contains("process.wait"), "\(run.text)")
    }

    @Test("a file goes into a directory that is there, as on a disk; a cgroup has a version and a path")
    func surroundings() throws {
        let backend = """
            return {
              name = "mine", api = 1, isolation = "none", needs = { "file.write" },
              run = function(actor)
                if actor.cgroup.version ~= "2" or not actor.cgroup.path:find("^/sys/fs/cgroup/.") then return "busy" end
                return host.file.write(actor.dirs.work .. "/a/b", "x")
              end,
              stop = function() return "ok" end,
            }
            """
        let test = "test(\"it\", function(t) t:fails(t:actor { containers = {} }:run(), \"not_found\") end)"
        let run = try Bench(backend: backend, test: test).run()
        #expect(run.code == 0, "\(run.text)")
    }

    @Test("a program that nobody waited for is blamed on the line that started it")
    func leak() throws {
        let run = try Self.run(
            "\(Self.rules) local actor = t:actor(SPEC) t:ok(actor:run()) t:ok(actor:stop { grace_ms = 77 })"
        )
        #expect(run.code == 1)
        let line = "backend.lua:13  leaked_handle: stop started \"vmm\", did not keep it and never waited for it"
        #expect(run.text.contains(line), "\(run.text)")
        #expect(
            run.text.contains(
                "left    program \"vmm\" (leaked_handle), its cgroup and mount namespace, started at backend.lua:13"
            )
        )
    }

    @Test("a program without a rule fails the test, and says which rule to write")
    func unmatched() throws {
        let run = try Self.run("t:program(\"vmm\", { { \"boot\" } }) t:fails(t:actor(SPEC):run(), \"not_found\")")
        #expect(run.code == 1)
        let words = "the backend ran \"vmm --version\" and no t:program(\"vmm\", …) says what that answers"
        #expect(run.text.contains("backend.lua:6  \(words)"), "\(run.text)")
    }

    @Test("a program that fails is what the verb answers")
    func failing() throws {
        let run = try Self.run(
            "t:program(\"vmm\", { { \"--version\", code = 3, stderr = \"no kvm\\n\" } }) "
                + "t:fails(t:actor(SPEC):run(), \"failed\")"
        )
        #expect(run.code == 0, "\(run.text)")
        #expect(run.text.contains("run failed: vmm exited 3: no kvm"), "\(run.text)")
    }

    @Test("a rule with a wrong field says so")
    func wrongRule() throws {
        let run = try Self.run("t:program(\"vmm\", { { \"boot\", cod = 1 } })")
        #expect(run.text.contains("t.program: rules[1] has no field \"cod\""), "\(run.text)")
        #expect(run.text.contains("did you mean code?"), "\(run.text)")
    }

    @Test("probe is asked once for the same tools, and what it takes away is refused in its words")
    func probe() throws {
        let backend = """
            return {
              name = "mine", api = 1, isolation = "kernel-shared", scopes = { "full", "data" },
              tools = { vmm = "optional" },
              needs = { "process.run" },
              probe = function(slot)
                if not slot.tools.vmm then return "unsupported", "grant a tool named vmm" end
                local help = try(host.process.run { program = slot.tools.vmm, args = { "--help" } })
                return "ok", { without = { full = "no full here" }, probed = { help = help.stdout } }
              end,
              run = function(actor)
                if actor.probed.help ~= "words" then return "failed", "not probed" end
                return "ok"
              end,
              stop = function() return "ok" end,
              checkpoint = function() return "ok" end, restore = function() return "ok" end,
            }
            """
        let test = """
            local SPEC = { containers = { { name = "web", command = { "/x" } } } }
            test("with the tool", function(t)
              t:program("vmm", { { "--help", stdout = "words" } })
              local actor = t:actor(SPEC)
              t:ok(actor:run())
              t:fails(actor:checkpoint { scope = "full" }, "unsupported")
              t:ok(actor:checkpoint { scope = "data" })
              t:calls { "process.run actor.tools.vmm" }
            end)
            test("without it", function(t) t:fails(t:actor(SPEC):run(), "unsupported") end)
            """
        let run = try Bench(backend: backend, test: test).run("--trace")
        #expect(run.code == 0, "\(run.text)")
        #expect(run.text.contains("scope full is unavailable here: no full here"), "\(run.text)")
    }

    @Test("arguments are found in their order")
    func order() {
        let rule = ProgramRule(arguments: ["create", "web"])
        #expect(rule.fits(["--root", "/r", "create", "--bundle", "b", "web"]))
        #expect(!rule.fits(["web", "create"]))
        #expect(ProgramRule(arguments: []).fits(["anything"]))
    }
}
