import Glibc
import HostErrors
import Testing

@testable import PluginOverlays

@Suite("Plugins are found by name; later sources shadow earlier ones")
struct PluginIndexTests {
    private let script = "return {}"

    /// Not a digest: enough to see that the bytes were handed over.
    private func scan(_ sources: [PluginSource], after previous: PluginIndex? = nil) throws -> PluginIndex {
        try PluginIndex.scan(sources: sources, after: previous) { bytes in "hash of \(bytes.count)" }
    }

    @Test("C9a: hidden, underscored and too deep directories are not plugins")
    func discovery() throws {
        let folder = try Folder()
        for name in [".h", "_x", "b", "cat/c", "cat/deep/d", "cat/_y", "cat/.z"] {
            try folder.write("\(name)/backend.lua", script)
        }
        try folder.write("a.lua", script)
        try folder.write("cat/e.lua", script)
        try folder.write("README.md", "no plugin")
        try folder.write(".lua", script)
        try folder.link("linked", to: folder.path + "/b")
        let index = try scan([.shipped(folder.path)])
        #expect(index.entries.map(\.name) == ["a", "b", "c", "e"])
        #expect(index.available == ["a", "b", "c", "e"])
        #expect(index.notices == ["skipping \(folder.path)/linked: links are not followed"])
        let found = try #require(index["c"])
        #expect(found.path == folder.path + "/cat/c/backend.lua")
        #expect(found.directory == folder.path + "/cat/c")
        #expect(found.origin == "shipped")
        #expect(found.source == Array(script.utf8))
        #expect(found.sha256 == "hash of 9")
        #expect(found.state == .candidate)
        #expect(index["nope"] == nil)
    }

    @Test("C4: the later source wins by base name, whatever the shape, and lists what it shadows")
    func shadowing() throws {
        let (a, b, c) = (try Folder(), try Folder(), try Folder())
        try a.write("proc.lua", "return 1")
        try a.write("other/backend.lua", script)
        try b.write("backends/gv/proc/backend.lua", "return 22")
        try b.write("stray.lua", "outside backends/, so no plugin")
        try c.write("proc/backend.lua", "return 333")
        let index = try scan([.shipped(a.path), .overlay(b.path), .overlay(c.path)])
        #expect(index.entries.map(\.name) == ["other", "proc"])
        let winner = try #require(index["proc"])
        #expect(winner.source == Array("return 333".utf8))
        #expect(winner.origin == "overlay \(c.path)")
        #expect(winner.shadows == [b.path + "/backends/gv/proc/backend.lua", a.path + "/proc.lua"])
        let turned = try scan([.overlay(c.path), .overlay(b.path), .shipped(a.path)])
        #expect(turned["proc"]?.source == Array("return 1".utf8))
    }

    @Test("C4e: two files of one name in one source are a broken entry, and the others stand")
    func duplicate() throws {
        let folder = try Folder()
        try folder.write("x.lua", script)
        try folder.write("x/backend.lua", script)
        try folder.write("y.lua", script)
        let index = try scan([.shipped(folder.path)])
        guard case .broken(let cause)? = index["x"]?.state else {
            Issue.record("x must be broken")
            return
        }
        #expect(cause.hasPrefix("duplicate_name x: "))
        #expect(cause.contains("x.lua") && cause.contains("x/backend.lua"))
        #expect(index.available == ["y"])
    }

    @Test("C10b: links, bytecode, pipes and bloat are broken, and never replaced by what they shadow")
    func broken() throws {
        let (base, site) = (try Folder(), try Folder())
        for name in ["bytecode", "empty", "fits", "folder", "huge", "link", "pipe"] {
            try base.write("\(name).lua", script)
        }
        try site.link("link/backend.lua", to: "/etc/passwd")
        try site.write("bytecode.lua", [0x1B] + Array("Lua".utf8))
        try site.write("huge.lua", [UInt8](repeating: 0x20, count: 65537))
        try site.write("fits.lua", [UInt8](repeating: 0x20, count: 65536))
        try site.write("empty.lua", "")
        site.makeDirectory("pipe")
        try #require(unsafe mkfifo(site.path + "/pipe/backend.lua", 0o600) == 0)
        site.makeDirectory("folder/backend.lua")
        let index = try scan([.shipped(base.path), .overlay(site.path)])
        #expect(index.available == ["fits"])
        let causes = [
            "link": "not a regular file", "bytecode": "precompiled chunk", "huge": "longer than 65536 bytes",
            "empty": "empty file", "pipe": "not a regular file", "folder": "not a regular file",
        ]
        for (name, words) in causes {
            let entry = try #require(index[name])
            #expect(entry.isBroken)
            #expect(entry.shadows == ["\(base.path)/\(name).lua"])
            guard case .broken(let cause) = entry.state else { continue }
            #expect(cause.contains(words), "\(name): \(cause)")
            #expect(cause.contains(site.path), "the cause must name the file: \(cause)")
            #expect(entry.source.isEmpty && entry.sha256.isEmpty)
        }
    }

    @Test("C3: an overlay that is not there is skipped with a notice, but never one that was there; a file is an error")
    func missing() throws {
        let folder = try Folder()
        #expect(try scan([.shipped(folder.path)]).entries.isEmpty)
        let late = "\(folder.path)/late"
        let skipped = try scan([.overlay(late)])
        #expect(skipped.notices == ["skipping overlay \(late): there is no such directory"])
        #expect(skipped.entries.isEmpty)
        try folder.write("late/p.lua", script)
        let found = try scan([.overlay(late)], after: skipped)
        #expect(found.available == ["p"])
        try #require(unsafe rename(late, "\(folder.path)/away") == 0)
        let error = #expect(throws: HostError.self) { try scan([.overlay(late)], after: found) }
        #expect(error?.code == .notFound)
        #expect(error?.message.contains(late) == true)
        #expect(throws: HostError.self) { try scan([.shipped(folder.path + "/nope")]) }
        try folder.write("file", "x")
        #expect(throws: HostError.self) { try scan([.overlay(folder.path + "/file")]) }
    }
}

@Suite("The shipped plugins are found beside the binary, installed or in its checkout")
struct ShippedPluginsTests {
    @Test func order() throws {
        let folder = try Folder()
        func find(_ option: String? = nil) -> String? {
            ShippedPlugins.find(pluginsDirOption: option, executableRealPath: folder.path + "/.build/debug/host")
        }
        folder.makeDirectory(".build/debug")
        folder.makeDirectory("plugins")
        #expect(find() == nil, "a plugins directory without a manifest beside it is somebody else's")
        try folder.write("Package.swift", "")
        #expect(find() == folder.path + "/plugins")
        folder.makeDirectory(".build/share/substrate-host/plugins")
        #expect(find() == folder.path + "/.build/share/substrate-host/plugins")
        #expect(find("/elsewhere") == "/elsewhere")
    }
}
