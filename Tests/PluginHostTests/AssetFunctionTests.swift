import Assets
import Foundation
import HostErrors
import PluginProtocol
import SystemLayer
import TestSupport
import Testing

@testable import PluginHost

/// The golden pack of semantics §4.7 in a cache of its own, and a verb whose script may read it.
private final class Shelf {
    let scratch: ScratchDirectory
    let cache: AssetCache
    let fixture: VerbFixture
    var entries: [String] { get throws { try DirectoryTree.names(in: "\(scratch.path)/base/static-files") } }
    static let hello = "runsc-2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"
    static let config = "runsc-a0da1fce57d0e4f9f0ae4e4cbe040d34dcc046255c6c8d18e97f55aaed0655f0"

    /// Makes one.
    ///
    /// - Parameters:
    ///   - changes: a byte of the pack to change behind its table's back.
    ///   - assets: of the actor: name → text.
    /// - Throws: where the pack cannot be made.
    init(changes: Int? = nil, assets: [String: String] = [:]) throws {
        scratch = try ScratchDirectory("shelf")
        for (name, text) in [("hello", "hello"), ("config", #"{"k":1}"#)] {
            try AtomicFile.write(Array(text.utf8), to: "\(scratch.path)/\(name)")
        }
        let pack = "\(scratch.path)/site.pack"
        _ = try AssetPackWriter.write(
            [
                PackInput(id: 7, name: "runsc", bank: .runtime, path: "\(scratch.path)/hello", slot: 0),
                PackInput(id: -1, name: "config", bank: .config, path: "\(scratch.path)/config"),
            ],
            to: pack
        )
        if let changes {
            var bytes = Array(try Data(contentsOf: URL(fileURLWithPath: pack)))
            bytes[changes] ^= 1
            try AtomicFile.write(bytes, to: pack)
        }
        cache = AssetCache(baseDirectory: "\(scratch.path)/base", roots: [])
        try cache.take(packs: [pack])
        var paths: [String: String] = [:]
        for (name, text) in assets {
            try AtomicFile.write(Array(text.utf8), to: "\(scratch.path)/asset-\(name)")
            paths[name] = "\(scratch.path)/asset-\(name)"
        }
        let shelf = AssetShelf()
        shelf.put(cache)
        fixture = try VerbFixture(grants: .shipped, assets: paths, world: Machinery(shelf: shelf))
    }

    /// A call that is right: its status, and what follows.
    func call(_ function: String, _ fields: [String: PluginValue]) throws -> (status: String, values: [PluginValue]) {
        let reply = try fixture.call("asset.\(function)", fields)
        return (reply.status, reply.values)
    }
    /// The handle of an asset.
    func handle(_ function: String, _ fields: [String: PluginValue]) throws -> PluginHandle {
        let (status, values) = try call(function, fields)
        guard status == "ok", case .handle(let handle) = values[0] else { throw TestFailure("\(status) \(values)") }
        return handle
    }
    func read(_ handle: PluginHandle, _ offset: Int64, _ length: Int64) throws -> (
        status: String, values: [PluginValue]
    ) {
        try call("read", ["asset": .handle(handle), "offset": .integer(offset), "length": .integer(length)])
    }
    /// A call that is the author's mistake.
    func mistake(_ function: String, _ fields: [String: PluginValue]) throws -> ArgumentFault {
        guard case .mistake(let fault) = try fixture.broker.answer("asset.\(function)@1", .map(fields), line: 9) else {
            throw TestFailure("no mistake")
        }
        return fault
    }
}

@Suite struct AssetFunctionTests {
    @Test("an asset of a pack is opened by name or by bank and slot, and read in parts")
    func reads() throws {
        let shelf = try Shelf()
        let opened = try shelf.call("open", ["bank": .text("runtime"), "slot": .integer(0)])
        #expect(opened.status == "ok" && opened.values.last == .integer(5))
        let config = try shelf.handle("open", ["name": .text("config")])
        #expect(config.isAsset)
        #expect(try shelf.read(config, 1, 3) == ("ok", [.bytes(Array("\"k\"".utf8))]))
        #expect(try shelf.read(config, 0, 7) == ("ok", [.bytes(Array(#"{"k":1}"#.utf8))]))
        #expect(try shelf.read(config, 7, 0) == ("ok", [.bytes([])]))
        for fields in [["bank": PluginValue.text("config"), "slot": .integer(0)], ["name": .text("absent")]] {
            #expect(try shelf.call("open", fields).status == "not_found")
        }
    }

    @Test("the request's own assets come before those of packs; a directory is none to read")
    func ownFirst() throws {
        let shelf = try Shelf(assets: ["config": "of the request"])
        let handle = try shelf.handle("open", ["name": .text("config")])
        #expect(try shelf.read(handle, 7, 7) == ("ok", [.bytes(Array("request".utf8))]))
        try DirectoryTree.remove("\(shelf.scratch.path)/asset-config")
        // Open, it is read on whatever becomes of its name.
        #expect(try shelf.read(handle, 0, 2).values == [.bytes(Array("of".utf8))])
        #expect(try shelf.call("open", ["name": .text("config")]).status == "not_found")
        try DirectoryTree.make("\(shelf.scratch.path)/asset-config")
        #expect(try shelf.call("open", ["name": .text("config")]).status == "not_found")
    }

