import Foundation
import PluginProtocol
import Testing

@testable import PluginHost
@testable import PluginTesting

/// What an author's test is told, and what it cannot get past.
@Suite("an author's tests", .serialized)
struct AuthorTests {
    private static let actor = "local actor = t:actor { containers = { { name = \"a\", command = { \"/a\" } } } }"

    /// Runs one test of one body, and answers what is said of it.
    private static func told(_ body: String, backend: String = Bench.hello) throws -> Bench.Run {
        try Bench(backend: backend, test: "test(\"it\", function(t)\n  \(actor)\n  \(body)\nend)\n").run()
    }

    @Test(
        "a wrong call names what is wrong, and the line",
        arguments: [
            ("actor:chekpoint {}", "backend_test.lua:3  actor.chekpoint does not exist"),
            ("t:fails(actor:run(), \"storage_ful\")", "t.fails: expected is \"storage_ful\""),
            ("t:fault(\"workload.strat\", { status = \"busy\" })", "there is no host function \"workload.strat\""),
            ("t:fault(\"workload.start\", { status = \"exists\" })", "workload.start never answers \"exists\""),
            ("t:fault(\"workload.start\", { at = 9, status = \"busy\" }) t:ok(actor:run())", "this fault never came"),
            ("t.actor { containers = {} }", "t.actor takes"),
            ("t:actor { container = {} }", "has no field \"container\""),
            ("t:workload(\"b\")", "no actor of this test has a container \"b\"; there are: a"),
            ("t:ok(actor:checkpoint { scope = \"data\" })", "expected ok, got unsupported"),
            ("t:ok(\"failed\", \"why\")", "expected ok, got failed: why"),
            ("error(\"no\")", "backend_test.lua:3  no"),
            ("try(\"busy\", \"so\")", "try ended the test with busy: so"),
            ("host.workload.start {}", "attempt to index a nil value (global 'host')"),
            ("while true do end", "instructions spent"),
            ("t:calls { \"workload.start a\" }", "expected calls { \"workload.start a\" }, got {}"),
        ]
    )
    func wrong(_ body: String, _ words: String) throws {
        let run = try Self.told(body)
        #expect(run.code == 1, "\(run.text)")
        #expect(run.text.contains(words), "\(run.text)")
        #expect(run.text.contains("left    nothing"), "\(run.text)")
    }

    @Test(
        "a right call goes on",
        arguments: [
            "t:ok(actor:run()) t:equal(actor:processes(), { \"a\" }) t:ok(actor:stop()) t:equal(actor:processes(), {})",
            "t:fault(\"workload.start\", { status = \"busy\" }) t:fails(actor:run(), \"busy\") t:ok(actor:run())",
            "t:ok(actor:run()) t:workload(\"a\"):on(\"TERM\", \"ignore\") t:ok(actor:stop { grace_ms = 70 }) "
                + "t:equal(t.clock:elapsed_ms(), 70)",
            "t:ok(actor:run()) t:fails(actor:run(), \"already_running\")",
            "t:equal({ a = { 1, 2.0 }, b = \"\\255\" }, { b = \"\\255\", a = { 1, 2 } })",
            "t:fails(t:actor { cpu_milli = 5, containers = {} }:run(), \"unsupported\")",
        ]
    )
    func right(_ body: String) throws {
        let run = try Self.told(body)
        #expect(run.code == 0, "\(run.text)")
    }

