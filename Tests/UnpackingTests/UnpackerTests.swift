import Glibc
import SystemLayer
import TestSupport
import Testing

@testable import Unpacking

@Suite struct UnpackerTests {
    @Test(
        "contract §11 D 25: names",
        arguments: [
            ("etc/passwd", ["etc", "passwd"]), ("etc/", ["etc"]), ("/etc/passwd", ["etc", "passwd"]),
            ("//etc/passwd", ["etc", "passwd"]), ("./a/./b", ["a", "b"]), (".", nil), ("", nil), ("/", nil),
            ("a/../b", ["b"]),
        ] as [(String, [String]?)]
    )
    func names(_ name: String, _ want: [String]?) throws { #expect(try EntryName.parse(name) == want) }

    @Test("§11 D 25, 28: names that lead out", arguments: ["../x", "..", "a/../../escape"])
    func traversal(_ name: String) throws {
        let staging = try Staging()
        #expect(try staging.unpack(TarBuilder().add(name, "0", "x"))?.hasPrefix("invalid tar entry") == true)
        #expect(try DirectoryTree.names(in: staging.root) == [])
    }

    @Test("§11 D 26, 32: the happy path, with missing parents")
    func happy() throws {
        let staging = try Staging()
        let tar = TarBuilder().add("d/", "5", mode: 0o755).add("d/f", "0", "hello", mode: 0o640)
            .add("h", "1", link: "d/f").add("s", "2", link: "/etc/passwd").add("x/y/z", "0", "deep")
        #expect(try staging.unpack(tar) == nil)
        #expect(try staging.text("root/d/f") == "hello")
        #expect(staging.status("d/f")?.st_ino == staging.status("h")?.st_ino)
        #expect(staging.link("s") == "/etc/passwd")
        #expect(staging.status("x")?.st_mode == S_IFDIR | 0o755)
        #expect(staging.status("d/f")?.st_mode == S_IFREG | 0o640)
    }

    @Test("§11 D 27: later entries replace earlier ones")
    func replaces() throws {
        let staging = try Staging()
        let tar = TarBuilder().add("a/", "5").add("a/in", "0", "x").add("a", "2", link: "b")
            .add("f", "0", "v1").add("f", "0", "v2").add("l", "2", link: "f").add("l", "2", link: "g")
            .add("t", "0", "target").add("m", "2", link: "t").add("m", "0", "file")
            .add("n", "0", "x").add("n", "2", link: "dangling")
            .add("p", "0", "old").add("q", "1", link: "p").add("q", "0", "new")
        #expect(try staging.unpack(tar) == nil)
        #expect(staging.link("a") == "b")
        #expect(try staging.text("root/f") == "v2")
        #expect(staging.link("l") == "g")
        #expect(try staging.text("root/m") == "file")
        #expect(try staging.text("root/t") == "target")
        #expect(staging.link("n") == "dangling")
        #expect(try staging.text("root/p") == "old")
        #expect(try staging.text("root/q") == "new")
    }

    @Test("§11 D 28: a symbolic link leads nowhere out", arguments: ["/", "../host", "a/../../host"])
    func symlinkEscape(_ target: String) throws {
        let staging = try Staging()
        let link = target == "/" ? "\(staging.path)/host" : target
        let tar = TarBuilder().add("a/", "5").add("etc", "2", link: link).add("etc/passwd", "0", "owned")
        #expect(try staging.unpack(tar)?.hasPrefix("invalid tar entry") == true)
        #expect(try staging.text("host/passwd") == "secret")
    }

    @Test("a link that stays inside is followed, as upstream does")
    func symlinkInside() throws {
        let staging = try Staging()
        let tar = TarBuilder().add("usr/bin/", "5").add("a/bin", "2", link: "../usr/bin").add("a/bin/sh", "0", "sh")
        #expect(try staging.unpack(tar) == nil)
        #expect(try staging.text("root/usr/bin/sh") == "sh")
    }

    @Test("§11 D 28: hard links out", arguments: ["../host/passwd", "a/../../host", "absent"])
    func hardlinkEscape(_ target: String) throws {
        let staging = try Staging()
        #expect(
            try staging.unpack(TarBuilder().add("h", "1", link: target))?.hasPrefix("invalid hardlink target") == true
        )
    }

    @Test("§11 D 29: devices, FIFOs, truncation", arguments: ["3", "4", "6"] as [Character])
    func devices(_ type: Character) throws {
        let staging = try Staging()
        let message = try staging.unpack(TarBuilder().add("dev", type))
        #expect(message?.hasPrefix("unhandled tar entry typeflag") == true)
        let whole = TarBuilder().add("f", "0", String(repeating: "x", count: 5000)).ended
        #expect(try staging.unpack(Array(whole.prefix(3000)))?.hasPrefix("damaged archive") == true)
    }

