import PluginProtocol
import Testing

/// The whole tree of what a script can name, compared with the list of what it may.
@Suite struct GlobalsTests {
    /// Every name that Lua 5.4 has in its libraries, and ours: whatever is offered is one of these.
    private static let libraries: [(name: String, offered: [String], absent: [String])] = [
        (
            "string",
            [
                "byte", "char", "find", "format", "gmatch", "gsub", "len", "lower", "match", "pack", "packsize", "rep",
                "reverse", "sub", "unpack", "upper",
            ], ["dump"]
        ),
        ("table", ["concat", "insert", "move", "pack", "remove", "sort", "unpack"], ["getn", "maxn", "foreach"]),
        (
            "math",
            [
                "abs", "acos", "asin", "atan", "ceil", "cos", "deg", "exp", "floor", "fmod", "huge", "log", "max",
                "maxinteger", "min", "mininteger", "modf", "pi", "rad", "sin", "sqrt", "tan", "tointeger", "type",
                "ult",
            ], ["random", "randomseed", "pow", "cosh", "sinh", "tanh", "frexp", "ldexp", "log10"]
        ),
        ("utf8", ["char", "charpattern", "codepoint", "codes", "len", "offset"], []),
        ("json", ["decode", "encode", "null", "object"], []),
    ]
    private static let globals = [
        "_G", "_VERSION", "assert", "error", "getmetatable", "ipairs", "json", "math", "next", "pairs", "pcall",
        "print", "rawequal", "rawget", "rawlen", "rawset", "require", "select", "setmetatable", "string", "table",
        "tonumber", "tostring", "try", "type", "utf8", "xpcall",
    ]

    /// Lua that collects the names of the globals, then of each library, in one text.
    private static var walk: String {
        let candidates = libraries.map { library in
            "\(library.name) = { \((library.offered + library.absent).map { "\"\($0)\"" }.joined(separator: ", ")) }"
        }
        return """
            local function walk()
              local names = {}
              for name in next, _G do names[#names + 1] = name end
              table.sort(names)
              local lines = { table.concat(names, " ") }
              local candidates = { \(candidates.joined(separator: ", ")) }
              for _, library in ipairs { "string", "table", "math", "utf8", "json" } do
                local found = {}
                for _, name in ipairs(candidates[library]) do
                  if _G[library][name] ~= nil then found[#found + 1] = name end
                end
                for name in next, _G[library] do found[#found + 1] = "raw " .. name end
                lines[#lines + 1] = library .. ": " .. table.concat(found, " ")
              end
              return table.concat(lines, "\\n")
            end
            """
    }

    private static func expected(_ more: [String]) -> String {
        ([(globals + more).sorted().joined(separator: " ")]
            + libraries.map { "\($0.name): \($0.offered.joined(separator: " "))" }).joined(separator: "\n")
    }

    @Test func inAVerb() throws {
        let source = """
            \(Self.walk)
            return { name = "x", api = 1, isolation = "none", stop = function() return "ok" end,
              run = function() return "ok", { state = { text = walk() } } end }
            """
        let (_, result) = try ScriptFixture.answer(source: source)
        #expect(result == .map(["state": .map(["text": .text(Self.expected(["host"]))])]))
    }

    @Test func whileTheFileLoads() throws {
        let source = """
            \(Self.walk)
            local text = walk()
            return { name = "x", api = 1, isolation = "none", stop = function() return "ok" end,
              run = function() return "ok", { state = { text = text } } end }
            """
        let (_, result) = try ScriptFixture.answer(source: source)
        #expect(result == .map(["state": .map(["text": .text(Self.expected([]))])]))
    }

    @Test func methodsOfStringsAreTheLibrarysAndStayThat() throws {
        let (_, result) = try ScriptFixture.answer(
            """
                rawset(string, "rep", function() return "mine" end)
                local meta = getmetatable("")
                local dump = pcall(function() return ("x").dump() end)
                return "ok", { state = { rep = ("x"):rep(2), meta = tostring(meta), dump = dump } }
            """
        )
        #expect(
            result == .map(["state": .map(["rep": .text("xx"), "meta": .text("nil"), "dump": .boolean(false)])])
        )
    }
}
