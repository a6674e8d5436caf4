import Foundation
import Testing

@testable import PluginTesting

/// The verbs that a backend may lack, as an author's test drives them.
@Suite("optional verbs in an author's tests", .serialized)
struct OptionalVerbTests {
    /// A machine monitor that has every verb.
    private static let backend = """
        local function boot(slot)
          try(host.process.start { program = slot.tools.vmm, args = { "boot" }, name = "vmm", keep = true })
        end
        local function begin(actor)
          print("warm " .. tostring(actor.prepared and actor.prepared.n or "no") .. " " .. tostring(actor.processes.vmm ~= nil))
          if not actor.prepared then boot(actor) end
          return "ok", { state = { n = 1 } }
        end
        local function stop(actor, request) return host.process.stop(actor.processes, request.grace_ms) end
        return {
          name = "mine", api = 1, isolation = "virtual-machine", scopes = { "data" },
          tools = { vmm = "required" }, assets = { kernel = "optional" },
          needs = { "process.run", "process.start", "process.stop" },
          run = begin, restore = begin, stop = stop, checkpoint = stop,
          probe = function(slot)
            local help = try(host.process.run { program = slot.tools.vmm, args = { "--help" } })
            local without = {}
            if help.stdout == "no exec" then without.exec = "too old" end
            if help.stdout == "no stats" then without.stats = "too old" end
            return "ok", { probed = { help = help.stdout, kernel = slot.assets.kernel ~= nil }, without = without, valid_ms = 5 }
          end,
          prepare = function(slot)
            boot(slot)
            return "ok", { prepared = { n = 7 } }
          end,
          exec = function(actor, request)
            return "ok", { process = try(host.process.start {
              program = actor.tools.vmm, args = { "exec", request.container, request.command }, env = request.env,
              stdio = "client",
            }) }
          end,
          stats = function(actor)
            local out = try(host.process.run { program = actor.tools.vmm, args = { "stats" } })
            return "ok", { memory_bytes = #out.stdout, cpu_ns = 2, pids = actor.processes.vmm and 3 or 4 }
          end,
          recover = function(actor)
            print("recover " .. tostring(actor.processes.vmm ~= nil) .. " " .. actor.state.n)
            if not actor.processes.vmm then return "not_running", "the monitor is gone" end
            local status = host.process.run { program = actor.tools.vmm, args = { "ping" } }
            if status ~= "ok" then return "busy", "no answer" end
            return "ok", { state = { n = actor.state.n + 1 } }
          end,
        }
        """
    private static let head = """
        local SPEC = { containers = { { name = "web", command = { "/x" } } } }
        local function rules(t, more)
          local all = { { "boot" }, { "stats", stdout = "12345" } }
          for _, rule in ipairs(more or {}) do table.insert(all, 1, rule) end
          all[#all + 1] = { "--help", stdout = "words" }
          t:program("vmm", all)
        end

        """

    private static func run(_ body: String, backend: String = backend) throws -> Bench.Run {
        try Bench(backend: backend, test: "\(head)test(\"it\", function(t)\n  \(body)\nend)\n").run("--trace")
    }

    @Test(
        "a right call goes on",
        arguments: [
            // prepare
            "rules(t) t:equal(t:ok(t:prepare()), { n = 7 }) t:ok(t:actor(SPEC):run())",
            // exec
            """
            rules(t, { { "exec", "web", "ls", "-l", code = 3, stdout = "a\\nb", stderr = "c", ms = 40 } })
            local actor = t:actor(SPEC)
            t:ok(actor:run())
            t:equal(t:ok(actor:exec { command = { "ls", { "-l" } } }), { code = 3, stdout = "a\\nb", stderr = "c" })
            t:equal(t.clock:elapsed_ms(), 40)
            t:equal(actor:processes(), { "vmm" })
            """,
            "rules(t) t:fails(t:actor(SPEC):exec { command = { \"ls\" } }, \"not_running\")",
            "rules(t, { { \"--help\", stdout = \"no exec\" } }) local a = t:actor(SPEC) t:ok(a:run()) "
                + "t:fails(a:exec { command = { \"ls\" } }, \"unsupported\") "
                + "t:calls { \"process.run actor.tools.vmm\", \"process.start vmm: actor.tools.vmm\" }",
            // stats
            "rules(t) local a = t:actor(SPEC) t:ok(a:run()) "
                + "t:equal(t:ok(a:stats()), { memory_bytes = 5, cpu_ns = 2, pids = 3, source = \"backend\" })",
            "rules(t, { { \"--help\", stdout = \"no stats\" } }) local a = t:actor(SPEC) t:ok(a:run()) "
                + "t:equal(t:ok(a:stats()), { pids = 1, source = \"cgroup\" })",
            "rules(t) t:fails(t:actor(SPEC):stats(), \"not_running\")",
            // probe
            """
            rules(t)
            t:equal(t:ok(t:probe()), { probed = { help = "words", kernel = false }, without = {}, valid_ms = 5 })
            t:equal(t:ok(t:probe { assets = { kernel = "x" } }).probed.kernel, true)
            t:calls { "process.run actor.tools.vmm", "process.run actor.tools.vmm" }
            """,
            // recover
            """
            rules(t, { { "ping" } })
            local actor = t:actor(SPEC)
            t:ok(actor:run())
            t:ok(actor:recover())
            t:ok(actor:recover())
            t:equal(actor:processes(), { "vmm" })
            """,
            "rules(t) local a = t:actor(SPEC) t:ok(a:run()) t:fails(a:recover { gone = { \"vmm\" } }, \"not_running\") "
                + "t:equal(a:processes(), {}) t:ok(a:run())",
            "rules(t, { { \"ping\", code = 1 } }) local a = t:actor(SPEC) t:ok(a:run()) t:fails(a:recover(), \"busy\") "
                + "t:equal(a:processes(), { \"vmm\" })",
            "t:fails(t:actor(SPEC):recover(), \"not_running\")",
        ]
    )
    func right(_ body: String) throws {
        let run = try Self.run(body)
        #expect(run.code == 0, "\(run.text)")
    }