    @Test("§11 D 31: a read-only directory gets its child, keeps its mode, can be removed")
    func readOnlyDirectory() throws {
        let staging = try Staging()
        #expect(try staging.unpack(TarBuilder().add("d/", "5", mode: 0o555).add("d/f", "0", "x")) == nil)
        #expect(staging.status("d")?.st_mode == S_IFDIR | 0o555)
        try DirectoryTree.remove(staging.root)
        #expect(staging.status("") == nil)
    }

    @Test(
        "T54: whiteouts become overlayfs's",
        .enabled(if: TestMachine.needs(TestMachine.isRoot), "only root makes devices")
    )
    func whiteouts() throws {
        let staging = try Staging()
        let tar = TarBuilder().add("d/.wh.gone", "0").add("o/.wh..wh..opq", "0").add(".wh..wh.plnk", "0")
            .add("k", "0", "kept").add(".wh.k", "0")
        #expect(try staging.unpack(tar) == nil)
        #expect(staging.status("d/gone")?.st_mode == S_IFCHR)
        #expect(staging.status("d/gone")?.st_rdev == 0)
        #expect(try staging.text("root/k") == "kept")
        #expect(staging.status("o/.wh..wh..opq") == nil)
        for bad in [".wh.", ".wh..", ".wh...", ".wh.a/b"] {
            #expect(try Staging().unpack(TarBuilder().add(bad, "0"))?.hasPrefix("invalid tar entry") == true)
        }
    }

    @Test("T55: where all becomes root's, setuid survives only where the owner is root's own")
    func setuid() throws {
        let staging = try Staging()
        let tar = TarBuilder().add("root", "0", mode: 0o4755).add("user", "0", mode: 0o4755, uid: 1000)
        #expect(try staging.unpack(tar, .layerOfRoot) == nil)
        #expect(staging.status("root")?.st_mode == S_IFREG | 0o4755)
        #expect(staging.status("user")?.st_mode == S_IFREG | 0o755)
    }

    @Test("T56: limits")
    func limits() throws {
        var limits = UnpackLimits()
        limits.entries = 2
        limits.bytes = 10
        let three = TarBuilder().add("a").add("b").add("c")
        #expect(try Staging().unpack(three.ended, .layer, limits)?.contains("entries") == true)
        let large = TarBuilder().add("a", "0", "12345678901")
        #expect(try Staging().unpack(large.ended, .layer, limits)?.contains("bytes") == true)
    }

    @Test("T47-T49: packed and unpacked again: links stored once, FIFOs left out, holes stay holes")
    func packs() throws {
        let staging = try Staging()
        let from = "\(staging.path)/volume"
        try DirectoryTree.make("\(from)/dé")
        try AtomicFile.write(Array("one".utf8), to: "\(from)/a", mode: 0o4755)
        #expect(unsafe link("\(from)/a", "\(from)/b") == 0)
        #expect(unsafe symlink("/etc", "\(from)/c") == 0)
        #expect(unsafe mkfifo("\(from)/fifo", 0o644) == 0)
        #expect(unsafe truncate("\(from)/a", 1 << 30) == 0)
        try AtomicFile.write(Array("two".utf8), to: "\(from)/dé/f")
        do {
            let output = OwnedFD(unsafe open("\(staging.path)/v.tar", O_WRONLY | O_CREAT | O_CLOEXEC, 0o600))
            let volume = OwnedFD(unsafe open(from, O_RDONLY | O_DIRECTORY | O_CLOEXEC))
            try Packer(output: output.rawValue).pack([(name: "v", directory: volume.rawValue)])
        }
        let input = OwnedFD(unsafe open("\(staging.path)/v.tar", O_RDONLY | O_CLOEXEC))
        let root = OwnedFD(unsafe open(staging.root, O_RDONLY | O_DIRECTORY | O_CLOEXEC))
        try Unpacker(root: root.rawValue, mode: .durable).unpack(from: input.rawValue)
        let file = try #require(staging.status("v/a"))
        #expect(file.st_size == 1 << 30 && file.st_blocks < 1 << 12)
        #expect(file.st_mode == S_IFREG | 0o755)
        #expect(file.st_ino == staging.status("v/b")?.st_ino)
        #expect(staging.link("v/c") == "/etc")
        #expect(staging.status("v/fifo") == nil)
        #expect(try staging.text("root/v/dé/f") == "two")
    }
}