    @Test("a script's mistake is shown whole")
    func mistake() throws {
        let backend = Bench.hello.replacingOccurrences(
            of: "container = container.name",
            with: "contaner = container.name"
        )
        let run = try Self.told("t:ok(actor:run())", backend: backend)
        #expect(run.text.contains("workload.start has no field \"contaner\""), "\(run.text)")
        #expect(run.text.contains("mend    did you mean container?"), "\(run.text)")
        // Where there is no mend, what belongs there is all that helps.
        for line in [
            "          6 |       try(host.workload.start { contaner = container.name })",
            "        expected  container, confine", "        got       contaner",
            "        trace     backend.lua:6 in run",
        ] { #expect(run.lines.contains(line), "\(line)\n\(run.text)") }
    }

    @Test("a call that a module makes is shown with the module's line")
    func modules() throws {
        let backend = """
            local m = require "m"
            return { name = "mine", api = 1, isolation = "none", needs = { "workload.start", "process.stop" },
              run = m.run, stop = function(a, r) return host.process.stop(a.processes, r.grace_ms) end }
            """
        let module = """
            return { run = function(actor)
              print("here")
              return host.workload.start { container = actor.containers[1].name, confin = {} }
            end }
            """
        let test = "test(\"it\", function(t)\n  \(Self.actor)\n  t:ok(actor:run())\nend)\n"
        let bench = try Bench(backend: backend, test: test)
        let lib = URL(fileURLWithPath: bench.directory).deletingLastPathComponent().appendingPathComponent("lib")
        try FileManager.default.createDirectory(at: lib, withIntermediateDirectories: false)
        let file = lib.appendingPathComponent("m.lua")
        try module.write(to: file, atomically: false, encoding: .utf8)
        let wrong = bench.run("--trace")
        #expect(wrong.text.contains("lib/m.lua:3: workload.start has no field \"confin\""), "\(wrong.text)")
        try module.replacingOccurrences(of: "confin =", with: "confine =")
            .write(to: file, atomically: false, encoding: .utf8)
        let run = bench.run("--trace")
        #expect(run.lines.contains("        lib/m.lua:2  here"), "\(run.text)")
        #expect(run.lines.contains("        calls   1 workload.start a  ok  lib/m.lua:3"), "\(run.text)")
    }

    @Test("what a script prints is in the trace, with its line")
    func printed() throws {
        let backend = Bench.hello.replacingOccurrences(
            of: "return \"ok\"\n  end,\n  stop",
            with: "print(\"x\", 1)\n    return \"ok\"\n  end,\n  stop"
        )
        let test = "test(\"it\", function(t)\n  \(Self.actor)\n  t:ok(actor:run())\nend)\n"
        let run = try Bench(backend: backend, test: test).run("--trace")
        #expect(run.lines.contains("        backend.lua:8  x\t1"), "\(run.text)")
    }

    @Test("a value of env in the state is refused")
    func secrets() throws {
        let backend = Bench.hello.replacingOccurrences(
            of: "return \"ok\"\n  end,\n  stop",
            with: "return \"ok\", { state = { k = actor.containers[1].env.TOKEN } }\n  end,\n  stop"
        )
        let container = "{ name = \"a\", command = { \"/a\" }, env = { TOKEN = \"hunter2\" } }"
        let run = try Self.told("t:ok(t:actor { containers = { \(container) } }:run())", backend: backend)
        #expect(run.code == 1)
        #expect(run.text.contains("state.k holds the value of env.TOKEN"), "\(run.text)")
        #expect(!run.text.contains("hunter2"), "\(run.text)")
    }

    /// Answers ok and does nothing.
    private enum IdleStop: HostHandler {
        struct Arguments: HostArguments { init(_ fields: CheckedFields) {} }
        static let row = HostFunction.processStop
        static func target(_ arguments: Arguments, _ call: HostCall) throws(HostFailure) -> String? { "web" }
        static func answer(_ arguments: Arguments, _ call: HostCall) throws(HostFailure) -> HostReply { .ok() }
    }

    /// Says that each container is there already.
    private enum ShyStart: HostHandler {
        struct Arguments: HostArguments { init(_ fields: CheckedFields) {} }
        static let row = HostFunction.workloadStart
        static func target(_ arguments: Arguments, _ call: HostCall) throws(HostFailure) -> String? { "web" }
        static func answer(_ arguments: Arguments, _ call: HostCall) throws(HostFailure) -> HostReply {
            .refused(.alreadyRunning, "it is not")
        }
    }

    @Test("breaking one real host function turns the suite red")
    func brokenHandlers() {
        for broken in [BoundHandler(IdleStop.self), BoundHandler(ShyStart.self)] {
            let run = Bench.run([Bench.shipped], handlers: HostFunctions.all + [broken])
            #expect(run.code == 1, "\(run.text)")
            #expect(run.text.contains("  FAIL  "), "\(run.text)")
        }
        #expect(Bench.run([Bench.shipped]).code == 0)
    }
}
