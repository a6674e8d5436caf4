import PluginProtocol
import Testing

/// `json.encode`, `json.decode` and `json.object`, in a supervisor.
@Suite struct JSONTests {
    /// What `expression` is, as the text that the verb keeps in its state.
    private func text(_ expression: String) throws -> String {
        let (status, result) = try ScriptFixture.answer("    return \"ok\", { state = { text = \(expression) } }")
        guard status == "ok", case .map(let fields) = result, case .map(let state)? = fields["state"],
            case .text(let text)? = state["text"]
        else { return "\(status) \(result)" }
        return text
    }

    @Test(arguments: [
        ("{}", "[]"), ("json.object {}", "{}"), ("json.object { b = 1, a = \"x\" }", "{\"a\":\"x\",\"b\":1}"),
        ("{ b = {}, a = json.object {} }", "{\"a\":{},\"b\":[]}"), ("{ 1, -2, true, false }", "[1,-2,true,false]"),
        ("{ json.null, 1 }", "[null,1]"), ("nil", "null"), ("1.5", "1.5"), ("2.0", "2.0"),
        ("2^53", "9007199254740992.0"),
        ("0.1", "0.1"), ("1e300", "1e+300"), ("math.mininteger", "-9223372036854775808"),
        ("\"a\\\"\\\\\\n\\0\\1\\u{e9}\"", "\"a\\\"\\\\\\n\\u0000\\u0001é\""), ("actor.dirs", "{\"work\":\"/w\"}"),
    ])
    func encodes(_ value: String, _ expected: String) throws {
        #expect(try text("json.encode(\(value))") == expected)
    }

    @Test(arguments: [
        "{}", "[]", "{\"a\":[1,{\"b\":2.5}],\"c\":{}}", "[null,true]", "\"\\u0000é😀\"", "-1", "1.0", "[[],[[]]]",
    ])
    func whatIsReadIsWrittenTheSame(_ json: String) throws {
        let quoted = json.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"")
        #expect(try text("json.encode(try(json.decode(\"\(quoted)\")))") == json)
    }

    @Test func whatOthersWroteIsRead() throws {
        #expect(
            try text("json.encode(try(json.decode(' { \"a\" : null , \"b\" : [ 1e2 ] }\\n')))") == "{\"b\":[100.0]}"
        )
        #expect(try text("try(json.decode('\"\\\\ud83d\\\\ude00\\\\/\\\\t\"'))") == "😀/\t")
        #expect(try text("tostring(try(json.decode('[null]'))[1] == json.null)") == "true")
        #expect(try text("math.type(try(json.decode('9223372036854775808')))") == "float")
    }

    @Test(arguments: [
        ("", "an end where a value belongs"), ("{", "no name where one belongs"), ("[1", "a list that does not end"),
        ("{\"a\" 1}", "no colon after a name"), ("{\"a\":1", "an object that does not end"),
        ("01", "a number that is none"),
        ("1.", "a number that is none"), ("-", "a number that is none"), ("1e999", "a number that is too large"),
        ("[1] 2", "more after the value"), ("nul", "something that is no value"), ("\"", "a string that does not end"),
        ("\"\\\\x\"", "an escape that is none"), ("\"\\\\ud800\"", "half of a surrogate pair"),
        ("\"\\xff\"", "bytes that are not UTF-8"),
    ])
    func whatIsNoJSONIsAStatus(_ json: String, _ words: String) throws {
        let (status, result) = try ScriptFixture.answer("    try(json.decode('\(json)')) return \"ok\"")
        #expect(status == "failed")
        guard case .text(let reason) = result else { return #expect(Bool(false), "\(result)") }
        #expect(reason.hasPrefix("JSON: \(words) at byte "), "\(reason)")
    }

    @Test func deepTextIsAStatus() throws {
        let (status, _) = try ScriptFixture.answer("    try(json.decode((\"[\"):rep(40))) return \"ok\"")
        #expect(status == "failed")
    }

    @Test(arguments: [
        ("json.encode(print)", "api.type", "json.encode: a function is no JSON"),
        ("json.encode({ actor.processes.web })", "api.type", "json.encode: a process is no JSON"),
        ("json.encode({ 1, nil, 3 })", "api.type", "json.encode: a list has a hole"),
        ("json.encode({ 1, a = 2 })", "api.type", "json.encode: a table has both names and positions"),
        ("json.encode(0 / 0)", "api.type", "json.encode: a number is not finite"),
        ("json.encode(\"\\xff\")", "api.text", "json.encode: a string is not text"),
        ("json.encode(json.object { 1 })", "api.type", "json.encode: an object has positions"),
        ("json.encode()", "api.type", "json.encode takes one value, got 0"),
        ("json.decode(1)", "api.type", "json.decode takes one string, got number"),
        ("json.object(1)", "api.type", "json.object takes one table, got number"),
        ("json.encode((\"x\"):rep(1 << 20))", "api.limit", "json.encode: a text over 1 MiB"),
        ("(function() local t = {} t[1] = t return json.encode(t) end)()", "api.limit", "nested deeper than 32"),
        ("rawset(json, \"encode\", nil) and json.encode(print)", "api.type", "json.encode: a function is no JSON"),
    ])
    func aWrongCallIsATrap(_ expression: String, _ code: String, _ words: String) throws {
        let trap = try ScriptFixture.trap("    local _ = \(expression) return \"ok\"")
        #expect(trap.code == code)
        #expect(trap.message.contains(words), "\(trap.message)")
        #expect(trap.message.hasPrefix("x.lua:7: "), "\(trap.message)")
    }
}
