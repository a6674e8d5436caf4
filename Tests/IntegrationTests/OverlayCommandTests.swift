import Foundation
import PluginHost
import SystemLayer
import TestSupport
import Testing

@testable import substrate_host

@Suite("overlays ls, explain and check")
struct OverlayCommandTests {
    private let place: ScratchDirectory

    init() throws { place = try ScratchDirectory("overlays") }

    private func write(_ name: String, _ text: String) throws {
        let path = "\(place.path)/\(name)"
        try DirectoryTree.make(URL(fileURLWithPath: path).deletingLastPathComponent().path, mode: 0o755)
        try text.write(toFile: path, atomically: true, encoding: .utf8)
    }

    private func script(_ name: String, _ more: String = "", isolation: String = "kernel-shared") -> String {
        """
        return { name = "\(name)", api = 1, isolation = "\(isolation)", \(more)
          run = function() return "ok" end,
          stop = function() return "ok" end }
        """
    }

    private func overlays(_ arguments: String...) async throws -> ProgramRun {
        try await ProgramRun.run(TestMachine.host, ["overlays"] + arguments)
    }

    private func object(_ run: ProgramRun) throws -> [String: Any] {
        try #require(try JSONSerialization.jsonObject(with: Data(run.output.utf8)) as? [String: Any], "\(run.output)")
    }

    @Test("ls shows the sources in order and what each surface gives")
    func list() async throws {
        try write("a/backends/process.lua", script("process"))
        try write("a/lib/util.lua", "return 1")
        try write("b/backends/process.lua", script("process"))
        let run = try await overlays(
            "ls",
            "--overlay",
            "\(place.path)/a",
            "--overlay",
            "\(place.path)/b",
            "--overlay",
            "/nope"
        )
        #expect(run.code == 0, "\(run.error)")
        let lines = run.output.split(separator: "\n").map { $0.split(separator: " ").map(String.init) }
        let shipped = TestMachine.shippedBackends.map { $0 == "process" ? "process (shadowed)" : $0 }.joined(
            separator: ", "
        )
        let shippedLine = ["1", "shipped", "backends"] + shipped.split(separator: " ").map(String.init)
        #expect(lines.contains(shippedLine), "\(run.output)")
        #expect(lines.contains(["2", "overlay", "\(place.path)/a", "backends", "process", "(shadowed)"]))
        #expect(lines.contains(["2", "overlay", "\(place.path)/a", "lib", "util"]))
        #expect(lines.contains(["3", "overlay", "\(place.path)/b", "backends", "process"]))
        #expect(lines.contains(["3", "overlay", "\(place.path)/b", "lib", "-", "(no", "lib/)"]))
        #expect(lines.contains(["4", "overlay", "/nope", "-", "-", "(there", "is", "no", "such", "directory)"]))
        let json = try await overlays("ls", "--json", "--overlay", "\(place.path)/b")
        let sources = try #require(try JSONSerialization.jsonObject(with: Data(json.output.utf8)) as? [[String: Any]])
        #expect(sources.map { $0["source"] as? String } == ["shipped", "overlay \(place.path)/b"])
    }

