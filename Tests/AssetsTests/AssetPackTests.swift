import Foundation
import Glibc
import HostErrors
import SystemLayer
import TestSupport
import Testing
import Transfer

@testable import Assets

/// The golden pack of semantics §4.7, and its mutations.
struct Golden {
    let scratch: ScratchDirectory
    var path: String { "\(scratch.path)/golden.pack" }
    static let header =
        #"{"asset_table":[{"asset_id":-1,"asset_name":"config","bank_type":"config","codec":"none","decoded_size":7,"metadata":{},"offset":0,"sha256":"a0da1fce57d0e4f9f0ae4e4cbe040d34dcc046255c6c8d18e97f55aaed0655f0","size":7},{"asset_id":7,"asset_name":"runsc","bank_type":"runtime","codec":"none","decoded_size":5,"metadata":{},"offset":64,"sha256":"2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824","size":5}],"preload":[{"asset_id":7,"slot":0}]}"#
    static var payload: [UInt8] {
        Array(#"{"k":1}"#.utf8) + [UInt8](repeating: 0, count: 57) + Array("hello".utf8)
    }

    init() throws {
        scratch = try ScratchDirectory("pack")
        try AtomicFile.write(Array("hello".utf8), to: "\(scratch.path)/hello")
        try AtomicFile.write(Array(#"{"k":1}"#.utf8), to: "\(scratch.path)/config")
    }
    var inputs: [PackInput] {
        [
            PackInput(id: 7, name: "runsc", bank: .runtime, path: "\(scratch.path)/hello", slot: 0),
            PackInput(id: -1, name: "config", bank: .config, path: "\(scratch.path)/config"),
        ]
    }
    /// Header and payload with the prelude that belongs to them.
    static func file(_ header: String, _ payload: [UInt8] = payload) -> [UInt8] {
        let text = Array(header.utf8)
        var bytes = AssetPackWriter.prelude(text.count) + text
        let offset = Int(PackPrelude.payloadOffset(headerLength: UInt64(text.count)))
        bytes += [UInt8](repeating: 0, count: offset - bytes.count)
        return bytes + payload
    }
    static var bytes: [UInt8] { file(header) }

    /// The code of the first rule that the bytes break, `ok` where they break none.
    func judge(_ bytes: [UInt8]) throws -> String {
        try AtomicFile.write(bytes, to: path)
        do { _ = try AssetPack(path: path) } catch { return error.context["pack.code"] ?? "\(error)" }
        return "ok"
    }
    /// The same of a host that starts with it; nothing is published where one is wrong.
    func boot(_ bytes: [UInt8]) throws -> (code: String, entries: [String]) {
        try AtomicFile.write(bytes, to: path)
        let base = "\(scratch.path)/base-\(UInt32.random(in: 0 ... .max))"
        let cache = AssetCache(baseDirectory: base, roots: [])
        do throws(HostError) { try cache.take(packs: [path]) } catch {
            return (error.context["pack.code"] ?? "\(error)", try DirectoryTree.names(in: "\(base)/static-files"))
        }
        return ("ok", try DirectoryTree.names(in: "\(base)/static-files"))
    }
}

private func edited(_ pairs: (String, String)...) -> [UInt8] {
    var header = Golden.header
    for (old, new) in pairs { header = header.replacing(old, with: new) }
    return Golden.file(header)
}
private func patched(_ at: Int, _ bytes: UInt8...) -> [UInt8] {
    var all = Golden.bytes
    all.replaceSubrange(at..<at + bytes.count, with: bytes)
    return all
}

@Suite struct AssetPackTests {
    @Test("P10a, P14a: the writer gives the golden vectors, in whatever order it gets its files")
    func vectors() throws {
        let golden = try Golden()
        for inputs in [golden.inputs, golden.inputs.reversed()] {
            let pack = try AssetPackWriter.write(inputs, to: golden.path)
            #expect(
                try SHA256.hex(ofFile: golden.path)
                    == "07af1e6fc2b115b0763477c517191b2389268a44408ddce25c48587d69977154"
            )
            #expect(pack.assets.map(\.id) == [-1, 7] && pack.assets.map(\.offset) == [0, 64])
            #expect(pack.preload == [PackPreload(id: 7, slot: 0)])
            #expect(try pack.read(pack.assets[1], offset: 1, length: 3) == Array("ell".utf8))
            #expect(throws: HostError.self) { try pack.read(pack.assets[1], offset: 3, length: 3) }
        }
        #expect(Golden.bytes.count == 581)
        #expect(SHA256.hex(of: Golden.bytes) == "07af1e6fc2b115b0763477c517191b2389268a44408ddce25c48587d69977154")
        _ = try AssetPackWriter.write([], to: golden.path)
        #expect(
            try SHA256.hex(ofFile: golden.path) == "ffde2f470602820f7fbce3e49644e8af1181eb8896196855114bd3d0e5d66db5"
        )
        #expect(try DirectoryTree.names(in: golden.scratch.path) == ["config", "golden.pack", "hello"])
    }

    static let mutations: [(name: String, bytes: [UInt8], code: String)] = [
        ("none", Golden.bytes, "ok"),
        ("31 bytes", Array(Golden.bytes.prefix(31)), "truncated_prelude"),
        ("magic", patched(0, 0x54), "bad_magic"),
        ("version", patched(4, 2), "unsupported_version"),
        ("flags", patched(12, 1), "reserved_nonzero"),
        ("reserved", patched(24, 1), "reserved_nonzero"),
        ("no header", patched(8, 0, 0, 0, 0), "bad_header_len"),
        ("long header", patched(8, 255, 255, 255, 255), "bad_header_len"),
        ("header and one pad byte", patched(8, 0xC8, 1), "bad_header_json"),
        ("payload elsewhere", patched(16, 0x40, 2), "bad_payload_offset"),
        ("padding", patched(500, 1), "bad_payload_offset"),
        ("no UTF-8", patched(32, 0xFF), "bad_header_json"),
        ("space", edited((#"{"asset_table"#, #"{ "asset_table"#)), "noncanonical_header"),
        ("float", edited((#""slot":0"#, #""slot":0.0"#)), "noncanonical_header"),
        ("unknown member", edited((#""slot":0"#, #""slot":0,"z":1"#)), "bad_header_json"),
        ("missing member", edited((#""codec":"none","#, "")), "bad_header_json"),
        ("type", edited((#""slot":0"#, #""slot":"0""#)), "bad_header_json"),
        ("id of 33 bits", edited((#""asset_id":7"#, #""asset_id":2147483648"#)), "bad_asset_id"),
        ("doubled id", edited((#""asset_id":-1"#, #""asset_id":7"#)), "duplicate_asset_id"),
        ("swapped", swapped, "unsorted_table"),
        ("doubled name", edited((#""asset_name":"config""#, #""asset_name":"runsc""#)), "duplicate_asset_name"),
        ("size", edited((#""decoded_size":5"#, #""decoded_size":6"#), (#""size":5"#, #""size":6"#)), "bad_asset_range"),
        ("offset", edited((#""offset":64"#, #""offset":18446744073709551615"#)), "bad_asset_range"),
        ("offset of 65 bits", edited((#""offset":64"#, #""offset":18446744073709551616"#)), "bad_asset_range"),
        ("last byte", Array(Golden.bytes.dropLast()), "bad_asset_range"),
        ("overlap", edited((#""offset":64"#, #""offset":6"#)), "overlapping_assets"),
        ("boundary", edited((#""offset":64"#, #""offset":63"#)), "bad_asset_range"),
        ("codec", edited((#""codec":"none","decoded_size":5"#, #""codec":"zstd","decoded_size":5"#)), "unknown_codec"),
        ("bank", edited((#""bank_type":"runtime""#, #""bank_type":"tiles""#)), "unknown_bank"),
        ("preload id", edited((#"{"asset_id":7,"slot":0}"#, #"{"asset_id":99,"slot":0}"#)), "preload_unknown_asset"),
        ("preload slot", edited((#""slot":0"#, #""slot":256"#)), "preload_bad_slot"),
        ("preload slot below", edited((#""slot":0"#, #""slot":-1"#)), "preload_bad_slot"),
        (
            "clash", edited((#"{"asset_id":7,"slot":0}"#, #"{"asset_id":7,"slot":0},{"asset_id":7,"slot":0}"#)),
            "preload_slot_clash"
        ),
        (
            "other bank", edited((#"{"asset_id":7,"slot":0}"#, #"{"asset_id":-1,"slot":0},{"asset_id":7,"slot":0}"#)),
            "ok"
        ),
        ("bytes behind", Golden.bytes + [1, 2, 3], "ok"),
    ]
    private static var swapped: [UInt8] {
        let rows = Golden.header.split(separator: "[", maxSplits: 1)[1].split(separator: "]", maxSplits: 1)[0]
        let cut = rows.range(of: "},{")
        guard let cut else { return [] }
        let (one, two) = (rows[..<cut.lowerBound] + "}", "{" + rows[cut.upperBound...])
        return Golden.file(Golden.header.replacing(rows, with: "\(two),\(one)"))
    }

    @Test("P10b: a code for every mutation", arguments: mutations)
    func mutated(_ mutation: (name: String, bytes: [UInt8], code: String)) throws {
        #expect(try Golden().judge(mutation.bytes) == mutation.code, "\(mutation.name)")
    }

    @Test("P11: a preload is published whole, or nothing is")
    func preload() throws {
        let golden = try Golden()
        let hello = "runsc-2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"
        #expect(try golden.boot(Golden.bytes) == ("ok", [hello]))
        // Of the two that are preloaded the second is corrupt: the first is not published either.
        var both = edited((#"{"asset_id":7,"slot":0}"#, #"{"asset_id":-1,"slot":0},{"asset_id":7,"slot":0}"#))
        #expect(try golden.boot(both).entries.count == 2)
        both[both.count - 1] = UInt8(ascii: "p")
        #expect(try golden.boot(both) == ("asset_corrupt", []))
        #expect(try golden.boot(patched(580, UInt8(ascii: "p"))) == ("asset_corrupt", []))
        // What is not preloaded is judged when it is wanted.
        #expect(try golden.boot(patched(512, 1)) == ("ok", [hello]))
    }

    @Test("an asset that a pack has needs no other source")
    func source() throws {
        let golden = try Golden()
        try AtomicFile.write(Golden.bytes, to: golden.path)
        let cache = AssetCache(baseDirectory: "\(golden.scratch.path)/base", roots: [])
        try cache.take(packs: [golden.path])
        let sha = "a0da1fce57d0e4f9f0ae4e4cbe040d34dcc046255c6c8d18e97f55aaed0655f0"
        let path = try cache.ensure(name: "config", url: "https://nowhere.invalid/config", sha256: sha)
        #expect(try SHA256.hex(ofFile: path) == sha)
        #expect(throws: HostError.self) { try cache.take(packs: [golden.path, golden.path]) }
    }

    @Test("P10c: of random and mutated packs none crashes the reader, and none reads past its end")
    func fuzz() throws {
        let golden = try Golden()
        let file = unsafe open(golden.path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        let owned = OwnedFD(file)
        var accepted = 0
        var state: UInt64 = 0x9E37_79B9_7F4A_7C15
        func random(_ below: Int) -> Int {
            state ^= state << 13
            state ^= state >> 7
            state ^= state << 17
            return Int(state % UInt64(below))
        }
        for round in 0..<1_500 {
            var bytes = Golden.bytes
            for _ in 0...random(4) {
                switch random(4) {
                case 0: bytes[random(bytes.count)] = UInt8(random(256))
                case 1: bytes.remove(at: random(bytes.count))
                case 2: bytes.insert(Array("0123456789-.eE\"{}[],: \u{0}\\u".utf8)[random(25)], at: random(bytes.count))
                default: bytes.removeLast(random(min(40, bytes.count - 1)))
                }
            }
            if round % 2 == 0, bytes.count > 32 {
                // A header of the right length, so that what is behind the prelude is reached.
                let header = String(decoding: bytes[32..<min(bytes.count, 487)], as: UTF8.self)
                bytes = Golden.file(header)
            }
            guard ftruncate(file, 0) == 0, lseek(file, 0, SEEK_SET) == 0 else { break }
            try writeAll(bytes, to: file)
            do {
                let pack = try AssetPack(path: golden.path)
                accepted += 1
                for asset in pack.assets {
                    #expect(pack.payloadOffset + asset.offset + asset.size <= UInt64(bytes.count))
                    _ = try pack.read(asset, offset: 0, length: Int(asset.size))
                }
            } catch { #expect(error.context["pack.code"] != nil, "\(error)") }
        }
        try owned.close()
        #expect(accepted > 0)
    }

    @Test("P12a: a slice of two gigabytes is read alone")
    func sparse() throws {
        let golden = try Golden()
        try AtomicFile.write(Golden.bytes, to: golden.path)
        #expect(unsafe truncate(golden.path, 2 << 30) == 0)
        func resident() throws -> Int {
            let words = try #require(TextFile.read("/proc/self/statm")).split(separator: " ")
            return (Int(words[1]) ?? 0) * 4096
        }
        let before = try resident()
        let pack = try AssetPack(path: golden.path)
        try pack.verify(pack.assets[1])
        // Other tests of this process run meanwhile: a pack in memory would be thirty times this.
        #expect(try resident() - before < 64 << 20)
    }
}
