import Foundation
import Glibc
import SystemLayer
import TestSupport
import Testing
import Transfer

/// A local snapshot of one file, as a checkpoint leaves it: `space/one first`.
enum PlainSnapshot {
    /// Makes it.
    ///
    /// - Returns: its directory.
    static func make(_ bytes: [UInt8], in base: String) throws -> String {
        let place = "\(base)/actors/space:one/local-checkpoint/first"
        try DirectoryTree.make(place)
        try AtomicFile.write(bytes, to: "\(place)/memory.img")
        let manifest = """
            {"sandboxClass":"m","assets":{},"scope":"full","snapshotFiles":["memory.img"],
            "files":{"memory.img":{"size":\(bytes.count),"sha256":"\(SHA256.hex(of: bytes))"}}}
            """
        try AtomicFile.write(Array(manifest.utf8), to: "\(place)/manifest.json")
        return place
    }
}

/// A small file system of memory, for as long as this lives.
private final class SmallDisk {
    let path: String

    init(_ path: String, _ size: String) async throws {
        self.path = path
        try DirectoryTree.make(path)
        let run = try await ProgramRun.run("/bin/mount", ["-t", "tmpfs", "-o", "size=\(size)", "none", path])
        try #require(run.code == 0, "\(run.error)")
    }

    func grow(_ size: String) async throws {
        let run = try await ProgramRun.run("/bin/mount", ["-o", "remount,size=\(size)", path])
        try #require(run.code == 0, "\(run.error)")
    }

    deinit { _ = unsafe umount2(path, CInt(MNT_DETACH)) }
}

/// What real servers, networks and disks do wrong, through the binary.
@Suite("Faults of registries, stores and disks", .serialized, .timeLimit(.minutes(5)))
struct StoreFaultTests {
    private static let hasRegistry =
        unsafe TestMachine.isRoot && access("/usr/bin/docker-registry", X_OK) == 0
        && access("/usr/bin/skopeo", X_OK) == 0

    private func door(_ scratch: ScratchDirectory, _ mode: String) throws {
        try AtomicFile.write(Array(mode.utf8), to: "\(scratch.path)/mode")
    }

    @Test(
        "images: a registry that fails, drips, is cut or lies, and a full disk",
        .enabled(if: TestMachine.needs(hasRegistry), "apt-get install docker-registry skopeo, as root")
    )
    func images() async throws {
        let scratch = try ScratchDirectory("faults")
        let server = try ForeignServer("ImagesTests/Servers/registry.py", scratch.path)
        defer { server.stop() }
        let name = "127.0.0.1:\(server.words[0])/app:v1"
        let layout = try await CounterImage.reference()
        let words = ["--insecure-policy", "copy", "-q", "--dest-tls-verify=false", layout, "docker://\(name)"]
        let pushed = try await ProgramRun.run("/usr/bin/skopeo", words, patience: 60)
        try #require(pushed.code == 0, "\(pushed.error)")
        let disk = try await SmallDisk("\(scratch.path)/base", "900k")
        func pull() async throws -> ProgramRun {
            try await ProgramRun.run(
                TestMachine.host,
                ["images", "pull", name, "--base-dir", disk.path],
                patience: 60
            )
        }
        func left(_ directory: String) throws -> [String] {
            try DirectoryTree.names(in: "\(disk.path)/image-store/\(directory)")
        }
        let full = try await pull()
        #expect(full.code == 1 && full.error.lowercased().contains("no space left"), "\(full.error)")
        #expect(try left("staging").isEmpty && left("layers").isEmpty)
        try await disk.grow("64m")
        for (mode, words) in [("flip 600000", "digest"), ("cut 300000", "EOF"), ("shut", "127.0.0.1")] {
            try door(scratch, mode)
            let failed = try await pull()
            #expect(failed.code == 1 && failed.error.contains("image \"\(name)\""), "\(mode): \(failed.error)")
            #expect(failed.error.lowercased().contains(words.lowercased()), "\(mode): \(failed.error)")
            #expect(try left("staging").isEmpty && left("layers").isEmpty, "\(mode)")
        }
        // What a moment later may work is tried again.
        try door(scratch, "fail 1")
        let again = try await pull()
        #expect(again.code == 0 && again.output.hasPrefix("sha256:"), "\(again.error)")
        let removed = try await ProgramRun.run(
            TestMachine.host,
            ["images", "rm", name, "--base-dir", disk.path]
        )
        #expect(removed.code == 0, "\(removed.error)")
        try door(scratch, "slow 2000000")
        let slow = try await pull()
        #expect(slow.code == 0 && slow.output == again.output, "\(slow.error)")
        #expect(try left("staging").isEmpty)
    }

    /// What no compressor makes smaller.
    private static let noise: [UInt8] = {
        var state: UInt64 = 7
        return (0..<(2 << 20)).map { _ in
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return UInt8(truncatingIfNeeded: state >> 33)
        }
    }()

