import Foundation
import TestSupport
import Testing

@testable import PluginAuthoring

/// What is seen in a script's text.
@Suite struct LintTests {
    private static func dropped(_ text: String) -> [String] {
        ScriptLint(Array(text.utf8)).ignoredStatuses().map { "\($0.line) \($0.message.prefix { $0 != ":" })" }
    }

    @Test(arguments: [
        ("host.process.wait { p }", "1 the status of process.wait is never read"),
        ("f()\nhost.process.wait { p }\n", "2 the status of process.wait is never read"),
        ("if x then host.file.write(a, b) end", "1 the status of file.write is never read"),
        ("local p = 1 host.process.stop(p)", "1 the status of process.stop is never read"),
        ("local status, p = host.process.start { program = x }\nreturn p", "1 \"status\" is never read"),
        ("local s = host.process.wait(p) if y then return s2 end", "1 \"s\" is never read"),
        ("if a then local s = host.process.wait(p) else print(s) end", "1 \"s\" is never read"),
        ("-- [[ x\nhost . clock . sleep ( 5 )", "2 the status of clock.sleep is never read"),
    ])
    func aDroppedStatusIsFound(_ text: String, _ expected: String) { #expect(Self.dropped(text) == [expected]) }

    @Test(arguments: [
        "try(host.process.wait { p })", "return host.process.stop(p)", "local s = host.process.wait(p) return s",
        "local s = host.process.wait(p)\nrepeat x() until s == 'ok'", "status = host.process.wait(p)",
        "local _ = host.process.wait(p)", "x(host.process.wait(p))", "t = { host.process.wait(p) }",
        "host.clock.left()",
        "if host.process.wait(p) == 'ok' then end", "local f = host.process.wait",
        "local s, r = 1, host.process.wait(p)",
        "-- host.process.wait(p)", "--[[ host.process.wait(p) ]]", "x = 'host.process.wait(p)'",
        "x = [==[ host.process.wait(p) ]] ]==]", "local ok = x and host.process.wait(p)",
        "a = b == host.process.wait(p)",
        "for _, s in f, host.process.wait(p) do end", "my.host.process.wait(p)",
        "local s = host.process.wait(p) local function g() return s end",
    ])
    func nothingElseIsBlamed(_ text: String) { #expect(Self.dropped(text) == []) }

    @Test func whatIsCalledAndNotNeededIsAMistakeWithItsMend() {
        let lint = ScriptLint(
            Array("return {\n needs = { \"clock.left\" },\n run = host.process.spawn,\n x = host.clock.sleep }".utf8)
        )
        let found = lint.mistakes(needs: ["clock.left"])
        #expect(found.map(\.message) == ["host.process.spawn does not exist", "host.clock.sleep is not in needs"])
        #expect(found[1].mend == "add \"clock.sleep\" to needs (line 2); plugin check --fix does it")
        #expect(found[1].need == "clock.sleep")
        #expect(ScriptLint(Array("local host = x; host.process.spawn()".utf8)).mistakes(needs: []).isEmpty)
    }

    @Test(arguments: [
        ("return { api = 1,\n needs = {} }", "return { api = 1,\n needs = { \"a.b\" } }"),
        ("return { needs = { \"x\" } }", "return { needs = { \"x\", \"a.b\" } }"),
        ("return { needs = {\n  \"x\",\n} }", "return { needs = {\n  \"x\", \"a.b\"\n} }"),
        (
            "return { name = \"n\", api = 1, run = f }",
            "return { name = \"n\", api = 1,\n  needs = { \"a.b\" }, run = f }"
        ),
    ])
    func aMissingNeedIsAdded(_ text: String, _ expected: String) throws {
        let fixed = try #require(ScriptLint(Array(text.utf8)).adding(["a.b"], to: Array(text.utf8)))
        #expect(String(decoding: fixed, as: UTF8.self) == expected)
    }

    @Test func whereNeedsCannotStandNothingIsWritten() {
        let text = Array("return make()".utf8)
        #expect(ScriptLint(text).adding(["a.b"], to: text) == nil)
    }

    @Test func shippedScriptsAreClean() throws {
        let plugins = "\(TestMachine.checkout)/plugins"
        for name in try FileManager.default.contentsOfDirectory(atPath: plugins) {
            let source = try Data(contentsOf: URL(fileURLWithPath: "\(plugins)/\(name)/backend.lua"))
            #expect(ScriptLint(Array(source)).ignoredStatuses() == [], "\(name)")
        }
    }

    @Test func anyBytesAreReadToTheirEnd() {
        for text in [
            "\"", "'\\", "[[", "[==[", "--[[", "\"\\\n", "0x.", "host.", "local s = host.process.wait(", "\u{0}é",
        ] {
            let lint = ScriptLint(Array(text.utf8))
            #expect(lint.ignoredStatuses() == [] && lint.mistakes(needs: []).count <= 1)
        }
    }

    @Test(arguments: [("Bwrap!", "bwrap"), ("9a", "a"), ("!", ""), ("Ähm", "hm"), ("a_b", "ab")])
    func aBadNameIsMended(_ name: String, _ better: String) { #expect(Scaffold.better(than: name) == better) }

    @Test(arguments: ["a", "bwrap", "a-9"]) func aGoodNameIsKept(_ name: String) {
        #expect(Scaffold.better(than: name) == nil)
    }
}
