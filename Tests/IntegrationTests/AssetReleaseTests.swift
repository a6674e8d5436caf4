import ActorContract
import Foundation
import SystemLayer
import TestSupport
import Testing
import Transfer

/// An archive with a program, and a URL that leads to it.
private struct Release {
    let bench: AssetBench
    let file: String
    let digest: String
    var url: String { "file://\(file)" }
    var directory: String { "\(bench.base)/static-files/vmm-\(digest)" }

    /// Makes one.
    ///
    /// - Parameters:
    ///   - suffix: of its name.
    ///   - option: of tar(1).
    /// - Throws: where it cannot be made.
    init(_ suffix: String = ".tar.gz", _ option: String = "--gzip") async throws {
        bench = try AssetBench()
        file = "\(bench.scratch.path)/release\(suffix)"
        let tree = "\(bench.scratch.path)/tree"
        try DirectoryTree.make("\(tree)/bin", mode: 0o755)
        try DirectoryTree.make("\(tree)/lib", mode: 0o755)
        try ProgramRun.copy("/bin/busybox", to: "\(tree)/bin/busybox")
        try "a library".write(toFile: "\(tree)/lib/part", atomically: false, encoding: .utf8)
        #expect(unsafe symlink("part", "\(tree)/lib/link") == 0)
        let made = try await ProgramRun.run("/bin/tar", ["-C", tree, option, "-cf", file, "bin", "lib"])
        try #require(made.code == 0, "\(made.error)")
        digest = try SHA256.hex(ofFile: file)
    }

    func fetch() async throws -> ProgramRun { try await bench.assets([], "fetch", url, digest, "--name", "vmm") }
}

@Suite("Releases as assets")
struct AssetReleaseTests {
    @Test(
        "an archive is unpacked beside the cache, whatever it is compressed with",
        arguments: [
            (".tar", "--no-auto-compress"), (".tar.gz", "--gzip"), (".tbz2", "--bzip2"), (".tar.zst", "--zstd"),
        ]
    )
    func unpacks(suffix: String, option: String) async throws {
        let release = try await Release(suffix, option)
        let got = try await release.fetch()
        #expect(got.code == 0 && got.output == "\(release.directory)\n", "\(got.error)")
        #expect(try Data(contentsOf: URL(fileURLWithPath: "\(release.directory)/lib/link")) == Data("a library".utf8))
        #expect(FileManager.default.isExecutableFile(atPath: "\(release.directory)/bin/busybox"))
        #expect(try release.bench.entries == [".vmm-\(release.digest).sum", "vmm-\(release.digest)"])
        // What is there is not asked for again.
        try FileManager.default.removeItem(atPath: release.file)
        #expect(try await release.fetch().code == 0)
    }

    @Test("a tree that is not what was unpacked is put aside, and unpacked again")
    func mends() async throws {
        let release = try await Release()
        #expect(try await release.fetch().code == 0)
        try "others".write(toFile: "\(release.directory)/lib/part", atomically: false, encoding: .utf8)
        let verified = try await release.bench.assets([], "verify")
        #expect(verified.code == 1 && verified.output.contains("\(release.digest): corrupt"), "\(verified.output)")
        #expect(try release.bench.entries == [])
        #expect(try await release.fetch().code == 0)
        #expect(try await release.bench.assets([], "verify").output == "1 whole, 0 corrupt\n")
        try FileManager.default.removeItem(atPath: "\(release.directory)/lib/link")
        #expect(try await release.fetch().code == 0)
        #expect(FileManager.default.fileExists(atPath: "\(release.directory)/lib/link"))
        #expect(try DirectoryTree.names(in: "\(release.bench.base)/asset-quarantine").count == 2)
    }

    @Test("gc weighs the whole tree, and takes it away whole")
    func collects() async throws {
        let release = try await Release()
        #expect(try await release.fetch().code == 0)
        let listed = try await release.bench.assets([], "ls")
        #expect(listed.output.contains("\(release.digest)  vmm      "), "\(listed.output)")
        let young = try await release.bench.assets([], "gc", "--asset-budget", "1")
        #expect(young.output.hasPrefix("removed 0 B;"), "\(young.output)")
        let all = try await release.bench.assets([], "gc", "--asset-budget", "1", "--min-age", "0")
        #expect(all.output.hasPrefix("removed \(release.digest)\n"), "\(all.output)")
        #expect(try release.bench.entries == [])
    }

    @Test("an archive that leads out of its directory, or is none, leaves nothing", arguments: [true, false])
    func refuses(climbs: Bool) async throws {
        let release = try await Release()
        let other = "\(release.bench.scratch.path)/other.tar.gz"
        if climbs {
            let made = try await ProgramRun.run(
                "/bin/tar",
                [
                    "-C", "\(release.bench.scratch.path)/tree", "--gzip", "-cf", other, "--transform",
                    "s,^lib/part,../../part,", "lib/part",
                ]
            )
            try #require(made.code == 0, "\(made.error)")
        } else {
            try "no archive at all".write(toFile: other, atomically: false, encoding: .utf8)
        }
        let digest = try SHA256.hex(ofFile: other)
        let run = try await release.bench.assets([], "fetch", "file://\(other)", digest, "--name", "vmm")
        #expect(run.code == 1 && run.error.contains("while fetching sandbox asset \"vmm\""), "\(run.error)")
        #expect(try release.bench.entries == [])
    }

    @Test(
        "a backend runs what is in a release, and nothing beside it",
        .enabled(if: TestMachine.needs(TestMachine.isRoot), "actors are confined as root only")
    )
    func runs() async throws {
        let release = try await Release()
        let script = VerbHost.script(
            "assets = { vmm = \"required\" },",
            needs: "\"process.run\"",
            run: """
                local vmm = actor.assets.vmm .. "/bin/busybox"
                local done = try(host.process.run { program = vmm, args = { "echo", "of the release" } })
                print("RAN " .. done.stdout)
                if verb == "restore" then host.process.run { program = actor.assets.vmm .. "/../x", args = {} } end
                """
        )
        let host = try TestHost(
            backend: "mine",
            script: script,
            arguments: ["--json", "--grant", "asset", "--asset-root", release.bench.scratch.path]
        )
        try await host.use { host in
            try await host.start()
            var request = try await host.request("a")
            let file = SandboxAssets.File(url: release.url, sha256: release.digest)
            request.assets?.assets = ["amd64": ["vmm": file], "arm64": ["vmm": file]]
            _ = try await host.run(request).get()
            #expect((TextFile.read("\(host.scratch)/log") ?? "").contains("RAN of the release"))
            #expect(try await host.command("checkpoint", "a", "--scope", "data").code == 0)
            let back = try await host.command("restore", "a")
            #expect(back.code == 1 && back.error.contains("process.run: program is a string"), "\(back.error)")
        }
    }
}
