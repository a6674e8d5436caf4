import CArchive
import Foundation
import Glibc
import SystemLayer
import TestSupport
import Testing

@testable import Unpacking

/// The real binary: what it gives up before the first byte, and that it still does its work then.
@Suite(.serialized, .enabled(if: geteuid() == 0, "gives up what only root has"))
struct WorkerTests {
    private static let program = URL(
        fileURLWithPath: (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
    ).deletingLastPathComponent().appendingPathComponent("substrate-unpack").path

    /// Starts it; `input` becomes 0, `output` 1, the directory 3, and 9 is nobody's.
    private func start(
        _ arguments: [String],
        _ directory: String,
        input: CInt,
        output: CInt,
        errors: CInt
    ) throws -> ProcessHandle {
        let place = OwnedFD(unsafe open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC))
        var plan = SpawnPlan(program: Self.program, arguments: ["substrate-unpack"] + arguments)
        plan.descriptors = [
            (child: 0, parent: input), (child: 1, parent: output), (child: 2, parent: errors),
            (child: 3, parent: place.rawValue), (child: 9, parent: place.rawValue),
        ]
        return try spawn(plan)
    }

    /// Runs it to its end; answers what it said, or nil.
    private func run(_ arguments: [String], _ directory: String, from: String?, to: String?) throws -> String? {
        let input = OwnedFD(unsafe open(from ?? "/dev/null", O_RDONLY | O_CLOEXEC))
        let output = OwnedFD(unsafe open(to ?? "/dev/null", O_WRONLY | O_CREAT | O_CLOEXEC, 0o600))
        let said = try DescriptorPair.pipe().release()
        let reader = OwnedFD(said.first)
        let writer = OwnedFD(said.second)
        let process = try start(
            arguments,
            directory,
            input: input.rawValue,
            output: output.rawValue,
            errors: writer.rawValue
        )
        try writer.close()
        let words = String(decoding: try readAll(from: reader.rawValue, limit: 8192), as: UTF8.self)
        return process.wait() == .exited(0) ? nil : "\(words)"
    }

    private func fields(_ pid: Int32) -> [String: String] {
        Dictionary(
            (TextFile.read("/proc/\(pid)/status") ?? "").split(separator: "\n").compactMap { line in
                let parts = line.split(separator: ":", maxSplits: 1)
                return parts.count == 2
                    ? (String(parts[0]), parts[1].split(separator: "\t").joined(separator: " ")) : nil
            },
            uniquingKeysWith: { first, _ in first }
        )
    }