    @Test("a warm slot is given once, with its programs, and one that does not fit is thrown away")
    func warm() throws {
        let run = try Self.run(
            """
            rules(t)
            t:ok(t:prepare())
            local one, two = t:actor(SPEC), t:actor(SPEC)
            t:ok(one:run())
            t:equal(one:processes(), { "vmm" })
            t:ok(two:run())
            t:ok(one:stop())
            t:ok(t:prepare { assets = { kernel = "x" } })
            t:ok(one:run())
            """
        )
        #expect(run.code == 0, "\(run.text)")
        let said = run.lines.filter { $0.contains("  warm ") }.map {
            String($0.split(separator: "  ").last ?? "")
        }
        #expect(said == ["warm 7 true", "warm no false", "warm no false"], "\(run.text)")
        #expect(run.text.contains("nothing left behind"), "\(run.text)")
    }

    @Test("recover is asked with what lives, and its state is the actor's from then on")
    func recover() throws {
        let run = try Self.run(
            "rules(t, { { \"ping\" } }) local a = t:actor(SPEC) t:ok(a:run()) t:ok(a:recover()) t:ok(a:recover())"
        )
        #expect(run.text.contains("  recover true 1"), "\(run.text)")
        #expect(run.text.contains("  recover true 2"), "\(run.text)")
    }

    @Test("without the verbs the host does what it does without them")
    func absent() throws {
        let run = try Bench(
            backend: Bench.hello,
            test: """
                local SPEC = { containers = { { name = "a", command = { "/a" } }, { name = "b", command = { "/b" } } } }
                test("it", function(t)
                  local actor = t:actor(SPEC)
                  t:ok(actor:run())
                  t:fails(t:prepare(), "unsupported")
                  t:fails(t:probe(), "unsupported")
                  t:fails(actor:exec { command = { "ls" } }, "unsupported")
                  t:equal(t:ok(actor:stats()), { pids = 2, source = "cgroup" })
                  t:ok(actor:recover())
                  t:fails(actor:recover { gone = { "b" } }, "not_running")
                  t:equal(actor:processes(), {})
                end)
                """
        ).run("--trace")
        #expect(run.code == 0, "\(run.text)")
        #expect(run.text.contains("exec unsupported: backend \"mine\" has no exec"), "\(run.text)")
    }

    @Test("the stop of what is outside is run twice, and after a failed verb")
    func outside() throws {
        let backend = """
            return {
              name = "mine", api = 1, isolation = "remote", image = "none", network = "none", outside = true,
              tools = { ssh = "required" }, needs = { "process.run" },
              run = function(actor)
                try(host.process.run { program = actor.tools.ssh, args = { "start" } })
                return "ok"
              end,
              stop = function(actor, request)
                print("stop " .. request.grace_ms)
                try(host.process.run { program = actor.tools.ssh, args = { "stop", actor.state and "again" or "first" } })
                return "ok"
              end,
            }
            """
        func run(_ body: String, _ backend: String) throws -> Bench.Run {
            let spec = "local SPEC = { containers = { { name = \"a\", command = { \"/a\" } } } }\n"
            return try Bench(backend: backend, test: "\(spec)test(\"it\", function(t)\n  \(body)\nend)\n").run(
                "--trace"
            )
        }
        let good = try run(
            "t:program(\"ssh\", { {} }) local a = t:actor(SPEC) t:ok(a:run()) t:ok(a:stop { grace_ms = 5 })",
            backend
        )
        #expect(good.code == 0 && good.text.contains("stop 5") && good.text.contains("stop 0"), "\(good.text)")
        let failed = try run(
            "t:program(\"ssh\", { { \"start\", code = 1 }, {} }) t:fails(t:actor(SPEC):run(), \"failed\") "
                + "t:calls { \"process.run actor.tools.ssh\", \"process.run actor.tools.ssh\" }",
            backend
        )
        #expect(failed.code == 0, "\(failed.text)")
        let once = backend.replacingOccurrences(
            of: "print(\"stop \" .. request.grace_ms)",
            with: "if request.grace_ms == 0 then return \"failed\", \"gone\" end"
        )
        let wrong = try run(
            "t:program(\"ssh\", { {} }) local a = t:actor(SPEC) t:ok(a:run()) t:ok(a:stop { grace_ms = 5 })",
            once
        )
        let words =
            "outside = true, but stop is not repeatable: the SDK ran it twice and the second answered \"failed\""
        #expect(wrong.code == 1 && wrong.text.contains(words), "\(wrong.text)")
    }

