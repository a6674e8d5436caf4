import Foundation
import Glibc
import PluginHost
import SystemLayer
import TestSupport
import Testing

/// `substrate-host plugin …` as an author uses it, through the binaries.
@Suite struct PluginCommandTests {
    /// A folder of its own, and the words after `plugin` run in it.
    private static func plugin(_ scratch: ScratchDirectory, _ words: String...) async throws -> ProgramRun {
        try await ProgramRun.run("/usr/bin/env", ["-C", scratch.path, TestMachine.host, "plugin"] + words)
    }

    private static func write(_ text: String, _ path: String) throws {
        try text.write(toFile: path, atomically: false, encoding: .utf8)
    }

    @Test func newWritesABackendThatChecks() async throws {
        let scratch = try ScratchDirectory("plugin")
        let new = try await Self.plugin(scratch, "new", "mine")
        #expect(new.code == 0)
        #expect(
            new.output == """
                wrote mine/backend.lua (24 lines, runs)  mine/backend_test.lua  mine/.luarc.json  mine/README.md
                next: substrate-host plugin test mine

                """
        )
        let check = try await Self.plugin(scratch, "check", "mine")
        #expect(check.code == 0)
        #expect(
            check.output == """
                mine · api 1 · kernel-shared, not a security boundary · scopes data · enforces –
                  verbs     run stop checkpoint restore     absent: prepare exec probe; the host's own: recover stats
                  needs     workload.start  process.stop
                  grants    workload  given
                good

                """
        )
        let json = try await Self.plugin(scratch, "check", "mine/backend.lua", "--json")
        let object = try JSONSerialization.jsonObject(with: Data(json.output.utf8)) as? [String: Any]
        #expect(object?["good"] as? Bool == true)
        let settings = try Data(contentsOf: URL(fileURLWithPath: "\(scratch.path)/mine/.luarc.json"))
        let editor = try JSONSerialization.jsonObject(with: settings) as? [String: Any]
        let library = (editor?["workspace.library"] as? [String])?.first ?? ""
        #expect(FileManager.default.fileExists(atPath: "\(library)/host.lua"), "\(library)")
    }

    @Test(.enabled(if: TestMachine.needs("/usr/bin/luacheck"), "needs the package lua-check"))
    func theLinterKnowsTheTable() async throws {
        let scratch = try ScratchDirectory("plugin")
        _ = try await Self.plugin(scratch, "new", "mine")
        let settings = ["--config", "\(TestMachine.checkout)/.luacheckrc", "--no-color", "--no-cache"]
        let clean = try await ProgramRun.run(
            "/usr/bin/luacheck",
            settings + ["--read-globals", "test", "--", "\(scratch.path)/mine"]
        )
        #expect(clean.code == 0, "\(clean.output)")
        try Self.write("host.process.spawn { io = io }", "\(scratch.path)/x.lua")
        let dirty = try await ProgramRun.run("/usr/bin/luacheck", settings + ["\(scratch.path)/x.lua"])
        #expect(dirty.code == 1 && dirty.output.contains("field 'process.spawn' of global 'host'"), "\(dirty.output)")
        #expect(dirty.output.contains("accessing undefined variable 'io'"))
    }

    /// Accepted by the editors' own reader of types, where that can be had; Debian and PyPI have none.
    @Test(.enabled(if: TestMachine.hasLuaLanguageServer, "lua-language-server is not installed"))
    func theTypesAreAcceptedByTheLanguageServer() async throws {
        let scratch = try ScratchDirectory("plugin")
        _ = try await Self.plugin(scratch, "new", "mine")
        let run = try await ProgramRun.run(
            "/usr/bin/env",
            ["lua-language-server", "--check=\(scratch.path)/mine", "--checklevel=Warning"]
        )
        #expect(run.code == 0, "\(run.output)")
    }

    @Test func newRefusesWhatItShould() async throws {
        let scratch = try ScratchDirectory("plugin")
        func refused(_ words: String..., says expected: String) async throws {
            let run = try await ProgramRun.run(
                "/usr/bin/env",
                ["-C", scratch.path, TestMachine.host, "plugin"] + words
            )
            #expect(run.code == 1 && run.output.isEmpty)
            #expect(run.error == "substrate-host plugin: \(expected)\n")
        }
        try await refused(
            "new",
            "Bwrap!",
            says: "name \"Bwrap!\": small letters, digits and -, beginning with a letter; try \"bwrap\""
        )
        try await refused(
            "new",
            "process",
            says: "\"process\" is a shipped backend: yours would shadow it; say --shadow if you mean it"
        )
        #expect(try await Self.plugin(scratch, "new", "mine", "--only-tests").code == 0)
        #expect(try FileManager.default.contentsOfDirectory(atPath: "\(scratch.path)/mine") == ["backend_test.lua"])
        try Self.write("mine", "\(scratch.path)/mine/backend_test.lua")
        try await refused(
            "new",
            "mine",
            says: "mine/ exists; nothing was written (--force replaces the files listed: mine/backend_test.lua)"
        )
        #expect(try String(contentsOfFile: "\(scratch.path)/mine/backend_test.lua", encoding: .utf8) == "mine")
        #expect(try await Self.plugin(scratch, "new", "mine", "--force").code == 0)
        #expect(try await Self.plugin(scratch, "new", "process", "--shadow").code == 0)
    }

    @Test func checkSaysWhatIsWrongAndMendsNeeds() async throws {
        let scratch = try ScratchDirectory("plugin")
        let file = "\(scratch.path)/x.lua"
        func check(_ text: String, _ words: String...) async throws -> ProgramRun {
            try Self.write(text, file)
            return try await ProgramRun.run(TestMachine.host, ["plugin", "check", file] + words)
        }
        let head = "return { name = \"x\", api = 1, isolation = \"none\""
        let verbs = "run = function() end, stop = function() end }"
        var run = try await check("return {")
        #expect(run.code == 1 && run.output.hasPrefix("x.lua:1: "), "\(run.output)")
        run = try await check("local a = host.clock\n\(head), \(verbs)")
        #expect(run.code == 1 && run.output.hasPrefix("x.lua:1: host is not there while the file loads\n"))
        run = try await check("\(head),\nchekpoint = 1, scopes = { \"x\" }, \(verbs)")
        #expect(run.code == 1)
        #expect(
            run.output.hasPrefix(
                "x.lua:2: chekpoint is not a field of a backend; did you mean checkpoint?  (1 more: --all)\n"
            )
        )
        run = try await check("\(head),\nchekpoint = 1, scopes = { \"x\" }, \(verbs)", "--all")
        #expect(run.output.contains("\n  also      scopes[1] is \"x\": scopes are \"full\" and \"data\"\n"))
        let calling = """
            \(head), needs = { "file.write" },
            run = function(a)
              host.process.run { program = a.tools.t, args = {} }
              return "ok"
            end, stop = function() end, tools = { t = "required" } }
            """
        run = try await check(calling)
        #expect(run.code == 1)
        #expect(
            run.output == """
                x.lua:3: host.process.run is not in needs
                   3 |   host.process.run { program = a.tools.t, args = {} }
                  mend      add "process.run" to needs (line 1); plugin check --fix does it

                """
        )
        run = try await check(calling, "--fix")
        #expect(run.code == 0)
        #expect(
            run.output == """
                added to needs: process.run
                x · api 1 · none, not a security boundary · scopes – · enforces –
                  verbs     run stop     absent: checkpoint restore prepare exec probe; the host's own: recover stats
                  needs     file.write  process.run
                  grants    tool:t  NOT GIVEN  → --grant tool:t=/usr/bin/t
                  warnings  x.lua:1 needs lists "file.write" but nothing calls it
                            x.lua:3 the status of process.run is never read: a failed run would pass for success; try(…) mends it
                good, 2 warnings, 1 grant to give

                """
        )
        #expect(
            try String(contentsOfFile: file, encoding: .utf8).contains("needs = { \"file.write\", \"process.run\" },")
        )
        run = try await ProgramRun.run(TestMachine.host, ["plugin", "check", file, "--grant", "tool:t=/bin/true"])
        #expect(run.output.contains("tool:t  given\n            \(OperatorGrant.warning)\n"), "\(run.output)")
        #expect(run.output.hasSuffix("good, 2 warnings\n"))
    }

    @Test(arguments: [
        (["doc", "process.spwan"], "doc process.spwan: no such page; nearest: process.start, process.stop"),
        (["doc", "process.run@7"], "process.run@7: it has version 1"),
        (["doc", "./nope"], "./nope: no such file or folder"),
        (
            ["check", "nope"],
            "nope: no such file or folder, and no served backend (\(TestMachine.shippedBackends.joined(separator: ", ")))"
        ),
        (["chekc"], "unknown command \"chekc\"; did you mean \"check\"?\nTry: substrate-host plugin --help"),
        (
            ["check", "x", "--jsn"],
            "check: unknown option \"--jsn\"; did you mean --json?\nTry: substrate-host plugin check --help"
        ),
        (["check"], "check needs PATH\nTry: substrate-host plugin check --help"),
        (["run", "process"], "run needs --actor FILE, such as examples/counter/actor.yaml"),
        (
            ["check", "process", "--grant", "tool:x"],
            "--grant \"tool:x\": write tool:NAME=PATH, such as tool:bwrap=/usr/bin/bwrap\nTry: substrate-host plugin check --help"
        ),
    ])
    func whatCannotBeTriedSaysWhy(_ words: [String], _ expected: String) async throws {
        let run = try await ProgramRun.run(TestMachine.host, ["plugin"] + words)
        #expect(run.code == 2 && run.output.isEmpty)
        #expect(run.error == "substrate-host plugin: \(expected)\n")
    }

    @Test func docShowsTheReference() async throws {
        let index = try await ProgramRun.run(TestMachine.host, ["plugin", "doc"])
        let page = try await ProgramRun.run(TestMachine.host, ["plugin", "doc", "process.run"])
        let backend = try await ProgramRun.run(TestMachine.host, ["plugin", "doc", "process"])
        #expect(index.code == 0 && index.output.contains("\nprocess.run         Runs a program to its end.\n"))
        let file = try String(contentsOfFile: "\(TestMachine.checkout)/sdk/docs/reference/process.md", encoding: .utf8)
        #expect(page.code == 0 && page.output.hasPrefix("## process.run\n") && file.contains(page.output))
        // A module, which is the name of a backend too.
        #expect(backend.output.hasPrefix("process.run "))
        let help = try await ProgramRun.run(TestMachine.host, ["plugin", "watch", "--help"])
        #expect(help.code == 0 && help.output.contains("Exit codes:") && help.output.contains("Examples:"))
    }

    @Test(.enabled(if: TestMachine.isRoot, "needs root, to become somebody else"))
    func whoIsNotRootNeedsNoNamespaces() async throws {
        let scratch = try ScratchDirectory("moved")
        let bin = "\(scratch.path)/bin"
        let share = "\(scratch.path)/share/substrate-host"
        try DirectoryTree.make(bin, mode: 0o755)
        try DirectoryTree.make(share, mode: 0o755)
        for program in ["substrate-host", "substrate-plugin", "substrate-supervisor"] {
            try ProgramRun.copy("\(TestMachine.products)/\(program)", to: "\(bin)/\(program)")
        }
        for folder in ["plugins", "sdk"] {
            let copied = try await ProgramRun.run("/bin/cp", ["-r", "\(TestMachine.checkout)/\(folder)", share])
            #expect(copied.code == 0, "\(copied.error)")
        }
        let work = "\(scratch.path)/work"
        try DirectoryTree.make(work, mode: 0o777)
        _ = try await ProgramRun.run("/bin/chmod", ["-R", "a+rX", scratch.path])
        _ = try await ProgramRun.run("/bin/chmod", ["0777", work])
        func nobody(_ words: String...) async throws -> ProgramRun {
            let become = [
                "-i", "-C", work, "setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--bounding-set=-all",
            ]
            return try await ProgramRun.run("/usr/bin/env", become + ["\(bin)/substrate-host", "plugin"] + words)
        }
        let new = try await nobody("new", "mine")
        #expect(new.code == 0, "\(new.error)")
        let check = try await nobody("check", "mine")
        #expect(check.code == 0, "\(check.error)")
        #expect(
            check.output.contains(
                "\n  confined  filter, limits and no_new_privs; without root no namespaces and no user of its own\n"
            )
        )
        #expect(try await nobody("check", "process").code == 0)
        #expect(try await nobody("doc", "./mine").output.hasPrefix("# mine\n"))
        let settings = try String(contentsOfFile: "\(work)/mine/.luarc.json", encoding: .utf8)
        #expect(settings.contains("\(share)/sdk/types"))
        let run = try await nobody("run", "mine", "--actor", "x")
        #expect(run.code == 2 && run.error.contains("needs root"))
        // The walls that stay are the real ones: a script that spins is ended by its budget there too.
        try Self.write("while true do end", "\(work)/spin.lua")
        let spin = try await nobody("check", "spin.lua")
        #expect(spin.code == 1 && spin.output.contains("budget."), "\(spin.output)\(spin.error)")
    }

    @Test(.enabled(if: TestMachine.isRoot, "confines an actor"))
    func runTakesAnActorThroughItsLife() async throws {
        let scratch = try ScratchDirectory("plugin")
        let image = try await CounterImage.reference()
        let example = try String(contentsOfFile: "\(TestMachine.checkout)/examples/counter/actor.yaml", encoding: .utf8)
        try Self.write(
            example.replacingOccurrences(of: "oci:/tmp/counter-image:counter", with: image),
            "\(scratch.path)/actor.yaml"
        )
        _ = try await Self.plugin(scratch, "new", "mine")
        let run = try await Self.plugin(scratch, "run", "mine", "--actor", "actor.yaml")
        #expect(run.code == 0, "\(run.output)\(run.error)")
        let lines = run.output.split(separator: "\n").map(String.init)
        for verb in ["run         ok  ", "checkpoint  ok  ", "restore     ok  ", "stop        ok  "] {
            #expect(lines.contains { $0.hasPrefix(verb) && $0.contains(" ms") }, "\(run.output)")
        }
        #expect(lines.contains { $0.hasPrefix("     6  workload.start counter   ") && $0.contains("handle<process:") })
        #expect(lines.contains { $0.contains(#/^   ready after [0-9.]+ ms \([0-9]+ (try|tries)\)$/#) }, "\(lines)")
        #expect(lines.last == "left behind: nothing")
        // A setting without a default is the operator's to give, here by the command line.
        let set = "\(scratch.path)/mine/backend.lua"
        let plain = try String(contentsOfFile: set, encoding: .utf8)
        let config = "config = { words = { type = \"string\" } }, run = function(actor) print(actor.config.words) "
        try Self.write(plain.replacingOccurrences(of: "run = start,", with: config + "return start(actor) end,"), set)
        let unset = try await Self.plugin(scratch, "run", "mine", "--actor", "actor.yaml", "--life", "run")
        #expect(unset.code == 1 && unset.error.contains("backends.mine.config.words is missing"), "\(unset)")
        let told = try await Self.plugin(
            scratch,
            "run",
            "mine",
            "--actor",
            "actor.yaml",
            "--life",
            "run,stop",
            "--config",
            "words=a: \"b\" = c"
        )
        #expect(told.code == 0, "\(told.output)\(told.error)")
        let nothing = try await Self.plugin(scratch, "run", "mine", "--actor", "actor.yaml", "--config", "words")
        #expect(nothing.code == 2 && nothing.error.contains("--config \"words\" is not NAME=VALUE"), "\(nothing)")
        try Self.write(plain, set)
        let broken = "\(scratch.path)/mine/backend.lua"
        let text = try String(contentsOfFile: broken, encoding: .utf8)
        try Self.write(text.replacingOccurrences(of: "container.name", with: "container.nme"), broken)
        let failed = try await Self.plugin(scratch, "run", "mine", "--actor", "actor.yaml", "--life", "run", "--json")
        #expect(failed.code == 1)
        let object = try JSONSerialization.jsonObject(with: Data(failed.output.utf8)) as? [String: Any]
        let stage = (object?["stages"] as? [[String: Any]])?.first
        #expect((stage?["error"] as? String)?.contains("nme") == true, "\(failed.output)")
        #expect(object?["left_behind"] as? [String] == [])
    }

    @Test func watchPrintsALineForEachSave() async throws {
        let scratch = try ScratchDirectory("plugin")
        _ = try await Self.plugin(scratch, "new", "mine")
        let folder = "\(scratch.path)/mine"
        // Without tests, so that this is about the watching.
        try FileManager.default.removeItem(atPath: "\(folder)/backend_test.lua")
        try DirectoryTree.make("\(scratch.path)/lib", mode: 0o755)
        try Self.write("return {}", "\(scratch.path)/lib/m.lua")
        let output = "\(scratch.path)/output"
        let descriptor = unsafe open(output, O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
        let file = OwnedFD(descriptor)
        var plan = SpawnPlan(program: TestMachine.host, arguments: ["substrate-host", "plugin", "watch", folder])
        plan.descriptors = [(child: 1, parent: file.rawValue), (child: 2, parent: file.rawValue)]
        let watch = try spawn(plan)
        defer { _ = watch.signal(SIGKILL) }
        func line(_ what: String) async throws {
            try await eventually("a line with \"\(what)\"") {
                let text = TextFile.read(output) ?? ""
                return text.split(separator: "\n").contains { $0.dropFirst(8).hasPrefix(" ") && $0.contains(what) }
                    ? () : nil
            }
        }
        try await line("watching \(folder) · check good · no tests · ")
        // A module of the overlay is watched too, and what a failed test says is shown.
        try Self.write("return { 1 }", "\(scratch.path)/lib/m.lua")
        try await line("saved m.lua · check good · no tests · ")
        try Self.write("test(\"it\", function(t) t:equal(1, 2) end)", "\(folder)/backend_test.lua")
        try await line("1 of 1 tests fail (1) · still serving ")
        try await eventually("the reason") {
            (TextFile.read(output) ?? "").contains("\n  1  backend_test.lua:1  expected 2, got 1\n") ? () : nil
        }
        try FileManager.default.removeItem(atPath: "\(folder)/backend_test.lua")
        let script = "\(folder)/backend.lua"
        let good = try String(contentsOfFile: script, encoding: .utf8)
        try Self.write(good + "-- \n", script)
        try await line("saved backend.lua · check good · no tests · ")
        try Self.write("return {", script)
        try await line("backend.lua:1: ")
        try await line(" · still serving ")
        try FileManager.default.removeItem(atPath: script)
        try await line("backend.lua is gone · still serving ")
        _ = watch.signal(SIGINT)
        let status = try await eventually("watch ends") { watch.hasExited() ? watch.wait() : nil }
        #expect(status == .exited(0))
    }

    @Test func typesCheckSaysWhatIsStale() async throws {
        let scratch = try ScratchDirectory("types")
        let stale = try await ProgramRun.run(TestMachine.host, ["plugin", "types", scratch.path, "--check"])
        #expect(stale.code == 1 && stale.output.contains("sdk/types/host.lua is stale: make types\n"))
        let written = try await ProgramRun.run(TestMachine.host, ["plugin", "types", scratch.path])
        #expect(written.code == 0 && FileManager.default.fileExists(atPath: "\(scratch.path)/.luacheckrc"))
        let again = try await ProgramRun.run(TestMachine.host, ["plugin", "types", scratch.path, "--check"])
        #expect(again.code == 0)
    }

    @Test(arguments: ["bash", "zsh", "fish"])
    func completionsKnowThePluginCommands(_ shell: String) async throws {
        let script = try await ProgramRun.run(TestMachine.host, ["completion", shell])
        for word in ["plugin", "conformance", "watch", "only-tests"] {
            #expect(script.output.contains(word), "\(word)")
        }
    }

    @Test(.enabled(if: TestMachine.needs("/bin/bash"), "needs bash"))
    func bashCompletesAnOptionOfAPluginCommand() async throws {
        let program = """
            source <("\(TestMachine.host)" completion bash)
            COMP_WORDS=(substrate-host plugin new --sh); COMP_CWORD=3; _substrate_host; echo "${COMPREPLY[@]}"
            COMP_WORDS=(substrate-host plugin wa); COMP_CWORD=2; _substrate_host; echo "${COMPREPLY[@]}"
            """
        let run = try await ProgramRun.run("/bin/bash", ["-c", program])
        #expect(run.output == "--shadow\nwatch\n", "\(run.error)")
    }
}
