import CArchive
import Foundation
import Glibc
import SystemLayer
import TestSupport
import Testing

@testable import Unpacking

/// What the OCI specification asks of a layer, and what a stranger may put into one.
@Suite struct LayerTests {
    private static func text(_ path: String, _ attribute: String) -> String? {
        var value = [UInt8](repeating: 0, count: 256)
        let count = unsafe getxattr(path, attribute, &value, value.count)
        return count < 0 ? nil : String(decoding: value.prefix(count), as: UTF8.self)
    }

    @Test("T54: user attributes are kept, those of overlayfs, capabilities and access lists are not")
    func attributes() throws {
        let staging = try Staging()
        let prefix = "SCHILY.xattr."
        let names = [
            "user.mine", "user.overlay.opaque", "trusted.overlay.redirect", "security.capability",
            "system.posix_acl_access", "trusted.other",
        ]
        let tar = TarBuilder().pax(names.map { (prefix + $0, "value") }).add("file", "0", "x")
            .pax([(prefix + "user.on", "directory")]).add("d/", "5")
        #expect(try staging.unpack(tar) == nil)
        #expect(Self.text("\(staging.root)/file", "user.mine") == "value")
        #expect(Self.text("\(staging.root)/d", "user.on") == "directory")
        for name in names.dropFirst() { #expect(Self.text("\(staging.root)/file", name) == nil, "\(name)") }
        var limits = UnpackLimits()
        limits.attributes = (count: 2, bytes: 100)
        let many = TarBuilder().pax((0..<3).map { (prefix + "user.n\($0)", "x") }).add("f", "0", "x")
        #expect(try Staging().unpack(many.ended, .layer, limits)?.contains("attributes") == true)
    }

    @Test(
        "owners are the image's",
        .enabled(if: TestMachine.needs(TestMachine.isRoot), "only root gives files away")
    )
    func owners() throws {
        let staging = try Staging()
        let tar = TarBuilder().add("home/", "5", mode: 0o2750, uid: 1000, gid: 50)
            .add("home/file", "0", "x", mode: 0o6755, uid: 1000, gid: 50).add("home/link", "2", link: "file", uid: 7)
            .pax([("uid", "4294967294")]).add("last", "0", "x")
        #expect(try staging.unpack(tar) == nil)
        #expect(staging.status("home")?.st_mode == S_IFDIR | 0o2750)
        #expect(staging.status("home")?.st_uid == 1000 && staging.status("home")?.st_gid == 50)
        #expect(staging.status("home/file")?.st_mode == S_IFREG | 0o6755)
        #expect(staging.status("home/file")?.st_uid == 1000)
        #expect(staging.status("home/link")?.st_uid == 7)
        #expect(staging.status("last")?.st_uid == 4_294_967_294)
    }

    @Test("numbers that no user has are refused, not cut short", arguments: ["4294967295", "4294967296", "-1"])
    func impossibleOwners(_ number: String) throws {
        let staging = try Staging()
        let tar = TarBuilder().pax([("uid", number)]).add("su", "0", "x", mode: 0o4755)
        let said = try staging.unpack(tar)
        #expect(said?.contains("owner") == true && said?.contains("\"su\"") == true, "\(said ?? "")")
        #expect(staging.status("su") == nil)
    }

    @Test("names that look alike are different files, as the kernel has them")
    func spellings() throws {
        let staging = try Staging()
        let composed = "caf\u{e9}"
        let decomposed = "cafe\u{301}"
        let tar = TarBuilder().add(composed, "0", "one").add(decomposed, "0", "two")
            .add("README", "0", "upper").add("readme", "0", "lower")
            .add("k", "0", "kelvin").add("\u{212a}", "0", "sign")
            .add("to", "2", link: composed).add("to", "2", link: decomposed)
        #expect(try staging.unpack(tar) == nil)
        #expect(try staging.text("root/\(composed)") == "one")
        #expect(try staging.text("root/\(decomposed)") == "two")
        #expect(try staging.text("root/README") == "upper")
        #expect(try staging.text("root/readme") == "lower")
        #expect(try staging.text("root/k") == "kelvin")
        // The link that was told to lead elsewhere does.
        #expect(try #require(staging.link("to")).utf8.elementsEqual(decomposed.utf8))
        // A hard link to the other spelling is no link to itself.
        let linked = try Staging()
        #expect(try linked.unpack(TarBuilder().add(composed, "0", "one").add(decomposed, "1", link: composed)) == nil)
        #expect(linked.status(composed)?.st_nlink == 2)
        #expect(linked.status(decomposed) != nil)
    }

    @Test("a whiteout is one by its bytes, whatever follows them")
    func whiteoutBytes() throws {
        // The last dot and the accent are one character to Swift, and two to everybody else.
        let kind = try EntryName.whiteout([".wh.\u{301}x"])
        guard case .removed(let name) = kind else { throw TestFailure("it is \(kind)") }
        #expect(name.utf8.elementsEqual("\u{301}x".utf8))
        #expect(throws: (any Error).self) { try EntryName.whiteout([".wh.\u{301}d", "x"]) }
        #expect(try EntryName.whiteout([".WH.x"]) == .none)
    }

    @Test(
        "what is refused is named",
        arguments: [
            (TarBuilder().add("fine").add("../out", "0", "x"), "entry 2 \"../out\""),
            (TarBuilder().add("dev/null", "3"), "entry 1 \"dev/null\""),
            (TarBuilder().add("a").add("dev/sda", "4"), "entry 2 \"dev/sda\""),
            (TarBuilder().add("pipe", "6"), "entry 1 \"pipe\""),
            (TarBuilder().add("h", "1", link: "../../shadow"), "entry 1 \"h\""),
            (TarBuilder().add("etc", "2", link: "/etc").add("etc/passwd", "0", "x"), "entry 2 \"etc/passwd\""),
            (TarBuilder().add("up", "2", link: "..").add("up/x", "0", "x"), "entry 2 \"up/x\""),
            (TarBuilder().add("f", "0", "x").add("f/below", "0", "x"), "entry 2 \"f/below\""),
            (TarBuilder().add("a/.wh..", "0"), "entry 1 \"a/.wh..\""),
            (TarBuilder().add("\u{1b}[2J\u{202e}..", "3"), "entry 1 \"?[2J?..\""),
        ] as [(TarBuilder, String)]
    )
    func named(_ tar: TarBuilder, _ words: String) throws {
        let staging = try Staging()
        let said = try #require(try staging.unpack(tar))
        #expect(said.contains(words), "\(said)")
        #expect(try staging.text("host/passwd") == "secret")
    }

    @Test("names that are no UTF-8 are refused: an overlong dot, a lone continuation, another character set")
    func notText() throws {
        for bytes: [UInt8] in [[0xc0, 0xae, 0xc0, 0xae, 0x2f, 0x78], [0x61, 0x80], [0x64, 0xe9, 0x66]] {
            var tar = TarBuilder().add(String(repeating: "N", count: bytes.count), "0", "x").ended
            tar.replaceSubrange(0..<bytes.count, with: bytes)
            tar.replaceSubrange(148..<156, with: Array("        ".utf8))
            let sum = tar.prefix(512).reduce(0) { $0 + Int($1) }
            let digits = String(sum, radix: 8)
            tar.replaceSubrange(
                148..<156,
                with: Array((String(repeating: "0", count: 6 - digits.count) + digits).utf8) + [0, 0x20]
            )
            let staging = try Staging()
            #expect(try staging.unpack(tar)?.hasPrefix("invalid tar entry: name is not UTF-8") == true)
            #expect(try DirectoryTree.names(in: staging.root) == [])
        }
    }

    @Test("T56: bombs of directories, of size and of compression end at a limit that is named")
    func bombs() throws {
        var limits = UnpackLimits()
        limits.directoryBytes = 2000
        var tar = TarBuilder()
        for number in 0..<100 { tar = tar.add("directory-\(number)/", "5") }
        let many = try Staging().unpack(tar.ended, .layer, limits)
        #expect(many?.contains("too many directories") == true && many?.contains("directory-") == true)
        limits = UnpackLimits()
        limits.bytes = 100
        let large = try Staging().unpack(
            TarBuilder().add("s", "0", "1").add("huge", "0", String(repeating: "x", count: 100)).ended,
            .layer,
            limits
        )
        #expect(large?.contains("more than 100 bytes") == true && large?.contains("\"huge\"") == true)
        limits = UnpackLimits()
        limits.ratioFloor = 1 << 20
        let zeros = TarBuilder().add("zeros", "0", String(repeating: "\0", count: 8 << 20)).ended
        let staging = try Staging()
        try AtomicFile.write(zeros, to: "\(staging.path)/zeros.tar")
        let packed = try ProgramRun.wait("/bin/gzip", ["-9", "\(staging.path)/zeros.tar"])
        try #require(packed.code == 0)
        let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: "\(staging.path)/zeros.tar.gz")))
        let ratio = try staging.unpack(bytes, .layer, limits)
        #expect(ratio?.contains("400 times") == true && ratio?.contains("\"zeros\"") == true)
    }

    /// A zstd frame of raw blocks that says it needs a window of so many bits.
    private static func zstd(_ bytes: [UInt8], window: Int) -> [UInt8] {
        var frame: [UInt8] = [0x28, 0xb5, 0x2f, 0xfd, 0x00, UInt8((window - 10) << 3)]
        for start in stride(from: 0, to: bytes.count, by: 4096) {
            let block = bytes[start..<min(start + 4096, bytes.count)]
            let header = UInt32(start + 4096 >= bytes.count ? 1 : 0) | UInt32(block.count) << 3
            frame += [UInt8(header & 0xff), UInt8(header >> 8 & 0xff), UInt8(header >> 16 & 0xff)] + block
        }
        return frame
    }

    @Test("T56: a stream that wants a large window is refused; a usual one is not")
    func windows() throws {
        let tar = TarBuilder().add("f", "0", "hello").ended
        for (window, isFine) in [(23, true), (25, true), (27, false), (31, false)] {
            let staging = try Staging()
            try AtomicFile.write(Self.zstd(tar, window: window), to: "\(staging.path)/layer")
            let input = OwnedFD(unsafe open("\(staging.path)/layer", O_RDONLY | O_CLOEXEC))
            let root = OwnedFD(unsafe open(staging.root, O_RDONLY | O_DIRECTORY | O_CLOEXEC))
            let pipe = try DescriptorPair.pipe().release()
            let reader = OwnedFD(pipe.first)
            let writer = OwnedFD(pipe.second)
            var plan = SpawnPlan(
                program: "\(TestMachine.products)/substrate-unpack",
                arguments: ["substrate-unpack", "--layer"]
            )
            plan.descriptors = [
                (child: 0, parent: input.rawValue), (child: 2, parent: writer.rawValue),
                (child: 3, parent: root.rawValue),
            ]
            let process = try spawn(plan)
            try writer.close()
            let said = String(decoding: try readAll(from: reader.rawValue, limit: 8192), as: UTF8.self)
            let status = process.wait()
            #expect(status == .exited(isFine ? 0 : 1), "window \(window): \(said)")
            #expect((staging.status("f") != nil) == isFine)
        }
    }

    @Test("names deeper than descriptors are kept, and directories that are replaced while they are open")
    func deep() throws {
        let staging = try Staging()
        let deep = (0..<90).map { "d\($0 % 10)" }.joined(separator: "/")
        let long = TarBuilder().pax([("path", "\(deep)/one")]).add("x", "0", "1").pax([("path", "\(deep)/two")])
            .add("x", "0", "2")
        #expect(try staging.unpack(long) == nil)
        #expect(try staging.text("root/\(deep)/one") == "1")
        #expect(try staging.text("root/\(deep)/two") == "2")
        let again = try Staging()
        let tar = TarBuilder().add("a/b/c/f", "0", "old").add("a/b", "0", "file").add("a/b", "5").add(
            "a/b/c/g",
            "0",
            "new"
        )
        .add("a/b/c", "2", link: "../..").add("a/b/c/top", "0", "top")
        #expect(try again.unpack(tar) == nil)
        #expect(try again.text("root/top") == "top")
        #expect(again.status("a/b/c/f") == nil)
    }

    @Test("an archive that Python wrote: long names, links, a hole, times and modes")
    func python() throws {
        let staging = try Staging()
        let script = """
            import io, sys, tarfile
            with tarfile.open(sys.argv[1], "w:gz", format=getattr(tarfile, sys.argv[2])) as tar:
                def add(name, kind=tarfile.REGTYPE, data=b"", **more):
                    info = tarfile.TarInfo(name)
                    info.type, info.size, info.mtime = kind, len(data), 1_000_000_000
                    for key, value in more.items(): setattr(info, key, value)
                    tar.addfile(info, io.BytesIO(data))
                add("top", tarfile.DIRTYPE, mode=0o555)
                add("top/" + "n" * 200, data=b"long", mode=0o640)
                add("top/" + "m/" * 90 + "deep", data=b"deep")
                add("top/hard", tarfile.LNKTYPE, linkname="top/" + "n" * 200)
                add("top/soft", tarfile.SYMTYPE, linkname="/" + "s" * 150)
                add("ünï", data="ü".encode())
            """
        for format in ["PAX_FORMAT", "GNU_FORMAT"] {
            let archive = "\(staging.path)/\(format)"
            let made = try ProgramRun.wait("/usr/bin/python3", ["-c", script, archive, format])
            try #require(made.code == 0, "\(made.error)")
            let own = try Staging()
            let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: archive)))
            #expect(try own.unpack(bytes) == nil)
            let long = String(repeating: "n", count: 200)
            #expect(own.status("top")?.st_mode == S_IFDIR | 0o555)
            #expect(own.status("top")?.st_mtim.tv_sec == 1_000_000_000)
            #expect(own.status("top/\(long)")?.st_mode == S_IFREG | 0o640)
            #expect(own.status("top/hard")?.st_ino == own.status("top/\(long)")?.st_ino)
            #expect(own.link("top/soft") == "/" + String(repeating: "s", count: 150))
            #expect(try own.text("root/top/" + String(repeating: "m/", count: 90) + "deep") == "deep")
            #expect(try own.text("root/ünï") == "ü")
        }
    }
}