    @Test(
        "snapshots: a store that fails, drips, hangs up in a PUT, is cut or lies, and a full disk",
        .enabled(if: TestMachine.needs(ForeignServer.hasObjects), "Python has no moto: pip install 'moto[server]'"),
        .enabled(if: TestMachine.needs(TestMachine.isRoot), "only root mounts"),
        arguments: ["chunks", "atelet"]
    )
    func snapshots(_ format: String) async throws {
        let scratch = try ScratchDirectory("faults")
        try AtomicFile.write([1], to: "\(scratch.path)/seed")
        let server = try ForeignServer("objects.py", "\(scratch.path)/seed", "seed", scratch.path)
        defer { server.stop() }
        let source = "\(scratch.path)/source"
        let place = try PlainSnapshot.make(Self.noise, in: source)
        let environment = [
            "AWS_ENDPOINT_URL=http://127.0.0.1:\(server.words[0])", "AWS_S3_USE_PATH_STYLE=true",
            "AWS_ACCESS_KEY_ID=\(server.words[1])", "AWS_SECRET_ACCESS_KEY=\(server.words[2])", "AWS_REGION=us-east-1",
        ]
        func run(_ base: String, _ words: String...) async throws -> ProgramRun {
            let line = ["snapshots"] + words + ["--snapshot-format", format, "--base-dir", base]
            return try await ProgramRun.run(
                "/usr/bin/env",
                environment + [TestMachine.host]
                    + line.filter { words[0] == "export" || $0 != "--snapshot-format" && $0 != format },
                patience: 120
            )
        }
        let uri = "s3://assets/one"
        // In the middle of each PUT of the first connections, and of every one.
        try door(scratch, "hang-up 20000")
        let cut = try await run(source, "export", "space/one", "first", uri)
        #expect(cut.code == 1 && cut.error.contains("127.0.0.1"), "\(cut.error)")
        try door(scratch, "")
        #expect(try await run(source, "ls", "s3://assets", "--json").output == "[]\n", "no manifest is there")
        #expect(try SHA256.hex(ofFile: "\(place)/memory.img") == SHA256.hex(of: Self.noise), "the local copy is whole")
        try door(scratch, "fail 3")
        let sent = try await run(source, "export", "space/one", "first", uri)
        #expect(sent.code == 0, "\(sent.error)")

        let disk = try await SmallDisk("\(scratch.path)/base", "1m")
        func isClean() throws -> Bool {
            let actors = try DirectoryTree.names(in: "\(disk.path)/actors")
            return try DirectoryTree.names(in: "\(disk.path)/scratch").isEmpty && actors.isEmpty
        }
        try door(scratch, "")
        let full = try await run(disk.path, "import", uri, "space/two", "first")
        #expect(full.code == 1 && full.error.contains("No space left"), "\(full.error)")
        #expect(try isClean())
        try await disk.grow("64m")
        try door(scratch, "flip 20000")
        let lies = try await run(disk.path, "import", uri, "space/two", "first")
        #expect(lies.code == 1 && lies.error.contains("memory.img"), "\(lies.error)")
        #expect(try isClean())
        try door(scratch, "shut")
        let shut = try await run(disk.path, "import", uri, "space/two", "first")
        #expect(shut.code == 1 && shut.error.contains("127.0.0.1"), "\(shut.error)")
        #expect(try isClean())
        try door(scratch, "cut 20000")
        let half = try await run(disk.path, "import", uri, "space/two", "first")
        #expect(half.code == 1 && half.error.contains("127.0.0.1"), "\(half.error)")
        #expect(try isClean())
        try door(scratch, "fail 2")
        let brought = try await run(disk.path, "import", uri, "space/two", "first")
        #expect(brought.code == 0, "\(brought.error)")
        let file = "\(disk.path)/actors/space:two/local-checkpoint/first/memory.img"
        #expect(try SHA256.hex(ofFile: file) == SHA256.hex(of: Self.noise))
        try door(scratch, "slow 4000000")
        let slow = try await run(disk.path, "import", uri, "space/two", "second")
        #expect(slow.code == 0, "\(slow.error)")
    }

    @Test(
        "snapshots: a full file store has no manifest and no half object, and the next export goes on",
        .enabled(if: TestMachine.needs(TestMachine.isRoot), "only root mounts"),
        arguments: ["chunks", "atelet"]
    )
    func fullStore(_ format: String) async throws {
        let scratch = try ScratchDirectory("faults")
        let base = "\(scratch.path)/base"
        _ = try PlainSnapshot.make(Self.noise, in: base)
        let disk = try await SmallDisk("\(scratch.path)/objects", "1m")
        func export() async throws -> ProgramRun {
            try await ProgramRun.run(
                TestMachine.host,
                [
                    "snapshots", "export", "space/one", "first", "file://bucket/one", "--snapshot-format", format,
                    "--object-dir", disk.path, "--base-dir", base,
                ]
            )
        }
        let full = try await export()
        #expect(full.code == 1 && full.error.contains("No space left"), "\(full.error)")
        let left = FileManager.default.enumerator(atPath: disk.path)?.compactMap { $0 as? String } ?? []
        #expect(!left.contains { $0.contains("manifest.json") || $0.contains(".writing-") || $0.contains(".tmp-") })
        try await disk.grow("64m")
        let whole = try await export()
        #expect(whole.code == 0, "\(whole.error)")
    }
}