    @Test("the operator's settings are the test's to say, and are checked as in service")
    func config() throws {
        let backend = Bench.hello.replacingOccurrences(
            of: "  run = function(actor)\n",
            with: """
                  config = {
                    level = { type = "integer", min = 1, max = 5 }, fast = { type = "boolean", default = false },
                    name = { type = "string", default = "x" }, token = { type = "secret" },
                  },
                  run = function(actor)
                    print("config " .. json.encode { actor.config.level, actor.config.fast, actor.config.name, actor.config.token })

                """
        )
        func run(_ body: String) throws -> Bench.Run {
            let spec = "local SPEC = { containers = { { name = \"a\", command = { \"/a\" } } } }\n"
            return try Bench(backend: backend, test: "\(spec)test(\"it\", function(t)\n  \(body)\nend)\n").run(
                "--trace"
            )
        }
        let good = try run("t:config { level = 3, fast = true, token = \"/etc/token\" } t:ok(t:actor(SPEC):run())")
        #expect(good.code == 0 && good.text.contains("config [3,true,\"x\",\"/etc/token\"]"), "\(good.text)")
        let without = try run("t:config { level = 3 } t:ok(t:actor(SPEC):run())")
        #expect(without.text.contains("config [3,false,\"x\",\"/run/secrets/token\"]"), "\(without.text)")
        let cases = [
            ("t:fails(t:actor(SPEC):run(), \"failed\")", 0, "backends.mine.config.level is missing and has no default"),
            ("t:config { level = 9 }", 1, "write a whole number from 1 to 5"),
            ("t:config { level = 1, fats = true }", 1, "did you mean fast?"),
            ("t:config { level = {} }", 1, "t.config: level is {}"),
            ("t:config { level = 1, token = \"token\" }", 1, "the absolute path of a file that holds the secret"),
        ]
        for (body, code, words) in cases {
            let run = try run(body)
            #expect(run.code == code && run.text.contains(words), "\(body): \(run.text)")
        }
    }

    @Test("a program inside a container is a rule like any other")
    func entered() throws {
        let backend = Bench.hello.replacingOccurrences(
            of: "\"process.stop\" }",
            with: "\"process.stop\", \"workload.enter\" }"
        )
        .replacingOccurrences(
            of: "  stop =",
            with: """
                  exec = function(_, request)
                    return "ok", { process = try(host.workload.enter {
                      container = request.container, command = request.command, stdio = "client",
                    }) }
                  end,
                  stop =
                """
        )
        let run = try Bench(
            backend: backend,
            test: """
                local SPEC = { containers = { { name = "a", command = { "/a" } }, { name = "b", command = { "/b" } } } }
                test("it", function(t)
                  t:program("ls", { { "/data", stdout = "count" }, { code = 2 } })
                  local actor = t:actor(SPEC)
                  t:ok(actor:run())
                  t:equal(t:ok(actor:exec { command = { "/bin/ls", "/data" } }).stdout, "count")
                  t:equal(t:ok(actor:exec { container = "b", command = { "ls" } }).code, 2)
                  t:calls { "workload.start a", "workload.start b", "workload.enter a: /bin/ls", "workload.enter b: ls" }
                end)
                """
        ).run()
        #expect(run.code == 0, "\(run.text)")
    }

    @Test(
        "a wrong call names what is wrong",
        arguments: [
            ("t:prepare { asets = {} }", "did you mean assets?"),
            (
                "local a = t:actor(SPEC) rules(t) t:ok(a:run()) a:recover { gone = { \"vm\" } }",
                "the actor keeps no program \"vm\"; it keeps: vmm"
            ),
            (
                "local a = t:actor(SPEC) rules(t) t:ok(a:run()) a:exec { container = \"side\", command = { \"x\" } }",
                "the actor has no container \"side\"; it has: web"
            ),
            ("t:actor(SPEC):exec {}", "actor.exec: how.command is nil"),
        ]
    )
    func wrong(_ body: String, _ words: String) throws {
        let run = try Self.run(body)
        #expect(run.code == 1 && run.text.contains(words), "\(run.text)")
    }

    @Test("an exec that answers a program without the caller's streams is the script's mistake")
    func noStreams() throws {
        let backend = Self.backend.replacingOccurrences(of: "      stdio = \"client\",\n", with: "")
        let run = try Self.run(
            "rules(t, { { \"exec\" } }) local a = t:actor(SPEC) t:ok(a:run()) t:ok(a:exec { command = { \"ls\" } })",
            backend: backend
        )
        #expect(run.code == 1)
        #expect(run.text.contains("start it with stdio = \"client\""), "\(run.text)")
    }
}
