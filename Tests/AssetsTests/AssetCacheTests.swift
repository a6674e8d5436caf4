import Glibc
import HostErrors
import SystemLayer
import TestSupport
import Testing
import Transfer

@testable import Assets

/// A directory that is gone when the test is.
final class Scratch {
    private let directory: ScratchDirectory
    var path: String { directory.path }
    init() throws {
        directory = try ScratchDirectory("assets")
        try DirectoryTree.make("\(path)/root/in")
    }

    func cache(max: Int64 = 8 << 30) -> AssetCache {
        AssetCache(baseDirectory: "\(path)/base", roots: ["\(path)/root/"], maxBytes: max)
    }
    /// Writes a source file and answers its URL and digest.
    func source(_ text: String, _ name: String = "in/tool") throws -> (url: String, sha256: String) {
        try AtomicFile.write(Array(text.utf8), to: "\(path)/root/\(name)")
        return ("file://\(path)/root/\(name)", SHA256.hex(of: Array(text.utf8)))
    }
    func entries() throws -> [String] { try DirectoryTree.names(in: "\(path)/base/static-files") }
}

func code(_ work: () throws -> Void) -> HostError.Code? {
    do { try work() } catch { return (error as? HostError)?.code }
    return nil
}

@Suite struct AssetCacheTests {
    @Test("contract §11 C 19: the forms of a hash")
    func hashForms() throws {
        try validateAssetHash(String(repeating: "a", count: 64))
        try validateAssetHash(String(repeating: "A", count: 64))
        for bad in ["", "deadbeef", String(repeating: "a", count: 66), String(repeating: "g", count: 64)] {
            #expect(throws: HostError.self) { try validateAssetHash(bad) }
        }
        let climbing = String(repeating: "a", count: 60) + "/../"
        #expect(throws: HostError(.invalidArgument, .asset, "invalid asset sha256 hash: must be hex")) {
            try validateAssetHash(climbing)
        }
        #expect(throws: HostError(.invalidArgument, .asset, "invalid asset sha256 hash: want 64 hex chars, got 8")) {
            try validateAssetHash("deadbeef")
        }
    }

    @Test("§11 C 17-20: cached whole, 0755, in a 0700 directory, one entry for either case")
    func caches() throws {
        let scratch = try Scratch()
        let (url, sha) = try scratch.source("tool bytes")
        let cache = scratch.cache()
        let path = try cache.ensure(name: "tool", url: url, sha256: sha.uppercased())
        #expect(path == "\(scratch.path)/base/static-files/runsc-\(sha)")
        #expect(try SHA256.hex(ofFile: path) == sha)
        var status = stat()
        #expect(unsafe stat(path, &status) == 0 && status.st_mode & 0o7777 == 0o755)
        #expect(unsafe stat("\(scratch.path)/base/static-files", &status) == 0 && status.st_mode & 0o7777 == 0o700)
        try DirectoryTree.remove("\(scratch.path)/root")
        #expect(try cache.ensure(name: "tool", url: url, sha256: sha) == path)
        #expect(try scratch.entries() == ["runsc-\(sha)"])
    }

    @Test("§11 C 18: what is wrong leaves nothing")
    func refuses() throws {
        let scratch = try Scratch()
        let (url, sha) = try scratch.source("a body of 21 bytes ..")
        let other = String(repeating: "a", count: 64)
        #expect(code { _ = try scratch.cache().ensure(name: "t", url: url, sha256: other) } == .dataLoss)
        #expect(code { _ = try scratch.cache(max: 4).ensure(name: "t", url: url, sha256: sha) } == .resourceExhausted)
        #expect(try scratch.entries() == [])
    }

    @Test("a corrupt entry is fetched again")
    func refetches() throws {
        let scratch = try Scratch()
        let (url, sha) = try scratch.source("good")
        let path = try scratch.cache().ensure(name: "t", url: url, sha256: sha)
        try AtomicFile.write(Array("evil".utf8), to: path)
        _ = try scratch.cache().ensure(name: "t", url: url, sha256: sha)
        #expect(try SHA256.hex(ofFile: path) == sha)
    }

    @Test("only regular files beneath a root, through no symbolic link")
    func confines() throws {
        let scratch = try Scratch()
        let (_, sha) = try scratch.source("x")
        try AtomicFile.write(Array("x".utf8), to: "\(scratch.path)/outside")
        #expect(unsafe symlink("\(scratch.path)", "\(scratch.path)/root/link") == 0)
        #expect(unsafe symlink("\(scratch.path)/outside", "\(scratch.path)/root/last") == 0)
        let cache = scratch.cache()
        func got(_ tail: String) -> HostError.Code? {
            code { _ = try cache.ensure(name: "t", url: "file://\(scratch.path)/\(tail)", sha256: sha) }
        }
        #expect(got("outside") == .permissionDenied)
        #expect(got("root/../outside") == .invalidArgument)
        #expect(got("root/%2e%2e/outside") == .invalidArgument)
        #expect(got("root/link/outside") == .permissionDenied)
        #expect(got("root/last") == .permissionDenied)
        #expect(got("root/in") == .invalidArgument)
        #expect(got("root/absent") == .notFound)
        #expect(code { _ = try cache.ensure(name: "t", url: "ftp://h/x", sha256: sha) } == .invalidArgument)
    }

    @Test("leftovers of a crash are swept at start")
    func sweeps() throws {
        let scratch = try Scratch()
        try DirectoryTree.make("\(scratch.path)/base/static-files")
        try AtomicFile.write(
            [1],
            to: "\(scratch.path)/base/static-files/runsc-\(String(repeating: "a", count: 64))-download-1-2"
        )
        _ = scratch.cache()
        #expect(try scratch.entries() == [])
    }

    @Test("RFC 4231 test case 2, FIPS 180 'abc'")
    func vectors() {
        let tag = keyedHash(key: Array("Jefe".utf8), Array("what do ya want for nothing?".utf8))
        #expect(hexadecimal(tag) == "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843")
        #expect(
            SHA256.hex(of: Array("abc".utf8)) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        )
    }
}
