import Foundation
import SystemLayer
import TestSupport
import Testing

@testable import PluginConformance

/// Good backends conform, through the binary, and the command keeps to its exit codes.
@Suite("conforming backends", .enabled(if: TestMachine.needs(TestMachine.isRoot), "actors run as root only"))
struct ConformingTests {
    private static let program = "\(TestMachine.products)/substrate-plugin"

    @Test("process conforms: every check, every fault, every kill, and nothing is left")
    func process() async throws {
        let scratch = try ScratchDirectory("conform")
        let image = try await CounterImage.reference()
        let run = try await ProgramRun.run(
            Self.program,
            ["conformance", "process", "--image", image, "--report", "\(scratch.path)/report.json"],
            patience: 240
        )
        #expect(run.code == 0, "\(run.output)\(run.error)")
        let lines = run.output.split(separator: "\n")
        #expect(lines.count == 3, "\(run.output)")
        #expect(lines.first?.hasPrefix("contract 69 of 69 · faults 7 calls × 4–9 kinds: 51 of 51 · ") == true)
        #expect(lines.first?.hasSuffix(" · killed at each of 7 calls: 7 converge · leaks 0") == true)
        let absent = [
            "container-cpu-limit-ignored", "container-memory-limit-ignored", "cpu-limit-ignored", "data-scope-accepted",
            "memory-limit-ignored", "never-warm", "probe-changes",
            "recover-denies-the-living", "recover-revives-the-dead", "stats-nonsense", "warm-differs",
        ]
        #expect(lines.dropFirst().first.map(String.init) == "not applicable: \(absent.joined(separator: ", "))")
        #expect(lines.last == "conforms: api 1, scopes data; report in \(scratch.path)/report.json")
        let data = try Data(contentsOf: URL(fileURLWithPath: "\(scratch.path)/report.json"))
        let json = try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
        #expect(json["conforms"] as? Bool == true)
        let contract = try #require(json["contract"] as? [String: Any])
        #expect((contract["checks"] as? [Any])?.count == 69)
        #expect((contract["not_applicable"] as? [String])?.isEmpty == false)
    }

    /// The shipped backends that run a program of this machine, as far as it is here.
    private static let tooled = [("container", "runc", "/usr/sbin/runc"), ("gvisor", "runsc", "/usr/bin/runsc")]
        .filter { TestMachine.needs($0.2) }

    @Test("container and gvisor conform on their real runtimes, and leave nothing", arguments: tooled)
    func tools(_ backend: String, _ tool: String, _ program: String) async throws {
        let scratch = try ScratchDirectory("conform")
        let grant = ["--grant", "tool:\(tool)=\(program)"]
        let run = try await ProgramRun.run(
            Self.program,
            ["conformance", backend, "--at-once", "2", "--report", "\(scratch.path)/report.json"] + grant,
            patience: 1200
        )
        #expect(run.code == 0, "\(run.output)\(run.error)")
        let first = run.output.split(separator: "\n").first.map(String.init) ?? ""
        #expect(first.hasSuffix(" converge · leaks 0"), "\(first)")
        let scopes = backend == "gvisor" ? "full data" : "data full"
        #expect(run.output.contains("conforms: api 1, scopes \(scopes); report in "), "\(run.output)")
    }