    @Test(
        "it gives up everything before it reads or writes a byte",
        arguments: [
            ("--layer", "000000000020001b", true), ("--layer-of-root", "0000000000200002", true),
            ("--durable", "000000000000000b", true),
            ("--pack", "0000000000000004", false),
        ] as [(String, String, Bool)]
    )
    func confinement(_ mode: String, _ capabilities: String, _ makesFiles: Bool) throws {
        let staging = try Staging()
        // Nobody writes to the first pipe, nobody reads the second: a pipe of one page, and more than that to say.
        let silent = try DescriptorPair.pipe().release()
        let reader = OwnedFD(silent.first)
        let held = OwnedFD(silent.second)
        let stuffed = try DescriptorPair.pipe().release()
        let unread = OwnedFD(stuffed.first)
        let writer = OwnedFD(stuffed.second)
        if mode == "--pack" {
            try AtomicFile.write([UInt8](repeating: 7, count: 1 << 20), to: "\(staging.root)/big")
        }
        let arguments = mode == "--pack" ? [mode, "data"] : [mode]
        let process = try start(
            arguments,
            staging.root,
            input: reader.rawValue,
            output: writer.rawValue,
            errors: writer.rawValue
        )
        defer {
            process.signal(SIGKILL)
            _ = process.wait()
        }
        let call = mode == "--pack" ? "1 0x1" : "0 0x0"
        var waits = false
        for _ in 0..<1000 where !waits {
            waits = TextFile.read("/proc/\(process.pid)/syscall")?.hasPrefix(call) == true
            if !waits { usleep(10_000) }
        }
        try #require(waits, "it never came to its first byte: \(TextFile.read("/proc/\(process.pid)/syscall") ?? "")")
        let status = fields(process.pid)
        let identity = "\(UnpackCommand.identity)"
        let files = makesFiles ? "0" : identity
        #expect(status["Uid"] == "\(identity) \(identity) \(identity) \(files)")
        #expect(status["Gid"] == "\(identity) \(identity) \(identity) \(files)")
        #expect(status["Groups"]?.allSatisfy { $0 == " " } == true)
        #expect(status["CapEff"] == capabilities && status["CapPrm"] == capabilities)
        for none in ["CapBnd", "CapInh", "CapAmb"] { #expect(status[none] == "0000000000000000", "\(none)") }
        #expect(status["NoNewPrivs"] == "1" && status["Seccomp"] == "2" && status["Seccomp_filters"] == "1")
        #expect(status["Threads"] == "1")
        // The fifth is the file that is being packed.
        let open = ["0", "1", "2", "3"] + (mode == "--pack" ? ["4"] : [])
        #expect(try DirectoryTree.names(in: "/proc/\(process.pid)/fd") == open)
        let manager = FileManager.default
        #expect(try manager.destinationOfSymbolicLink(atPath: "/proc/\(process.pid)/root") == staging.root)
        for namespace in ["net", "ipc", "uts"] {
            #expect(
                try manager.destinationOfSymbolicLink(atPath: "/proc/\(process.pid)/ns/\(namespace)")
                    != manager.destinationOfSymbolicLink(atPath: "/proc/self/ns/\(namespace)")
            )
        }
        let limits = TextFile.read("/proc/\(process.pid)/limits") ?? ""
        for (name, value) in [
            ("Max address space", Int(UnpackCommand.memory)), ("Max open files", 1024), ("Max processes", 0),
            ("Max cpu time", 1800),
            ("Max core file size", 0), ("Max locked memory", 0),
        ] {
            let line = limits.split(separator: "\n").first { $0.hasPrefix(name) } ?? ""
            #expect(line.dropFirst(26).split(separator: " ").first == "\(value)", "\(line)")
        }
        _ = (held.rawValue, unread.rawValue)
    }

    @Test("volumes come back as they were: owners, modes, links, holes, closed directories")
    func volumes() throws {
        let staging = try Staging()
        let data = "\(staging.path)/data"
        try DirectoryTree.make("\(data)/closed")
        try AtomicFile.write(Array("mine\n".utf8), to: "\(data)/closed/file", mode: 0o600)
        _ = unsafe chown("\(data)/closed/file", 1234, 5678)
        _ = unsafe symlink("closed/file", "\(data)/link")
        _ = unsafe lchown("\(data)/link", 77, 78)
        _ = unsafe link("\(data)/closed/file", "\(data)/hard")
        try AtomicFile.write([1], to: "\(data)/sparse")
        _ = unsafe truncate("\(data)/sparse", 8 << 20)
        _ = unsafe chown("\(data)/closed", 1234, 5678)
        _ = unsafe chmod("\(data)/closed", 0)
        var past = [timespec(tv_sec: 1_000_000_000, tv_nsec: 0), timespec(tv_sec: 1_000_000_000, tv_nsec: 0)]
        for name in ["closed/file", "link", "sparse", "closed"] {
            let place = "\(data)/\(name)"
            #expect(unsafe utimensat(AT_FDCWD, place, &past, AT_SYMLINK_NOFOLLOW) == 0, "\(name)")
        }
        let archive = "\(staging.path)/volumes.tar"
        #expect(try run(["--pack", "data"], data, from: nil, to: archive) == nil)
        #expect(try run(["--durable"], staging.root, from: archive, to: nil) == nil)
        for name in ["closed", "closed/file", "link", "hard", "sparse"] {
            let was = try #require(Self.status("\(data)/\(name)"))
            let now = try #require(staging.status("data/\(name)"), "\(name)")
            #expect(now.st_uid == was.st_uid && now.st_gid == was.st_gid, "\(name)")
            #expect(now.st_mode == was.st_mode && now.st_size == was.st_size, "\(name)")
            #expect(now.st_mtim.tv_sec == 1_000_000_000, "\(name)")
        }
        #expect(staging.status("data/hard")?.st_ino == staging.status("data/closed/file")?.st_ino)
        #expect(try #require(staging.status("data/sparse")).st_blocks * 512 < 1 << 20)
        _ = unsafe chmod("\(data)/closed", 0o700)
        _ = unsafe chmod("\(staging.root)/data/closed", 0o700)
        #expect(try staging.text("root/data/closed/file") == "mine\n")
    }

