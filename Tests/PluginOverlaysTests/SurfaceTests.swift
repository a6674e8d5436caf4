import Glibc
import HostErrors
import Testing

@testable import PluginOverlays

@Suite("An overlay has surfaces: backends, assets and lib")
struct SurfaceTests {
    private let script = "return {}"

    private func scan(_ sources: [PluginSource]) throws -> PluginIndex {
        try PluginIndex.scan(sources: sources) { bytes in "hash of \(String(decoding: bytes, as: UTF8.self))" }
    }

    private func overlay(_ folder: Folder, _ surfaces: [PluginSurface: Subdirectory]) -> PluginSource {
        PluginSource(directory: folder.path, origin: "overlay \(folder.path)", surfaces: surfaces)
    }

    @Test("C1: one ordered list drives every surface, and the paths are as the sources were named")
    func oneList() throws {
        let (a, b) = (try Folder(), try Folder())
        for folder in [a, b] {
            try folder.write("backends/p.lua", script)
            try folder.write("assets/kernel.pack", "x")
            try folder.write("lib/util.lua", script)
        }
        let index = try scan([.overlay(a.path), .overlay(b.path)])
        #expect(index["p"]?.path == "\(b.path)/backends/p.lua")
        #expect(index["p"]?.shadows == ["\(a.path)/backends/p.lua"])
        #expect(index.assets.map(\.path) == ["\(b.path)/assets/kernel.pack"])
        #expect(index.assets.first?.shadows == ["\(a.path)/assets/kernel.pack"])
        #expect(index.surfaces.map(\.origin) == [a, a, a, b, b, b].map { "overlay \($0.path)" })
        #expect(index.notices.isEmpty)
        let turned = try scan([.overlay(b.path), .overlay(a.path)])
        #expect(turned["p"]?.path == "\(a.path)/backends/p.lua")
        #expect(turned.assets.first?.path == "\(a.path)/assets/kernel.pack")
    }

    @Test("C2: a surface is in its usual place, elsewhere, or off")
    func threeStates() throws {
        let folder = try Folder()
        try folder.write("backends/usual.lua", script)
        try folder.write("plug/x/elsewhere.lua", script)
        try folder.write("assets/a.pack", "x")
        #expect(try scan([overlay(folder, [:])]).entries.map(\.name) == ["usual"])
        let off = try scan([overlay(folder, [.backends: .off])])
        #expect(off.entries.isEmpty)
        #expect(off.assets.map(\.name) == ["a"])
        #expect(off.surfaces.first { $0.surface == .backends }?.absence == "off")
        let named = try scan([overlay(folder, [.backends: .named("plug/x"), .assets: .off])])
        #expect(named.entries.map(\.name) == ["elsewhere"])
        #expect(named.assets.isEmpty)
        #expect(try Subdirectory("") == .off)
        #expect(try Subdirectory("plug/x") == .named("plug/x"))
        for text in ["../up", "/abs", "a/../b", "a//b", "./a"] {
            #expect(throws: Subdirectory.Fault.self, "\(text)") { try Subdirectory(text) }
        }
    }

