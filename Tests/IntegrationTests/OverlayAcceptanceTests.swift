import Foundation
import Glibc
import SystemLayer
import TestSupport
import Testing

/// The acceptance cases of overlays (C1, C2, C3a, C4, C9, C10, C18) over directories, through the binary.
@Suite("overlays as directories, through the binary")
struct OverlayAcceptanceTests {
    private let place: ScratchDirectory

    init() throws { place = try ScratchDirectory("accept") }

    private func write(_ name: String, _ text: String) throws {
        let path = "\(place.path)/\(name)"
        try DirectoryTree.make(URL(fileURLWithPath: path).deletingLastPathComponent().path, mode: 0o755)
        try text.write(toFile: path, atomically: true, encoding: .utf8)
    }

    private func script(_ name: String, first: String = "") -> String {
        """
        \(first)
        return { name = "\(name)", api = 1, isolation = "kernel-shared",
          run = function() return "ok" end, stop = function() return "ok" end }
        """
    }

    private func overlays(_ arguments: [String]) async throws -> ProgramRun {
        try await ProgramRun.run(TestMachine.host, ["overlays"] + arguments)
    }

    /// `--overlay` for each.
    private func named(_ overlays: String...) -> [String] { overlays.flatMap { ["--overlay", "\(place.path)/\($0)"] } }

    /// The winner of a name and what it shadows, without the scratch directory.
    private func winner(_ name: String, _ overlays: String...) async throws -> [String] {
        let options = overlays.flatMap { ["--overlay", "\(place.path)/\($0)"] }
        let run = try await self.overlays(["explain", name, "--json"] + options)
        let object = try JSONSerialization.jsonObject(with: Data(run.output.utf8)) as? [String: Any]
        let found = try #require(object, "\(run.output)\(run.error)")
        let paths = [found["path"] as? String ?? ""] + (found["shadows"] as? [String] ?? [])
        return paths.map { $0.replacing("\(place.path)/", with: "") }
    }