    @Test(
        "a layer belongs to whom it says, or to root; its whiteouts and opaque directories are overlayfs's",
        arguments: ["--layer", "--layer-of-root"]
    )
    func layer(_ mode: String) throws {
        let staging = try Staging()
        let tar = TarBuilder().add("usr/", "5", mode: 0o555).add("usr/su", "0", "program", mode: 0o4755)
            .add("usr/theirs", "0", "x", mode: 0o4755, uid: 1000).add("shared/", "5", mode: 0o2775, gid: 50).add(
                "old/.wh..wh..opq",
                "0"
            ).add("old/.wh.gone", "0")
            .add("l", "2", link: "usr/su")
        try AtomicFile.write(tar.ended, to: "\(staging.path)/layer.tar")
        #expect(try run([mode], staging.root, from: "\(staging.path)/layer.tar", to: nil) == nil)
        #expect(staging.status("usr")?.st_mode == S_IFDIR | 0o555)
        #expect(staging.status("usr/su")?.st_mode == S_IFREG | 0o4755)
        for name in ["usr", "usr/su", "old", "l"] {
            #expect(staging.status(name)?.st_uid == 0 && staging.status(name)?.st_gid == 0, "\(name)")
        }
        #expect(staging.status("usr/theirs")?.st_uid == (mode == "--layer" ? 1000 : 0))
        #expect(staging.status("usr/theirs")?.st_mode == S_IFREG | (mode == "--layer" ? 0o4755 : 0o755))
        #expect(staging.status("shared")?.st_mode == S_IFDIR | (mode == "--layer" ? 0o2775 : 0o775))
        #expect(staging.status("shared")?.st_gid == (mode == "--layer" ? 50 : 0))
        #expect(staging.status("old/gone")?.st_mode == S_IFCHR)
        var value = [UInt8](repeating: 0, count: 4)
        let count = unsafe getxattr("\(staging.root)/old", "trusted.overlay.opaque", &value, 4)
        #expect(count == 1 && value[0] == UInt8(ascii: "y"))
    }

    @Test("names in another character set are an answer, not a death by the filter")
    func characterSets() throws {
        let staging = try Staging()
        for name in ["BINARY", "ISO-IR 8859 1 1998", "ISO-IR 10646 2000 UTF-8", "KOI8-R"] {
            let record = "hdrcharset=\(name)\n"
            var length = record.utf8.count + 3
            if "\(length)".count != 2 { length += 1 }
            let pax = "\(length) \(record)13 path=d\u{e9}f\n"
            let tar = TarBuilder().add("pax", "x", pax).add("plain", "0", "x")
            try AtomicFile.write(tar.ended, to: "\(staging.path)/pax.tar")
            let said = try run(["--layer"], staging.root, from: "\(staging.path)/pax.tar", to: nil)
            #expect(said == nil || said?.first == "3", "\(name): \(said ?? "")")
        }
    }

    private static func status(_ path: String) -> stat? {
        var status = stat()
        return unsafe lstat(path, &status) == 0 ? status : nil
    }
}
