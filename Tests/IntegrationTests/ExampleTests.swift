import Foundation
import Glibc
import SystemLayer
import TestSupport
import Testing

@Suite("the examples, and what the documents say of the language")
struct ExampleTests {
    private static let examples = "\(TestMachine.checkout)/examples"

    private func plugin(_ arguments: String...) async throws -> ProgramRun {
        try await ProgramRun.run(TestMachine.host, ["plugin"] + arguments)
    }

    @Test(
        "each passes check and its own tests",
        arguments: ["hello", "chroot", "bwrap", "overlay/backends/greeter"]
    )
    func tests(_ name: String) async throws {
        let checked = try await plugin("check", "\(Self.examples)/\(name)")
        #expect(checked.code == 0, "\(checked.output)\(checked.error)")
        #expect(!checked.output.contains("warnings"), "\(checked.output)")
        let tested = try await plugin("test", "\(Self.examples)/\(name)")
        #expect(tested.code == 0, "\(tested.output)\(tested.error)")
        #expect(tested.output.contains(" 0 failed"))
    }

    @Test("every recipe of the cookbook passes check, and the tests below it")
    func cookbook() async throws {
        let scratch = try ScratchDirectory("cookbook")
        let scripts = try Pages.scripts("cookbook.md")
        #expect(scripts.map(\.name) == ["boxed", "monitor", "warm", "shell"])
        #expect(scripts.filter { $0.test != nil }.map(\.name) == ["boxed", "shell"])
        for script in scripts {
            let folder = "\(scratch.path)/\(script.name)"
            try DirectoryTree.make(folder, mode: 0o755)
            try script.text.write(toFile: "\(folder)/backend.lua", atomically: false, encoding: .utf8)
            let checked = try await plugin("check", folder)
            #expect(checked.code == 0, "\(script.name): \(checked.output)\(checked.error)")
            #expect(!checked.output.contains("warnings"), "\(script.name): \(checked.output)")
            guard let test = script.test else { continue }
            try test.write(toFile: "\(folder)/backend_test.lua", atomically: false, encoding: .utf8)
            let tested = try await plugin("test", folder)
            #expect(tested.code == 0, "\(script.name): \(tested.output)\(tested.error)")
        }
    }

    @Test(
        "luacheck finds nothing in the examples and in the documents' scripts",
        .enabled(if: TestMachine.needs("/usr/bin/luacheck"))
    )
    func luacheck() async throws {
        let scratch = try ScratchDirectory("luacheck")
        var paths = [Self.examples]
        for page in ["cookbook.md", "tutorial.md"] {
            for block in try Pages.blocks(page) where block.words.first == "lua" {
                // A linter knows the tests by their file's name.
                let isTest = block.text.contains("\ntest(\"")
                let path = "\(scratch.path)/\(page.prefix(4))_\(block.line)\(isTest ? "_test" : "").lua"
                try block.text.write(toFile: path, atomically: false, encoding: .utf8)
                paths.append(path)
            }
        }
        #expect(paths.count > 8)
        let settings = "\(TestMachine.checkout)/.luacheckrc"
        let options = ["--no-color", "--config", settings, "--read-globals", "test", "--"]
        let run = try await ProgramRun.run("/usr/bin/luacheck", options + paths)
        #expect(run.code == 0, "\(run.output)\(run.error)")
    }

    @Test("no line of the documents is longer than 120, but for tables and commands")
    func width() throws {
        for page in ["tutorial.md", "cookbook.md", "sandbox.md"] {
            for line in try Pages.text(page).split(separator: "\n") where !line.hasPrefix("|") && !line.hasPrefix("$ ")
            {
                #expect(line.count <= 120, "\(page): \(line)")
            }
        }
    }