    @Test("C3a: a surface that is absent is skipped with a notice, and the source still serves")
    func absent() throws {
        let folder = try Folder()
        try folder.write("backends/p.lua", script)
        let index = try scan([overlay(folder, [.lib: .named("modules")])])
        #expect(index.available == ["p"])
        #expect(
            index.notices == [
                "skipping lib of overlay \(folder.path): no modules/ there",
                "skipping assets of overlay \(folder.path): no assets/ there",
            ]
        )
    }

    @Test("a directory of plugins is an overlay too, and its lib and assets are no plugins")
    func plain() throws {
        let folder = try Folder()
        try folder.write("p.lua", #"local u = require "u" return u"#)
        try folder.write("lib/u.lua", script)
        try folder.write("assets/stray.lua", script)
        let index = try scan([.overlay(folder.path)])
        #expect(index.available == ["p"])
        #expect(index["p"]?.libraries == ["u": Array(script.utf8)])
    }

    @Test("C4a: a winner brings nothing of what it shadows; a helper beside a script is no module")
    func noStaleLeak() throws {
        let (a, b) = (try Folder(), try Folder())
        try a.write("backends/proc/backend.lua", script)
        try a.write("backends/proc/helper.lua", script)
        try a.write("lib/helper.lua", script)
        try b.write("backends/proc/backend.lua", #"local h = require "helper" return h"#)
        try b.write("lib/other.lua", script)
        let index = try scan([.overlay(a.path), .overlay(b.path)])
        guard case .broken(let cause)? = index["proc"]?.state else {
            Issue.record("the module of another overlay was found")
            return
        }
        let place = "\(b.path)/backends/proc/backend.lua:1: require \"helper\""
        #expect(cause == "\(place): there is no \(b.path)/lib/helper.lua; there is: other")
    }

    @Test("C4e: two packs of one name in one source are an error that names both")
    func duplicatePacks() throws {
        let folder = try Folder()
        try folder.write("assets/k.pack", "1")
        try folder.write("assets/cat/k.pack", "2")
        try folder.write("assets/fine.pack", "3")
        let packs = try scan([.overlay(folder.path)]).assets
        #expect(packs.map(\.name) == ["fine", "k"])
        #expect(packs[0].problem == nil)
        #expect(packs[1].problem?.hasPrefix("duplicate_name k: ") == true)
    }

    @Test("modules are found through modules, and change the revision, not the script's own digest")
    func closure() throws {
        let folder = try Folder()
        try folder.write("backends/p.lua", #"local a = require("a") return a"#)
        try folder.write("backends/plain.lua", script)
        try folder.write("lib/a.lua", "local b = require 'b'\nreturn b")
        try folder.write("lib/b.lua", "return 1")
        try folder.write("lib/unused.lua", "return 1")
        let first = try #require(try scan([.overlay(folder.path)])["p"])
        #expect(first.libraries.keys.sorted() == ["a", "b"])
        try folder.write("lib/b.lua", "return 2")
        let second = try scan([.overlay(folder.path)])
        #expect(second["p"]?.sha256 == first.sha256)
        #expect(second["p"]?.revision != first.revision)
        #expect(second["plain"]?.revision == second["plain"]?.sha256)
        try folder.link("lib/c.lua", to: "/etc/passwd")
        try folder.write("lib/b.lua", "return require 'c'")
        guard case .broken(let cause)? = try scan([.overlay(folder.path)])["p"]?.state else {
            Issue.record("a link was followed")
            return
        }
        #expect(cause.hasPrefix("\(folder.path)/lib/b.lua:1: require \"c\": "))
        #expect(cause.contains("not a regular file"))
    }

    @Test(
        "a literal require is found, and nothing that only looks like one",
        arguments: [
            (#"local a = require "x""#, ["x:1"]),
            ("\n\nrequire('x').y()", ["x:3"]),
            ("require( \n 'x' )", ["x:1"]),
            (#"-- require "x""#, []),
            ("--[[ require 'x'\n]] require 'y'", ["y:2"]),
            ("--[==[ ]] require 'x' ]==] require 'y'", ["y:1"]),
            (#"local s = "require 'x'" return s"#, []),
            ("local s = [[require 'x']]", []),
            (#"local s = 'it\'s' require "x""#, ["x:1"]),
            ("my_require 'x'; requires 'x'; t.require 'x'; t:require('x')", []),
            ("require(name)", []),
            ("local r = require", []),
            (#"require "unclosed"#, []),
            ("a[b[1]] = require 'x'", ["x:1"]),
        ]
    )
    func requirements(text: String, expected: [String]) {
        #expect(RequireScan.requirements(in: Array(text.utf8)).map { "\($0.name):\($0.line)" } == expected)
    }

    @Test("a revision that was kept is given back whole, and never another one")
    func store() throws {
        let folder = try Folder()
        // No digest, and as unique as one: the store asks for 64 hex digits.
        let store = RevisionStore(baseDirectory: folder.path) { bytes in
            let sum = bytes.reduce(UInt64(17)) { ($0 &* 31) &+ UInt64($1) }
            let digits = String(sum, radix: 16)
            return String(repeating: "0", count: 64 - digits.count) + digits
        }
        let entry = PluginEntry(
            name: "p",
            path: "/a b/p.lua",
            origin: "overlay /a b",
            isShipped: false,
            source: Array("return\n1\n".utf8),
            libraries: ["u": Array("x 5\ny".utf8), "empty-not": [10]],
            hash: { bytes in
                let sum = bytes.reduce(UInt64(17)) { ($0 &* 31) &+ UInt64($1) }
                let digits = String(sum, radix: 16)
                return String(repeating: "0", count: 64 - digits.count) + digits
            }
        )
        try store.keep(entry)
        try store.keep(entry)
        #expect(store.entry(entry.revision) == entry)
        #expect(store.entry(entry.sha256) == nil)
        #expect(store.entry("../p") == nil)
        try folder.write("revisions/\(entry.revision)", "name 1\np\npath 1\n/\nscript 3\nbad\n")
        #expect(store.entry(entry.revision) == nil, "a file that is not what its name says was believed")
        try store.keep(entry)
        try store.forget(except: [])
        #expect(store.entry(entry.revision) == nil)
    }
}
