import PluginProtocol
import Testing

/// What verbs may answer, and how values cross the bridge, both ways.
@Suite struct AnswerTests {
    @Test(arguments: [
        ("run", "return \"ok\", { state = { vm = { socket = print } } }", "state.vm.socket is a function"),
        ("run", "return \"ok\", { state = { p = actor.processes.web } }", "state.p is a process"),
        ("run", "return \"ok\", { state = { a = 0 / 0 } }", "state.a is "),
        ("run", "return \"ok\", { state = { a = \"\\xff\" } }", "state.a is not valid UTF-8"),
        ("run", "return \"ok\", { state = {{{{{{{{{}}}}}}}}} }", "is nested deeper than 8"),
        ("run", "return \"ok\", { state = { a = (\"x\"):rep(65530) } }", "state has 65538 bytes as JSON"),
        ("run", "return \"ok\", { address = \"10.0.0.1\" }", "run answered an address, and network is \"namespace\""),
        ("run", "return \"fine\"", "run answered \"fine\", which is no status"),
        ("run", "return", "run answered nothing first"),
        ("run", "return \"failed\", {}", "run: the reason is a table"),
        ("run", "return \"ok\", \"x\"", "run answered a string as its result"),
        ("stop", "return \"ok\", { state = {} }", "stop answered a field \"state\""),
        ("checkpoint", "return \"ok\", { held = 1 }", "checkpoint: held is an integer"),
        ("exec", "return \"ok\"", "exec answered no process"),
        ("exec", "return \"ok\", { process = \"p\" }", "exec: process is a string"),
        ("stats", "return \"ok\", { memory_bytes = 1, cpu_ns = 1 }", "stats answered no pids"),
        ("stats", "return \"ok\", { memory_bytes = -1, cpu_ns = 1, pids = 1 }", "stats: memory_bytes is an integer"),
        ("recover", "return \"ok\", { alive = true }", "recover answered a field \"alive\""),
        ("probe", "return \"ok\", { valid_ms = 0 }", "probe: valid_ms is an integer"),
        ("probe", "return \"ok\", { without = { full = 1 } }", "probe: without.full is an integer"),
        ("prepare", "return \"ok\", { prepared = 1 }", "prepare: prepared is an integer"),
    ])
    func aShapeThatIsNoneIsATrap(_ verb: String, _ body: String, _ words: String) throws {
        let trap = try ScriptFixture.trap("    \(body)", verb: verb)
        #expect(trap.code == "verb.result")
        #expect(trap.message.hasPrefix("x.lua:7: "), "\(trap.message)")
        #expect(trap.message.contains(words), "\(trap.message)")
    }

    @Test(arguments: [
        ("run", "return \"ok\", { state = { a = { 1, true, \"x\", 1.5 } } }"),
        ("checkpoint", "return \"ok\", { volumes_saved = true, held = false }"),
        ("exec", "return \"ok\", { process = actor.processes.web }"),
        ("stats", "return \"ok\", { memory_bytes = 1, cpu_ns = 2, pids = 3 }"),
        ("recover", "return \"not_running\", \"it is gone\""),
        ("probe", "return \"ok\", { probed = { a = 1 }, valid_ms = 5, without = { full = \"why\" } }"),
        ("prepare", "return \"ok\", { prepared = { n = 1 } }"),
        ("stop", "return \"ok\", {}"),
    ])
    func aShapeThatIsOneIsAnswered(_ verb: String, _ body: String) throws {
        let fixture = try ScriptFixture(ScriptFixture.source("    \(body)", verb: verb))
        try fixture.begin(verb)
        let frame = try fixture.next()
        guard case .answer = frame else { return #expect(Bool(false), "\(frame)") }
    }

    @Test func addressesAreReadWithoutAResolver() throws {
        for good in ["10.0.0.1", "::", "::1", "fe80::1:2", "1:2:3:4:5:6:7:8", "::ffff:1.2.3.4", "1::8"] {
            let result = PluginValue.map(["address": .text(good)])
            #expect(throws: Never.self, "\(good)") {
                try AnswerCheck.check("ok", result, verb: "run", network: "backend")
            }
        }
        for bad in [
            "", "10.0.0.1:80", "10.0.0", "256.1.1.1", "01.1.1.1", "host", "[::1]", "1:2:3", "::1::", "12345::",
            "::1%lo",
        ] {
            let result = PluginValue.map(["address": .text(bad)])
            #expect(throws: ArgumentFault.self, "\(bad)") {
                try AnswerCheck.check("ok", result, verb: "run", network: "backend")
            }
        }
        #expect(throws: ArgumentFault.self) { try AnswerCheck.check("ok", .null, verb: "run", network: "backend") }
    }

    @Test func everyByteCrossesBothWays() throws {
        let body = """
                local all = {}
                for i = 0, 255 do all[#all + 1] = string.char(i) end
                local bytes = table.concat(all)
                local status, answer = host.http.request { socket = "/s", path = "/", method = "PUT", body = bytes }
                assert(status == "ok" and answer.code == 200 and answer.body == bytes, "the bytes are others")
                return "ok"
            """
        let fixture = try ScriptFixture(ScriptFixture.source(body, needs: "\"http.request\""))
        try fixture.begin()
        guard case .call("http.request@1", .map(let fields), _) = try fixture.next() else { throw CancellationError() }
        #expect(fields["body"] == .bytes(Array(0...255)))
        let answer = PluginValue.map(["code": .integer(200), "body": .bytes(Array(0...255))])
        try fixture.supervisor.send(.reply(ReplyFrame(status: "ok", values: [answer])))
        #expect(try fixture.next() == .answer(status: "ok", result: .null))
    }

    @Test func aMebibyteIsWrittenWholeAndOneMoreByteIsRefused() throws {
        let write =
            "    host.file.write(\"/f\", (\"x\"):rep(1 << 20))\n    host.file.write(\"/f\", (\"x\"):rep(1 << 20) .. \"y\")"
        let fixture = try ScriptFixture(ScriptFixture.source(write, needs: "\"file.write\""))
        try fixture.begin()
        guard case .call("file.write@1", .map(let fields), 7) = try fixture.next() else { throw CancellationError() }
        #expect(fields["bytes"] == .text(String(repeating: "x", count: 1 << 20)))
        try fixture.supervisor.send(.reply(ReplyFrame(status: "ok", values: [])))
        guard case .trap(let trap) = try fixture.next() else { throw CancellationError() }
        #expect(trap.code == "api.limit")
        #expect(trap.message.hasPrefix("x.lua:8: file.write: bytes has 1048577 bytes\n"), "\(trap.message)")
    }

    @Test func aFunctionThatCannotFailAnswersNoStatus() throws {
        let fixture = try ScriptFixture(
            ScriptFixture.source("    assert(host.clock.left() == 41)\n    return \"ok\"", needs: "\"clock.left\"")
        )
        try fixture.begin()
        guard case .call("clock.left@1", .map(let none), _) = try fixture.next() else { throw CancellationError() }
        #expect(none.isEmpty)
        try fixture.supervisor.send(.reply(ReplyFrame(status: "", values: [.integer(41)])))
        #expect(try fixture.next() == .answer(status: "ok", result: .null))
    }
}