    @Test("P4: a window that is not all of the asset is the author's mistake, and nothing is read")
    func windows() throws {
        let shelf = try Shelf()
        let handle = try shelf.handle("open", ["name": .text("config")])
        for (offset, length) in [(Int64(0), Int64(8)), (7, 1), (8, 0), (.max, 1), (.max, 1 << 20)] {
            let fault = try shelf.mistake(
                "read",
                ["asset": .handle(handle), "offset": .integer(offset), "length": .integer(length)]
            )
            #expect(fault.code == "api.range" && fault.expected == "offset + length of at most 7")
        }
        for fields in [["name": PluginValue.text("x"), "slot": .integer(0)], [:], ["bank": .text("lib")]] {
            #expect(try shelf.mistake("open", fields).message == "asset.open: which asset?")
            #expect(try shelf.mistake("load", fields).message == "asset.load: which asset?")
        }
    }

    @Test("P1: a closed handle is dead, also when its place is used again")
    func generations() throws {
        let shelf = try Shelf()
        let first = try shelf.handle("open", ["name": .text("config")])
        #expect(try shelf.call("close", ["asset": .handle(first)]).status == "ok")
        let second = try shelf.handle("open", ["name": .text("config")])
        #expect(second.index == first.index && second.generation == first.generation + 1)
        let read: [String: PluginValue] = ["asset": .handle(first), "offset": .integer(0), "length": .integer(1)]
        for (function, fields) in [("close", ["asset": PluginValue.handle(first)]), ("read", read)] {
            let fault = try shelf.mistake(function, fields)
            #expect(fault.code == "api.stale" && fault.got == "handle<asset:0.0>, closed at x.lua:1")
        }
        // A block that was left closes it too, and closing it twice so is fine.
        _ = try shelf.fixture.broker.release(second, line: 3)
        _ = try shelf.fixture.broker.release(second, line: 3)
        #expect(try shelf.mistake("close", ["asset": .handle(second)]).got.hasSuffix("x.lua:3"))
    }

    @Test("P1c: a process's handle, and one that never was, is a lie")
    func lies() throws {
        let shelf = try Shelf()
        let never = PluginHandle(index: PluginHandle.assetMark | 5, generation: 0)
        for handle in [PluginHandle(index: 0, generation: 0), never, .function] {
            let error = try #require(throws: HostError.self) {
                try shelf.fixture.broker.answer("asset.close@1", .map(["asset": .handle(handle)]), line: 1)
            }
            #expect(error.reason == .plugin)
        }
        #expect(throws: HostError.self) { try shelf.fixture.broker.release(never, line: 1) }
    }

    @Test("as many as a verb may hold, and not one more")
    func limit() throws {
        let shelf = try Shelf()
        var last: PluginHandle?
        for _ in 0..<64 { last = try shelf.handle("open", ["name": .text("config")]) }
        #expect(try shelf.call("open", ["name": .text("config")]).status == "busy")
        #expect(try shelf.call("close", ["asset": .handle(try #require(last))]).status == "ok")
        #expect(try shelf.call("open", ["name": .text("config")]).status == "ok")
    }

    @Test("P13a: loaded, it is not in the cache; committed, it is; once")
    func commits() async throws {
        let shelf = try Shelf()
        let handle = try shelf.handle("load", ["name": .text("config")])
        let asset: [String: PluginValue] = ["asset": .handle(handle)]
        try await eventually("it is ready") {
            try shelf.call("state", asset).values == [.text("ready")] ? () : nil
        }
        #expect(try shelf.entries == [Shelf.hello])
        #expect(
            try shelf.mistake("read", asset.merging(["offset": .integer(0), "length": .integer(1)]) { $1 }).code
                == "api.type"
        )
        #expect(try shelf.call("commit", asset).status == "ok")
        #expect(try shelf.entries == [Shelf.hello, Shelf.config])
        #expect(try shelf.call("state", asset).values == [.text("committed")])
        #expect(try shelf.call("commit", asset).status == "exists")
        #expect(try shelf.call("cancel", asset).status == "exists")
        #expect(
            shelf.fixture.journal.lines == [
                "begin asset.commit config", "end asset.commit ok", "begin asset.commit config",
                "end asset.commit exists",
            ]
        )
        #expect(try shelf.call("close", asset).status == "ok")
        #expect(try shelf.mistake("commit", asset).code == "api.stale")
        let opened = try shelf.handle("open", ["name": .text("config")])
        #expect(try shelf.mistake("state", ["asset": .handle(opened)]).expected == "what asset.load answered")
    }

    @Test("P13b: given up, it is never in the cache")
    func cancels() async throws {
        let shelf = try Shelf()
        let asset: [String: PluginValue] = ["asset": .handle(try shelf.handle("load", ["name": .text("config")]))]
        #expect(try shelf.call("cancel", asset).status == "ok")
        #expect(try shelf.call("state", asset).values == [.text("cancelled")])
        #expect(try shelf.call("commit", asset).status == "cancelled")
        #expect(try shelf.call("cancel", asset).status == "ok")
        #expect(try shelf.entries == [Shelf.hello])
    }

    @Test("bytes that are not what the table says are neither read nor committed")
    func corrupt() async throws {
        let shelf = try Shelf(changes: 512)
        #expect(try shelf.call("open", ["name": .text("config")]).status == "asset_corrupt")
        let asset: [String: PluginValue] = ["asset": .handle(try shelf.handle("load", ["name": .text("config")]))]
        try await eventually("it is judged") {
            try shelf.call("state", asset).values == [.text("corrupt")] ? () : nil
        }
        #expect(try shelf.call("commit", asset).status == "asset_corrupt")
        #expect(try shelf.entries == [Shelf.hello])
    }
}
