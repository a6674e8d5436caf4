import PluginProtocol
import Testing

/// The twelve mistakes that authors make, each with its whole text; the fourth is the broker's.
@Suite struct MistakeTests {
    @Test func aTypoInAFunction() throws {
        let trap = try ScriptFixture.trap("    host.process.spawn {}", needs: "\"process.run\"")
        #expect(
            trap.message == """
                x.lua:7: host.process.spawn does not exist
                    7 |     host.process.spawn {}
                  mend      did you mean host.process.start? it also belongs in needs (line 4)
                  trace     x.lua:7 in run
                  [trap api.name verb run actor counter]
                """
        )
    }

    @Test func aFunctionThatIsNotInNeeds() throws {
        let trap = try ScriptFixture.trap("    host.process.run {}", needs: "\"clock.left\"")
        #expect(
            trap.message == """
                x.lua:7: host.process.run is not in needs
                    7 |     host.process.run {}
                  mend      add "process.run" to needs (line 4); plugin check --fix does it
                  trace     x.lua:7 in run
                  [trap api.name verb run actor counter]
                """
        )
    }

    @Test func theHostWhileTheFileLoads() throws {
        let error = try #require(throws: ScriptFixture.Trapped.self) {
            try ScriptFixture("local x = 1\nhost.process.run {}")
        }
        #expect(
            error.trap.message == """
                x.lua:2: host is not there while the file loads
                    2 | host.process.run {}
                  mend      move the call into a verb: loading only describes the backend
                  trace     x.lua:2
                  [trap api.load load x]
                """
        )
    }

    @Test func printWhileTheFileLoads() throws {
        let error = try #require(throws: ScriptFixture.Trapped.self) { try ScriptFixture("print(\"here\")\nreturn {}") }
        #expect(
            error.trap.message == """
                x.lua:1: print is not there while the file loads
                    1 | print("here")
                  mend      print in a verb, or in a test
                  trace     x.lua:1
                  [trap api.load load x]
                """
        )
    }

    @Test func theWrongVerb() throws {
        let trap = try ScriptFixture.trap(
            "    host.workload.start { container = \"web\" }",
            needs: "\"workload.start\"",
            verb: "stop"
        )
        #expect(
            trap.message == """
                x.lua:7: workload.start cannot be called in stop
                    7 |     host.workload.start { container = "web" }
                  expected  run, restore
                  got       stop
                  mend      start containers in run and restore; a started one is in actor.processes
                  trace     x.lua:7 in stop
                  [trap api.name workload.start@1 verb stop actor counter]
                """
        )
    }

    @Test func aPositionalCall() throws {
        let trap = try ScriptFixture.trap("    host.process.run(\"ls\", \"-l\")", needs: "\"process.run\"")
        #expect(
            trap.message == """
                x.lua:7: process.run takes one table
                    7 |     host.process.run("ls", "-l")
                  expected  { program = …, args = {…} }
                  got       2 strings
                  mend      host.process.run { program = "…", args = { "…" } }
                  trace     x.lua:7 in run
                  [trap api.arity process.run@1 verb run actor counter]
                """
        )
    }

    @Test func anUnknownField() throws {
        let trap = try ScriptFixture.trap("    host.process.run { argv = {} }", needs: "\"process.run\"")
        #expect(
            trap.message == """
                x.lua:7: process.run has no field "argv"
                    7 |     host.process.run { argv = {} }
                  expected  program, args, env, stdin, exit_codes, hide, log, …
                  got       argv
                  mend      did you mean args?
                  trace     x.lua:7 in run
                  [trap api.name process.run@1 verb run actor counter]
                """
        )
    }

    @Test func aFloat() throws {
        let trap = try ScriptFixture.trap(
            "    return host.process.stop(actor.processes, 5000 / 2)",
            needs: "\"process.stop\"",
            verb: "stop"
        )
        #expect(
            trap.message == """
                x.lua:7: process.stop: grace_ms is a float
                    7 |     return host.process.stop(actor.processes, 5000 / 2)
                  expected  an integer
                  got       2500.0
                  mend      use // for division, or math.tointeger
                  trace     x.lua:7 in stop
                  [trap api.type process.stop@1 verb stop actor counter]
                """,
            "a tail call keeps its line"
        )
    }

    @Test func aStaleHandle() throws {
        let body = "    local p = actor.processes.web\n    pcall(host.process.wait, { p, p })"
        let fixture = try ScriptFixture(ScriptFixture.source(body, needs: "\"process.wait\""))
        try fixture.begin()
        guard case .call("process.wait@1", _, 8) = try fixture.next() else { throw CancellationError() }
        // What the broker answers; that it does is shown by its own tests.
        let fault = ArgumentFault(
            code: "api.stale",
            message: "process.wait: [2] is a closed handle",
            expected: "a live process",
            got: "handle<process:3.1>, closed at x.lua:38",
            mend: "wait for each process once"
        )
        try fixture.supervisor.send(.mistake(fault))
        #expect(
            try fixture.next()
                == .trap(
                    TrapFrame(
                        code: "api.stale",
                        message: """
                            x.lua:8: process.wait: [2] is a closed handle
                                8 |     pcall(host.process.wait, { p, p })
                              expected  a live process
                              got       handle<process:3.1>, closed at x.lua:38
                              mend      wait for each process once
                              trace     x.lua:8 in run
                              [trap api.stale process.wait@1 verb run actor counter]
                            """
                    )
                )
        )
    }

    @Test func anIgnoredStatus() throws {
        let trap = try ScriptFixture.trap("    host.process.wait { \"storage_full\" }", needs: "\"process.wait\"")
        #expect(
            trap.message == """
                x.lua:7: process.wait: [1] is a string
                    7 |     host.process.wait { "storage_full" }
                  expected  a process
                  got       "storage_full"
                  mend      the first value is the status: local p = try(host.process.start {…})
                  trace     x.lua:7 in run
                  [trap api.type process.wait@1 verb run actor counter]
                """
        )
    }

    @Test func aBadAnswer() throws {
        let trap = try ScriptFixture.trap(
            "    if actor.uid then return \"ok\" end\n    return \"ok\", { adress = \"10.0.0.1\" }"
        )
        #expect(
            trap.message == """
                x.lua:8: run answered a field "adress"
                    8 |     return "ok", { adress = "10.0.0.1" }
                  expected  state, address
                  got       adress
                  mend      did you mean address? (only with network = "backend")
                  [trap verb.result verb run actor counter]
                """
        )
    }

    @Test func spinning() throws {
        let trap = try ScriptFixture.trap("    local n = 0\n    while true do\n      n = n + 1\n    end")
        let lines = trap.message.split(separator: "\n")
        #expect(
            lines[0] == "x.lua:9: 10 million instructions spent in this verb" || lines[0].hasPrefix("x.lua:8: 10 m")
        )
        #expect(lines.contains("  got       while true do (line 8)"), "\(trap.message)")
        #expect(lines.contains("  mend      wait with process.wait or clock.sleep"))
        #expect(lines.last == "  [trap budget.instructions verb run actor counter]")
    }

    @Test func aProgramThatWasNotGranted() throws {
        let trap = try ScriptFixture.trap(
            """
                local function start_all(actor)
                  try(host.process.run { program = actor.tools.pogram, args = {} })
                  return "ok"
                end
                local status = start_all(actor)
                return status
            """,
            needs: "\"process.run\""
        )
        #expect(
            trap.message == """
                x.lua:8: process.run: program is nil
                    8 |       try(host.process.run { program = actor.tools.pogram, args = {} })
                  expected  an asset or a tool of this actor
                  got       nil
                  mend      a name that was not granted is nil; granted here: actor.tools.program
                  trace     x.lua:8 in start_all < x.lua:11 in run
                  [trap api.type process.run@1 verb run actor counter]
                """
        )
    }

    @Test(arguments: [
        ("local n = actor.state.vm.socket", "attempt to index a nil value (field 'state')", ""),
        ("local c = actor.config.netwrk.x", "attempt to index a nil value (field 'netwrk')", "did you mean network?"),
        ("string.formt('x')", "attempt to call a nil value (field 'formt')", "did you mean format?"),
        ("prnt('x')", "attempt to call a nil value (global 'prnt')", "did you mean print?"),
        (
            "os.time()", "attempt to index a nil value (global 'os')",
            "os is not there: the time left is host.clock.left()"
        ),
    ])
    func luasOwnErrors(_ body: String, _ words: String, _ mend: String) throws {
        let trap = try ScriptFixture.trap("    \(body)\n    return \"ok\"")
        #expect(trap.code == "script.error")
        #expect(trap.message.hasPrefix("x.lua:7: \(words)\n    7 |     \(body)\n"), "\(trap.message)")
        #expect(trap.message.contains("  trace     x.lua:7 in run\n"), "\(trap.message)")
        #expect(mend.isEmpty == !trap.message.contains("  mend      "), "\(trap.message)")
        #expect(trap.message.contains(mend))
    }

    @Test func tracesHoldTheAuthorsFramesOnly() throws {
        let body = """
                local function inner() error("no") end
                local function outer() table.sort({ 2, 1 }, function() inner() end) end
                outer()
            """
        let trap = try ScriptFixture.trap(body)
        let trace = try #require(trap.message.split(separator: "\n").first { $0.hasPrefix("  trace") })
        #expect(trace.contains("x.lua:7 in inner < x.lua:8"), "\(trace)")
        #expect(trace.hasSuffix("< x.lua:9 in run"), "\(trace)")
        #expect(!trace.contains("[C]"))
    }
}