    /// Surface → its directory and names, of the source with that directory.
    private func surfaces(_ arguments: [String], of source: String) async throws -> [String: String] {
        let run = try await overlays(["ls", "--json"] + arguments)
        let list = try JSONSerialization.jsonObject(with: Data(run.output.utf8)) as? [[String: Any]]
        let one = list?.first { $0["directory"] as? String == "\(place.path)/\(source)" }
        var found: [String: String] = [:]
        for surface in try #require(one?["surfaces"] as? [[String: Any]], "\(run.output)\(run.error)") {
            let names = (surface["names"] as? [[String: Any]])?.compactMap { $0["name"] as? String } ?? []
            let directory = surface["directory"] as? String ?? surface["absent"] as? String ?? ""
            found[surface["surface"] as? String ?? ""] =
                "\(directory.replacing("\(place.path)/", with: "")): \(names.joined(separator: " "))"
        }
        return found
    }

    @Test("C1a: every surface of every source, in the order of the list, under the path that was given")
    func oneList() async throws {
        for source in ["b", "a"] {
            try write("\(source)/backends/x.lua", script("x"))
            try write("\(source)/lib/m.lua", "return {}")
            try write("\(source)/assets/k.pack", "pack")
        }
        let run = try await overlays(["ls"] + named("b", "a"))
        let rows = run.output.split(separator: "\n").dropFirst(2).map {
            $0.replacing("\(place.path)/", with: "").split(separator: " ").joined(separator: " ")
        }
        #expect(
            rows == [
                "2 overlay b lib m", "2 overlay b backends x (shadowed)", "2 overlay b assets k (shadowed)",
                "3 overlay a lib m", "3 overlay a backends x", "3 overlay a assets k",
            ]
        )
    }

    @Test("C2: an absent subdirectory is the usual one, an empty one is off, any other is used; none leads out")
    func subdirectories() async throws {
        for source in ["a", "b", "c"] {
            try write("\(source)/backends/usual.lua", script("usual"))
            try write("\(source)/plug/x/moved.lua", script("moved"))
            try write("\(source)/assets/k.pack", "pack")
        }
        try write(
            "site.yaml",
            """
            overlays:
              sources: [a, { dir: b, backends_subdir: "" }, { dir: c, backends_subdir: plug/x }]
            """
        )
        let config = ["--config", "\(place.path)/site.yaml"]
        #expect(
            try await surfaces(config, of: "a") == [
                "backends": "a/backends: usual", "lib": "no lib/: ", "assets": "a/assets: k",
            ]
        )
        let off = try await surfaces(config, of: "b")
        #expect(off["backends"] == "off: " && off["assets"] == "b/assets: k")
        #expect(try await surfaces(config, of: "c")["backends"] == "c/plug/x: moved")
        for bad in ["../up", "/abs"] {
            try write("bad.yaml", "overlays: { sources: [{ dir: a, backends_subdir: \(bad) }] }\n")
            let run = try await overlays(["ls", "--config", "\(place.path)/bad.yaml"])
            #expect(run.code == 2 && run.error.contains("bad.yaml:1:"), "\(bad): \(run.error)")
        }
    }

    @Test("C3a: a source without assets/ is served, with a notice and exit 0")
    func absentSurface() async throws {
        try write("a/backends/x.lua", script("x"))
        let run = try await overlays(["check", "x"] + named("a"))
        #expect(run.code == 0, "\(run.output)\(run.error)")
        #expect(run.output.contains("notice: skipping assets of overlay \(place.path)/a: no assets/ there\n"))
    }

    @Test("C4: the later source wins by base name, whole, whatever the shape; the order of the list decides")
    func shadowing() async throws {
        try write("a/backends/gv/proc/backend.lua", script("proc"))
        try write("a/backends/proc2.lua", script("proc2"))
        try write("a/lib/helper.lua", "return {}")
        try write("b/backends/proc/backend.lua", script("proc", first: "local h = require \"helper\""))
        try write("b/backends/proc2/backend.lua", script("proc2"))
        let (inA, inB) = ("a/backends/gv/proc/backend.lua", "b/backends/proc/backend.lua")
        #expect(try await winner("proc", "a", "b") == [inB, inA])
        #expect(try await winner("proc", "b", "a") == [inA, inB])
        #expect(try await winner("proc2", "a", "b") == ["b/backends/proc2/backend.lua", "a/backends/proc2.lua"])
        // Nothing of what it shadows comes along.
        let check = try await overlays(["check", "proc"] + named("a", "b"))
        #expect(check.code == 1)
        #expect(check.output.contains("require \"helper\": this source has no lib/"), "\(check.output)")
        try write("c/backends/x.lua", script("x"))
        try write("c/backends/x/backend.lua", script("x"))
        let twice = try await overlays(["check", "x"] + named("c"))
        #expect(twice.code == 1 && twice.output.contains("duplicate_name x: "), "\(twice.output)")
    }

    @Test("C9a: hidden names are none, one category is looked into and no further, a name is the last part")
    func discovery() async throws {
        for name in [".h", "_x", "b", "cat/c", "cat/deep/d"] {
            try write("a/backends/\(name)/backend.lua", script(String(name.split(separator: "/").last ?? "")))
        }
        #expect(try await surfaces(named("a"), of: "a")["backends"] == "a/backends: b c")
    }

    @Test("C10b: a link and bytecode are broken by name and never served; what a file would do at its top is not done")
    func broken() async throws {
        try write("a/backends/link/other.lua", "")
        try #require(unsafe symlink("/etc/passwd", "\(place.path)/a/backends/link/backend.lua") == 0)
        try write("a/backends/code.lua", "\u{1b}Lua")
        try write("a/backends/fine.lua", script("fine"))
        let marker = "\(place.path)/marker"
        try write(
            "a/backends/marks.lua",
            script("marks", first: "if io then io.open(\"\(marker)\", \"w\"):close() end")
        )
        let run = try await overlays(["check"] + named("a"))
        #expect(run.code == 1)
        #expect(run.output.contains("link/backend.lua: not a regular file\n"), "\(run.output)")
        #expect(run.output.contains("code.lua: precompiled chunk: only Lua source is loaded\n"))
        #expect(!run.output.contains("fine: ") && !run.output.contains("marks: "))
        #expect(unsafe access(marker, F_OK) != 0)
        let serve = try await ProgramRun.run(
            TestMachine.host,
            ["--backend=code", "--base-dir", "\(place.path)/base"] + named("a")
        )
        #expect(serve.code == 2 && serve.error.contains("precompiled chunk"), "\(serve.error)")
    }

    @Test(
        "C18a: sources in the file and in the environment are exit 2, both named; without the file's the other counts"
    )
    func oneCarrier() async throws {
        try write("a/backends/x.lua", script("x"))
        try write("site.yaml", "overlays: { sources: [a] }\n")
        try write("empty.yaml", "{}\n")
        func ls(_ file: String) async throws -> ProgramRun {
            let variable = "SUBSTRATE_OVERLAY_SOURCES=\(place.path)/a"
            let command = [variable, TestMachine.host, "overlays", "ls", "--config", "\(place.path)/\(file)"]
            return try await ProgramRun.run("/usr/bin/env", command)
        }
        let both = try await ls("site.yaml")
        #expect(both.code == 2)
        #expect(both.error.contains("SUBSTRATE_OVERLAY_SOURCES and by overlays.sources (\(place.path)/site.yaml:1)"))
        let one = try await ls("empty.yaml")
        #expect(one.code == 0 && one.output.contains("overlay \(place.path)/a"), "\(one.error)")
    }

    @Test("check needs no root, and says what is left out without it", .enabled(if: TestMachine.isRoot))
    func unprivileged() async throws {
        let installed = "\(place.path)/bin"
        // Others pass through it; the directory of a test is its owner's alone.
        try #require(unsafe chmod(place.path, 0o755) == 0)
        try DirectoryTree.make(installed, mode: 0o755)
        let built = URL(fileURLWithPath: TestMachine.host).deletingLastPathComponent().path
        for name in ["substrate-host", "substrate-supervisor"] {
            try ProgramRun.copy("\(built)/\(name)", to: "\(installed)/\(name)")
        }
        try write("a/backends/x.lua", script("x"))
        try write("a/backends/y.lua", "return {\n  = }")
        func check(_ name: String) async throws -> ProgramRun {
            let drop = ["--reuid", "65534", "--regid", "65534", "--clear-groups"]
            let command = ["\(installed)/substrate-host", "overlays", "check", name] + named("a")
            return try await ProgramRun.run("/usr/bin/setpriv", drop + command)
        }
        let good = try await check("x")
        #expect(good.code == 0, "\(good.output)\(good.error)")
        #expect(
            good.output.contains(
                "notice: scripts are loaded with filter, limits and no_new_privs; without root no namespaces and no user of its own; serving needs root\nok\n"
            ),
            "\(good.output)"
        )
        let bad = try await check("y")
        #expect(bad.code == 1 && bad.output.contains("y: y.lua:2:"), "\(bad.output)")
    }
}
