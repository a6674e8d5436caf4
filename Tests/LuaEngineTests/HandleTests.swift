import PluginProtocol
import Testing

/// What a script can do with a handle: name it in a message, and tie it to a block.
@Suite struct HandleTests {
    private static let web = PluginHandle(index: 4, generation: 2)

    @Test func aHandleHasANameAndNoAddress() throws {
        let (_, result) = try ScriptFixture.answer(
            """
                local p = actor.processes.web
                return "ok", { state = { a = tostring(p), b = ("%s"):format(p), c = type(p), d = tostring(json.null) } }
            """
        )
        let name = PluginValue.text("handle<process:4.2>")
        #expect(
            result == .map(["state": .map(["a": name, "b": name, "c": .text("userdata"), "d": .text("null")])])
        )
    }

    @Test func luasOwnErrorsCallItAProcess() throws {
        let trap = try ScriptFixture.trap("    return actor.processes.web.pid")
        #expect(trap.code == "script.error")
        #expect(trap.message.contains("attempt to index a process value (field 'web')"), "\(trap.message)")
    }

    @Test(arguments: [
        "do local p <close> = actor.processes.web end return \"ok\"",
        "pcall(function() local p <close> = actor.processes.web error(\"x\") end) return \"ok\"",
        "local function f() local p <close> = actor.processes.web return 1 end f() return \"ok\"",
    ])
    func theEndOfItsBlockIsTold(_ body: String) throws {
        let fixture = try ScriptFixture(ScriptFixture.source("    \(body)"))
        try fixture.begin()
        #expect(try fixture.next() == .release(Self.web, line: 7))
        // The script waits: what comes after the block may need the program gone.
        try fixture.supervisor.send(.reply(ReplyFrame(status: "", values: [])))
        #expect(try fixture.next() == .answer(status: "ok", result: .null))
    }

    @Test func aVerbThatTryEndsReleasesNothing() throws {
        // The host ends what is left; nothing may depend on the script running to its end.
        let (status, _) = try ScriptFixture.answer(
            "    local p <close> = actor.processes.web try(\"busy\", \"later\") return \"ok\""
        )
        #expect(status == "busy")
    }

    @Test func nothingOfAScriptsOwnPassesForOne() throws {
        let trap = try ScriptFixture.trap(
            "    local p <close> = setmetatable({}, { __close = true, __name = \"process\" }) return \"ok\""
        )
        #expect(trap.code == "script.error")
        let mine = try ScriptFixture.answer(
            "    return \"ok\", { state = { t = tostring(setmetatable({}, { __name = \"process\" })) } }"
        )
        #expect(mine.result == .map(["state": .map(["t": .text("table")])]))
    }
}