    @Test("explain says who wins, what it shadows, what is given and what is not, and who claims the isolation")
    func explain() async throws {
        let needs = #"tools = { bwrap = "required", extra = "optional" }, needs = { "process.run", "process.stop" },"#
        let text = script("wrap", needs).replacing(
            "run = function() return \"ok\" end",
            with: "run = function(a) try(host.process.run { program = a.tools.bwrap }) return \"ok\" end"
        ).replacing(
            "stop = function() return",
            with: "stop = function(a, r) try(host.process.stop(a.processes, r.grace_ms)) return"
        )
        try write("a/wrap.lua", script("wrap"))
        try write("b/wrap.lua", text)
        let sources = ["--overlay", "\(place.path)/a", "--overlay", "\(place.path)/b"]
        let bare = try await ProgramRun.run(TestMachine.host, ["overlays", "explain", "wrap"] + sources)
        #expect(bare.code == 0, "\(bare.error)")
        #expect(bare.output.hasPrefix("wrap  \(place.path)/b/wrap.lua\n"))
        #expect(bare.output.contains("shadows    \(place.path)/a/wrap.lua\n"))
        #expect(bare.output.contains("isolation  kernel-shared, as \(place.path)/b/wrap.lua claims"))
        #expect(bare.output.contains("needs      process.run: NOT GIVEN; the operator gives it: "), "\(bare.output)")
        #expect(bare.output.contains("--grant wrap/tool:bwrap=/usr/bin/bwrap\n"))
        #expect(bare.output.contains("needs      process.stop: no grant needed\n"))
        #expect(bare.output.contains("needs      tool extra (optional): NOT GIVEN"))
        #expect(!bare.output.contains(OperatorGrant.warning))
        let given = try await ProgramRun.run(
            TestMachine.host,
            ["overlays", "explain", "wrap", "--grant", "tool:bwrap=/usr/bin/bwrap"] + sources
        )
        #expect(given.output.contains("needs      tool bwrap: given, tool:bwrap=/usr/bin/bwrap (--grant)\n"))
        #expect(given.output.contains("tool:bwrap=/usr/bin/bwrap: \(OperatorGrant.warning)\n"))
        #expect(!given.output.contains("needs      process.run: NOT GIVEN"))
        let json = try object(
            try await ProgramRun.run(TestMachine.host, ["overlays", "explain", "wrap", "--json"] + sources)
        )
        let listed = try #require(json["needs"] as? [[String: Any]])
        #expect(listed.first { $0["what"] as? String == "tool bwrap" }?["given"] as? Bool == false)
        #expect((json["isolation"] as? [String: Any])?["claimed_by"] as? String == "\(place.path)/b/wrap.lua")
        let unknown = try await overlays("explain", "nope")
        let available = TestMachine.shippedBackends.joined(separator: ", ")
        #expect(unknown.code == 2 && unknown.error.contains("unknown backend \"nope\"; available: \(available)"))
    }

    @Test("check says every error and exits 1; what is sound is ok")
    func check() async throws {
        try write("a/backends/fine.lua", script("fine"))
        let good = try await overlays("check", "--overlay", "\(place.path)/a")
        #expect(good.code == 0 && good.output.hasSuffix("ok\n"), "\(good.output)")
        #expect(good.output.contains("notice: skipping lib of overlay \(place.path)/a: no lib/ there"))
        try write("a/backends/syntax.lua", "return {\n  = }")
        try write("a/backends/twice.lua", script("twice"))
        try write("a/backends/twice/backend.lua", script("twice"))
        try write("a/backends/lost.lua", "local x = require \"nowhere\"\n" + script("lost"))
        try write("a/lib/bad.lua", "local x = 1\nreturn x.y.z")
        try write("a/lib/worse.lua", "return = 1")
        try write("a/backends/module.lua", "local x = require \"bad\"\n" + script("module"))
        try write("a/backends/parse.lua", "\nlocal x = require \"worse\"\n" + script("parse"))
        try write("a/lib/left.lua", "return require \"right\"")
        try write("a/lib/right.lua", "return require \"left\"")
        try write("a/backends/circle.lua", "local x = require \"left\"\n" + script("circle"))
        let bad = try await overlays("check", "--overlay", "\(place.path)/a")
        #expect(bad.code == 1)
        for words in [
            "syntax: syntax.lua:2:", "twice: ", "duplicate_name twice: ",
            "lost: ", "lost.lua:1: require \"nowhere\": there is no \(place.path)/a/lib/nowhere.lua",
            "module: lib/bad.lua:2: ", "return x.y.z", "trace     lib/bad.lua:2 < module.lua:1",
            "parse: parse.lua:2: require \"worse\": lib/worse.lua:1: ",
            "circle: lib/right.lua:1: module \"left\" requires itself",
        ] { #expect(bad.output.contains(words), "\(words) is not in:\n\(bad.output)") }
        #expect(!bad.output.contains("fine: "))
        let one = try await overlays("check", "fine", "--overlay", "\(place.path)/a")
        #expect(one.code == 0)
        let json = try object(try await overlays("check", "--json", "--overlay", "\(place.path)/a"))
        #expect((json["errors"] as? [[String: Any]])?.count == 6)
        let missing = try await overlays("check", "--overlay", "\(place.path)/none")
        let notice = "notice: skipping overlay \(place.path)/none: there is no such directory\n"
        #expect(missing.code == 0 && missing.output.contains(notice), "\(missing.output)")
        let serve = try await ProgramRun.run(
            TestMachine.host,
            ["--backend=mine", "--base-dir", "\(place.path)/base", "--overlay", "\(place.path)/none"]
        )
        #expect(serve.code == 2)
        let available = TestMachine.shippedBackends.joined(separator: ", ")
        #expect(
            serve.error.contains("unknown backend \"mine\"; available: \(available)\n  \(notice)"),
            "\(serve.error)"
        )
    }