    @Test("the sandbox has the names that the page lists, and no other of the language's")
    func allowList() async throws {
        let page = try Pages.text("sandbox.md")
        let libraries = ["string", "table", "math", "utf8"]
        func words(_ text: some StringProtocol) -> [String] {
            String(text).matches(of: /`([A-Za-z_.0-9]+)`/).map { String($0.1) }
        }
        let names = try #require(
            page.split(separator: "## The names").dropFirst().first?.split(separator: "## What").first
        )
        var base: [String] = libraries
        var members: [String: [String]] = [:]
        for line in names.split(separator: "\n") {
            let cells = line.split(separator: "|").map(String.init)
            if cells.count == 1, line.hasPrefix("`assert`") { base += words(line) }
            guard cells.count == 2 || cells.count == 3, let head = cells.first else { continue }
            let heads = words(head)
            if let library = heads.first, libraries.contains(library), heads.count == 1 {
                members[library] = words(cells[1])
            } else {
                base += heads
            }
        }
        let absent = try #require(
            page.split(separator: "## What is absent").dropFirst().first?.split(separator: "## While").first
        )
        let rows = absent.split(separator: "\n").filter { $0.hasPrefix("|") }
        let gone = rows.flatMap { $0.split(separator: "|").first.map { words($0) } ?? [] }
        try #require(base.count > 25 && members.count == 4 && gone.count > 10)
        func list(_ texts: [String]) -> String { "{ " + texts.map { "\"\($0)\"" }.joined(separator: ", ") + " }" }
        let known = members.map { "\($0.key) = \(list($0.value))" }.joined(separator: ", ")
        let test = """
            local function set(list) local s = {} for _, n in ipairs(list) do s[n] = true end return s end
            local base, members, gone = \(list(base)), { \(known) }, \(list(gone))
            -- Every name that Lua 5.4 and its libraries have ever had, compatibility with older ones included.
            local all = {
              string = { "byte", "char", "dump", "find", "format", "gfind", "gmatch", "gsub", "len", "lower", "match",
                "pack", "packsize", "rep", "reverse", "sub", "unpack", "upper" },
              table = { "concat", "foreach", "foreachi", "getn", "insert", "maxn", "move", "pack", "remove", "setn",
                "sort", "unpack" },
              math = { "abs", "acos", "asin", "atan", "atan2", "ceil", "cos", "cosh", "deg", "exp", "floor", "fmod",
                "frexp", "huge", "ldexp", "log", "log10", "max", "maxinteger", "min", "mininteger", "mod", "modf", "pi",
                "pow", "rad", "random", "randomseed", "sin", "sinh", "sqrt", "tan", "tanh", "tointeger", "type", "ult" },
              utf8 = { "char", "charpattern", "codepoint", "codes", "len", "offset" },
            }
            test("names", function(t)
              local listed = set(base)
              for name in pairs(_G) do
                if name ~= "test" then t:equal({ name, listed[name] }, { name, true }) end
              end
              for _, name in ipairs(base) do
                if name ~= "host" then t:equal({ name, _G[name] ~= nil }, { name, true }) end
              end
              for library, names in pairs(all) do
                local has = set(members[library])
                for _, name in ipairs(names) do
                  local full = library .. "." .. name
                  t:equal({ full, _G[library][name] ~= nil }, { full, has[name] == true })
                end
              end
              for _, name in ipairs(gone) do
                local library, member = name:match("^(%a+)%.(%a+)$")
                if library then t:equal({ name, _G[library][member] }, { name })
                else t:equal({ name, rawget(_G, name) }, { name }) end
              end
            end)
            """
        let scratch = try ScratchDirectory("names")
        try DirectoryTree.make("\(scratch.path)/hello", mode: 0o755)
        try ProgramRun.copy("\(Self.examples)/hello/backend.lua", to: "\(scratch.path)/hello/backend.lua")
        try test.write(toFile: "\(scratch.path)/hello/names_test.lua", atomically: false, encoding: .utf8)
        let run = try await plugin("test", "\(scratch.path)/hello")
        #expect(run.code == 0, "\(run.output)\(run.error)")
    }
}