    @Test("hello, the smallest backend that serves, conforms")
    func hello() async throws {
        let scratch = try ScratchDirectory("conform")
        let readme = try String(contentsOfFile: "\(TestMachine.checkout)/README.md", encoding: .utf8)
        let script = try #require(
            readme.components(separatedBy: "```lua\n").dropFirst().first?.components(separatedBy: "```").first
        )
        let entry = try Fixture.entry("hello", script: script, in: scratch)
        let report = try await Fixture.report(entry, only: Set(ConformanceSuite.checks.map(\.name)), faults: ["stop"])
        #expect(report.conforms, "\(report.lines(report: nil))")
        #expect(report.contract.contains { $0.name == "data-scope-accepted" })
        #expect(report.skipped.contains("volume-lost"))
        #expect(report.lines(report: nil).last == "conforms: api 1, no snapshots")
    }

    private static let early = """
        local function start(actor)
          for _, container in ipairs(actor.containers) do
            try(host.workload.start { container = container.name })
          end
          return "ok"
        end
        local function look(slot)
          return try(host.process.run { program = slot.tools.sh, args = { "-c", slot.config.words } })
        end
        return {
          name = "early", api = 1, isolation = "kernel-shared",
          tools = { sh = "required" }, config = { words = { type = "string" } },
          needs = { "workload.start", "process.run", "process.start", "process.stop" },
          run = start,
          stop = function(actor, request) return host.process.stop(actor.processes, request.grace_ms) end,
          probe = function(slot) return "ok", { probed = { said = look(slot).stdout } } end,
          prepare = function(slot)
            look(slot)
            try(host.process.start {
              program = slot.tools.sh, args = { "-c", "exec sleep 600" }, name = "keeper", keep = true,
            })
            return "ok", { prepared = { warm = true } }
          end,
          recover = function(actor)
            look(actor)
            return "ok"
          end,
        }
        """

    @Test("every call of probe, prepare and recover goes wrong too; --config gives a script its settings")
    func early() async throws {
        let scratch = try ScratchDirectory("conform")
        try Self.early.write(toFile: "\(scratch.path)/early.lua", atomically: false, encoding: .utf8)
        let image = try await CounterImage.reference()
        let words = [
            "conformance", "\(scratch.path)/early.lua", "--image", image, "--grant", "tool:sh=/bin/sh", "--only",
            "swallowed-fault", "--report", "\(scratch.path)/report.json",
        ]
        let without = try await ProgramRun.run(Self.program, words)
        #expect(without.code == 2 && without.error.contains("config.words is missing"), "\(without)")
        #expect(without.error.contains("--config NAME=VALUE"), "\(without)")
        let run = try await ProgramRun.run(Self.program, words + ["--config", "words=echo said"])
        #expect(run.code == 0, "\(run.output)\(run.error)")
        // run starts two, stop ends them; one call of probe, two of prepare, one of recover.
        #expect(run.output.contains(" · killed at each of 7 calls: 7 converge · leaks 0"), "\(run.output)")
    }

    private static let patient = """
        -- It waits as long as it must: never as often as the last time.
        local function start(actor)
          for _ = 1, 1 + host.clock.left() % 5 do try(host.clock.sleep(1)) end
          for _, container in ipairs(actor.containers) do try(host.workload.start { container = container.name }) end
          return "ok"
        end
        return {
          name = "patient", api = 1, isolation = "kernel-shared",
          needs = { "workload.start", "process.stop", "clock.left", "clock.sleep" },
          run = start,
          stop = function(actor, request) return host.process.stop(actor.processes, request.grace_ms) end,
          probe = function() return "ok" end,
        }
        """

    @Test("a script that waits, and a probe that answers ok and no more, are not blamed for it")
    func patient() async throws {
        let scratch = try ScratchDirectory("conform")
        let entry = try Fixture.entry("patient", script: Self.patient, in: scratch)
        let report = try await Fixture.report(entry, only: ["probe-changes"], faults: ["run"])
        #expect(report.conforms, "\(report.lines(report: nil))")
        // Both containers, each in all of its ways.
        #expect(report.faults > 20 && report.contract.map(\.name) == ["probe-changes"], "\(report)")
    }

    @Test("a command that cannot try says why and exits with 2")
    func cannotTry() async throws {
        let cases: [(arguments: [String], says: String)] = [
            ([], "conformance needs PATH"),
            (
                ["nobody"],
                "nobody: no such file or folder, and no served backend "
                    + "(\(TestMachine.shippedBackends.joined(separator: ", ")))"
            ),
            (["process", "--only", "nothing"], "--only \"nothing\" is no check; --list shows them"),
            (["process", "--sideways"], "conformance: unknown option \"--sideways\""),
            (["process", "--grant", "tool:x"], "--grant \"tool:x\""),
            (["process", "--config", "x"], "--config \"x\" is not NAME=VALUE"),
            (["process", "--config", "x=y"], "backends.process.config.x is no setting of the script"),
            (["process", "--asset", "x"], "--asset \"x\" is not NAME=VALUE"),
            (["process", "other"], "conformance does not understand \"other\""),
            (["/nowhere/at/all.lua"], "/nowhere/at/all.lua: no such file"),
        ]
        for one in cases {
            let run = try await ProgramRun.run(Self.program, ["conformance"] + one.arguments)
            #expect(run.code == 2, "\(one.arguments): \(run.output)")
            #expect(run.error.contains(one.says), "\(one.arguments): \(run.error)")
        }
    }

    @Test("a script that does not load, or lacks an asset, is not tried")
    func unloadable() async throws {
        let scratch = try ScratchDirectory("conform")
        let bad = "return { name = \"bad\", api = 1 }"
        try bad.write(toFile: "\(scratch.path)/bad.lua", atomically: false, encoding: .utf8)
        let needy = """
            return { name = "needy", api = 1, isolation = "none", needs = {}, assets = { vmm = "required" },
              run = function() return "ok" end, stop = function() return "ok" end }
            """
        try needy.write(toFile: "\(scratch.path)/needy.lua", atomically: false, encoding: .utf8)
        let image = try await CounterImage.reference()
        for (name, says) in [("bad", "bad.lua"), ("needy", "needy needs the asset \"vmm\": say --asset vmm=FILE")] {
            let run = try await ProgramRun.run(
                Self.program,
                ["conformance", "\(scratch.path)/\(name).lua", "--image", image]
            )
            #expect(run.code == 2 && run.error.contains(says), "\(run.code) \(run.output)\(run.error)")
        }
        #expect(!FileManager.default.fileExists(atPath: "\(scratch.path)/bad.conformance.json"))
    }

    @Test("the report lies beside the script, also as JSON on standard output, and a failure exits with 1")
    func report() async throws {
        let scratch = try ScratchDirectory("conform")
        let folder = "\(scratch.path)/wrong-order"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false)
        try FileManager.default.copyItem(
            atPath: "\(TestMachine.checkout)/Tests/PluginConformanceTests/Broken/wrong-order.lua",
            toPath: "\(folder)/backend.lua"
        )
        try FileManager.default.copyItem(
            atPath: "\(TestMachine.checkout)/Tests/PluginConformanceTests/Broken/lib",
            toPath: "\(scratch.path)/lib"
        )
        let image = try await CounterImage.reference()
        let run = try await ProgramRun.run(
            Self.program,
            ["conformance", folder, "--image", image, "--only=wrong-order", "--report=\(folder)/conformance.json"]
        )
        #expect(run.code == 1, "\(run.output)\(run.error)")
        #expect(
            run.output == """
                contract 0 of 1 · leaks 0
                ! wrong-order       the spec says zeta, alpha, mid, run starts mid, alpha, zeta
                    mend      ipairs(actor.containers) is that order; pairs is none
                    again     substrate-host plugin conformance \(folder)/backend.lua --only wrong-order
                does not conform: 1 mistake; report in \(folder)/conformance.json

                """
        )
        let json = try await ProgramRun.run(
            Self.program,
            ["conformance", "\(folder)/backend.lua", "--image", image, "--only", "wrong-order", "--json"]
        )
        #expect(json.code == 1)
        let object = try JSONSerialization.jsonObject(with: Data(json.output.utf8)) as? [String: Any]
        #expect(object?["conforms"] as? Bool == false)
        #expect(
            try FileManager.default.contentsOfDirectory(atPath: folder).sorted() == ["backend.lua", "conformance.json"]
        )
    }
}