    @Test("the operator's settings of a script are checked against what it declares, and reach its verbs typed")
    func scriptSettings() async throws {
        let declared = """
            config = {
              platform = { type = "string", default = "kvm", one_of = { "kvm", "systrap" } },
              size = { type = "integer", min = 1, max = 9 },
              fast = { type = "boolean", default = false },
            },
            """
        try write("a/tuned.lua", script("tuned", declared))
        let file = "\(place.path)/substrate.yaml"
        func check(_ config: String) async throws -> ProgramRun {
            try write("substrate.yaml", "overlays: { sources: [a] }\nbackends: { tuned: { config: \(config) } }\n")
            return try await overlays("check", "--config", file)
        }
        let bad = try await check("{ platfrom: kvm, fast: yes, size: 10 }")
        #expect(bad.code == 1)
        let path = "tuned: backends.tuned.config"
        #expect(bad.output.contains("\(path).fast is \"yes\"; write true or false\n"), "\(bad.output)")
        #expect(bad.output.contains("\(path).platfrom is no setting of the script; did you mean platform?\n"))
        #expect(bad.output.contains("\(path).size is \"10\"; write a whole number from 1 to 9\n"))
        let none = try await check("{ platform: ptrace }")
        #expect(none.output.contains("\(path).platform is \"ptrace\"; write one of \"kvm\", \"systrap\"\n"))
        #expect(none.output.contains("\(path).size is missing and has no default; write a whole number from 1 to 9\n"))
        let good = try await check("{ size: 4, platform: systrap }")
        #expect(good.code == 0, "\(good.output)")
        try write("substrate.yaml", "backends: { nobody: { grants: [asset] } }\n")
        let unknown = try await overlays("check", "--config", file)
        #expect(
            unknown.code == 1 && unknown.output.contains("\(file):1: backends.nobody: there is no backend of that name")
        )
    }

    @Test("C10a: a broken winner is refused with its cause, never replaced by what it shadows; the others serve")
    func brokenWinner() async throws {
        try write("a/backends/process.lua", "return {\n\n  = }")
        let serve = try await ProgramRun.run(
            TestMachine.host,
            ["--backend=process", "--base-dir", "\(place.path)/base", "--overlay", "\(place.path)/a"]
        )
        #expect(serve.code == 2)
        #expect(serve.error.contains("process.lua:3:"), "\(serve.error)")
        try write("a/backends/other.lua", script("other"))
        let listed = try await ProgramRun.run(TestMachine.host, ["backends", "--json", "--overlay", "\(place.path)/a"])
        let states = try #require(try JSONSerialization.jsonObject(with: Data(listed.output.utf8)) as? [[String: Any]])
        let named = Dictionary(states.map { ($0["name"] as? String ?? "", $0["state"] as? String ?? "") }) { $1 }
        #expect(Set(named.keys) == Set(TestMachine.shippedBackends + ["other"]), "\(listed.output)")
        #expect(named.filter { $0.value != "ok" } == ["process": "broken"], "\(listed.output)")
    }
}
