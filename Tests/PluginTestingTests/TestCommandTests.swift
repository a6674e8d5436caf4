import Foundation
import TestSupport
import Testing

@testable import PluginTesting

/// `plugin test` as an author meets it.
@Suite("plugin test", .serialized)
struct TestCommandTests {
    /// The listing of lua.md §E.7, with the `try` of its ninth line forgotten.
    private static let forgotten = """
        -- process: every container of the actor is a confined process on the host's own kernel.
        -- Not a boundary against hostile code. Data scope only: what is in memory is not kept.

        -- The root is an overlay: what is written outside the durable volumes is thrown away.
        local CONFINE = { namespaces = { "pid", "mount", "net", "ipc", "uts" }, root = "overlay", seccomp = "default" }

        local function start_all(actor)
          for _, container in ipairs(actor.containers) do
            host.workload.start { container = container.name, confine = CONFINE }
          end
          return "ok"
        end

        local function stop_all(actor, request)
          return host.process.stop(actor.processes, request.grace_ms)
        end

        return {
          name = "process", api = 1, isolation = "kernel-shared", scopes = { "data" },
          needs = { "workload.start", "workload.enter", "process.stop" },
          run = start_all, stop = stop_all, checkpoint = stop_all, restore = start_all,
          exec = function(_, request)
            local spec = { container = request.container, command = request.command, stdio = "client" }
            return "ok", { process = try(host.workload.enter(spec)) }
          end,
        }

        """

    @Test("the shipped backend's six tests pass, and nothing is left behind")
    func shipped() {
        let run = Bench.run([Bench.shipped])
        #expect(run.code == 0, "\(run.text)")
        #expect(run.lines.first == "process · api 1 · 3 host functions · fake runtime, fake clock, no root")
        #expect(run.lines.filter { $0.hasPrefix("  ok    ") }.count == 6)
        #expect(run.text.contains("6 passed, 0 failed, 12 host calls checked, nothing left behind"), "\(run.text)")
    }

    @Test("a forgotten try is shown exactly as lua.md §E.8 draws it")
    func forgottenTry() throws {
        let test = try String(contentsOfFile: "\(Bench.shipped)/backend_test.lua", encoding: .utf8)
        let bench = try Bench(name: "process", backend: Self.forgotten, test: test, testName: "process_test.lua")
        let run = bench.run()
        #expect(run.code == 1)
        let block = run.text.components(separatedBy: "\n\n").last ?? ""
        let shown = Bench.timeless(block).replacingOccurrences(of: bench.directory, with: "plugins/process")
        #expect(
            shown == """
                  FAIL  a full disk while starting is what the run answers N ms
                        process_test.lua:42  expected storage_full, got ok
                        calls   1 workload.start web   ok            backend.lua:9 in start_all
                                2 workload.start side  storage_full  backend.lua:9 in start_all   ← injected by process_test.lua:41
                        mend    backend.lua:9 drops the status: try(host.workload.start {…})
                        left    nothing
                        again   substrate-host plugin test plugins/process --only 5 --trace
                5 passed, 1 failed

                """,
            "\(run.text)"
        )
        #expect(run.lines.filter { $0.hasPrefix("  ok    ") }.count == 5)
        let again = bench.run("--only", "5", "--trace")
        #expect(again.code == 1)
        #expect(again.text.contains("process_test.lua:42  run ok"))
        #expect(again.text.hasSuffix("0 passed, 1 failed\n"))
    }

    @Test("machines get the same: JSON, TAP and JUnit")
    func machines() throws {
        let test = """
            test("it runs", function(t) t:ok(t:actor { containers = { { name = "a", command = { "/a" } } } }:run()) end)
            test("it & fails # here", function(t) t:equal({ 1, { x = "é" } }, { 1, { x = "<" } }) end)
            """
        let bench = try Bench(backend: Bench.hello, test: test)
        let junit = "\(bench.directory)/out.xml"
        let run = bench.run("--json", "--junit", junit)
        #expect(run.code == 1)
        let object = try #require(
            JSONSerialization.jsonObject(with: Data(run.text.utf8)) as? [String: Any]
        )
        #expect(object["passed"] as? Int == 1)
        #expect(object["failed"] as? Int == 1)
        let tests = try #require(object["tests"] as? [[String: Any]])
        #expect(tests.map { $0["passed"] as? Bool } == [true, false])
        #expect(tests[1]["failure"] as? String == "expected { 1, { x = \"<\" } }, got { 1, { x = \"é\" } }")
        #expect(tests[1]["at"] as? String == "backend_test.lua:2")
        let parser = XMLCounter(try Data(contentsOf: URL(fileURLWithPath: junit)))
        #expect(parser.counts["testcase"] == 2)
        #expect(parser.counts["failure"] == 1)
        let tap = bench.run("--tap").lines
        #expect(tap.prefix(4) == ["TAP version 13", "1..2", "ok 1 - it runs", "not ok 2 - it & fails \\# here"])
    }

    @Test("what cannot be run says why, with exit 2")
    func cannot() throws {
        let good = try Bench(backend: Bench.hello, test: "test('x', function() end)")
        let cases: [([String], String)] = [
            ([], "test needs PATH"), (["/nowhere"], "/nowhere: no such file or folder"),
            (
                ["nowhere"],
                "no such file or folder, and no served backend (\(TestMachine.shippedBackends.joined(separator: ", ")))"
            ),
            ([good.directory, "--jsn"], "test: unknown option \"--jsn\"; did you mean --json?"),
            ([good.directory, "--grant", "tool:x=/x"], "--grant is for --real"),
            ([good.directory, "--only", "0"], "--only needs the number of a test"),
            ([good.directory, "--only", "7"], "--only 7: there are 1 tests"),
            ([good.directory, "more"], "test does not understand \"more\""),
        ]
        for (arguments, words) in cases {
            let run = Bench.run(arguments)
            #expect(run.code == 2, "\(arguments)")
            #expect(run.text.contains(words), "\(run.text)")
        }
        let silent = try Bench(backend: Bench.hello, test: "", testName: "notes.txt").run()
        #expect(silent.code == 2)
        #expect(silent.text.contains("mine has no *_test.lua; plugin new mine --only-tests writes one that passes"))
        let broken = try Bench(backend: "return {", test: "").run()
        #expect(broken.code == 2)
        #expect(broken.text.contains("backend.lua:1:"), "\(broken.text)")
        let wrong = try Bench(backend: Bench.hello, test: "test('x'").run()
        #expect(wrong.code == 2)
        #expect(wrong.text.contains("backend_test.lua:1:"), "\(wrong.text)")
    }
}

/// Counts the elements of an XML text; empty where it is none.
private final class XMLCounter {
    private(set) var counts: [String: Int] = [:]

    init(_ data: Data) {
        let text = String(decoding: data, as: UTF8.self)
        for piece in text.split(separator: "<").dropFirst() where !piece.hasPrefix("/") && !piece.hasPrefix("?") {
            counts[String(piece.prefix { $0.isLetter }), default: 0] += 1
        }
    }
}
