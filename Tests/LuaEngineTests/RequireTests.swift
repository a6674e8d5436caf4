import PluginProtocol
import Testing

@Suite("require finds the modules that the host sent, and nothing else")
struct RequireTests {
    private var soon: ContinuousClock.Instant { .now + .seconds(20) }

    /// What a supervisor answers to modules and a script, in the file `x.lua`.
    private func load(_ modules: [(String, String)], _ script: String) throws -> (SupervisorProcess, SupervisorFrame) {
        let supervisor = try SupervisorProcess()
        for (name, text) in modules { try supervisor.send(.library(name: name, source: Array(text.utf8))) }
        try supervisor.send(.load(name: "x", file: "x.lua", source: Array(script.utf8)))
        return (supervisor, try supervisor.receive(until: soon))
    }

    private func script(_ run: String) -> String {
        "return { name = \"x\", api = 1, isolation = \"none\", stop = function() end, run = function() \(run) end }"
    }

    private func trap(_ modules: [(String, String)], _ script: String) throws -> String {
        guard case .trap(let trap) = try load(modules, script).1 else { throw CancellationError() }
        return trap.message
    }

    @Test("a module is loaded once, through others too, and its functions serve in a verb")
    func modules() throws {
        let (supervisor, answer) = try load(
            [
                ("a", "local b = require \"b\"\nb.count = b.count + 1\nreturn { b = b }"),
                ("b", "return { count = 0, say = function() return \"from b\" end }"), ("empty", ""),
            ],
            "local a, b, t = require \"a\", require(\"b\"), require \"empty\"\n"
                + script("return \"failed\", b.say() .. a.b.count .. tostring(t) .. tostring(require \"a\" == a)")
        )
        guard case .descriptor = answer else {
            Issue.record("it did not load: \(answer)")
            return
        }
        try supervisor.send(
            .verb(name: "run", actor: .map([:]), request: .map([:]), functions: [], deadlineMilliseconds: 5000)
        )
        let result = try supervisor.receive(until: soon)
        #expect(result == .answer(status: "failed", result: .text("from b1truetrue")))
    }

    @Test("a mistake in a module is shown with the module's line and text")
    func mistakes() throws {
        let raised = try trap(
            [("m", "local x = 1\nlocal y = x.y.z\nreturn y")],
            "local m = require \"m\"\n" + script("")
        )
        #expect(raised.hasPrefix("lib/m.lua:2: "), "\(raised)")
        #expect(raised.contains("    2 | local y = x.y.z\n"))
        #expect(raised.contains("trace     lib/m.lua:2 < x.lua:1"))
        let syntax = try trap([("m", "return = 1")], "\nlocal m = require \"m\"\n" + script(""))
        #expect(syntax.hasPrefix("x.lua:2: require \"m\": lib/m.lua:1: "), "\(syntax)")
        let circle = try trap([("m", "return require \"m\"")], "local m = require \"m\"\n" + script(""))
        #expect(circle.contains("module \"m\" requires itself"), "\(circle)")
        let spun = try trap([("m", "\nwhile true do\nend")], "local m = require \"m\"\n" + script(""))
        #expect(spun.hasPrefix("lib/m.lua:2: "), "\(spun)")
        #expect(
            try trap([("m", "return host.process")], "local m = require \"m\"\n" + script("")).hasPrefix(
                "lib/m.lua:1: "
            )
        )
        let binary = try trap([("m", "\u{1B}Lua")], "local m = require \"m\"\n" + script(""))
        #expect(binary.contains("attempt to load a binary chunk"), "\(binary)")
    }

    @Test("what was not sent is not there, and a computed name finds no more than a written one")
    func absent() throws {
        let missing = try trap([("m", "return 1")], "local m = require(\"m\" .. \"\\0n\")\n" + script(""))
        #expect(missing.hasPrefix("x.lua:1: there is no module"), "\(missing)")
        #expect(try trap([], "local m = require(3)\n" + script("")).contains("require takes one string"))
    }

    @Test("the frame of a module survives its way")
    func frame() throws {
        let frame = HostFrame.library(name: "m", source: [0, 255, 10])
        var buffer = FrameBuffer()
        buffer.append(frame.encoded())
        let read = try #require(try buffer.next())
        #expect(try HostFrame.decode(kind: read.kind, payload: read.payload) == frame)
        #expect(throws: FrameError.self) {
            try HostFrame.decode(kind: read.kind, payload: read.payload.dropLast() + [])
        }
    }
}
