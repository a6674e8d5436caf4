import ActorContract
import Foundation
import Synchronization
import SystemLayer
import TestSupport
import Testing
import Transfer

/// The files of the golden pack of semantics §4.7, and the list that names them.
private struct PackFiles {
    let bench: AssetBench
    var list: String { "\(bench.scratch.path)/assets.yaml" }
    var pack: String { "\(bench.scratch.path)/site.pack" }
    static let golden = "07af1e6fc2b115b0763477c517191b2389268a44408ddce25c48587d69977154"
    static let hello = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"

    init(_ lines: [String] = PackFiles.lines) throws {
        bench = try AssetBench()
        func write(_ text: String, _ name: String) throws {
            try text.write(toFile: "\(bench.scratch.path)/\(name)", atomically: false, encoding: .utf8)
        }
        try write("hello", "hello")
        try write(#"{"k":1}"#, "config.json")
        try write("assets:\n" + lines.map { "  - { \($0) }\n" }.joined(), "assets.yaml")
    }
    static let lines = [
        "id: 7, name: runsc, bank: runtime, file: hello, preload: 0",
        "id: -1, name: config, bank: config, file: config.json",
    ]
}

@Suite("assets, on the command line")
struct AssetCommandTests {
    @Test("P14a: pack makes the golden bytes whatever the order of its list", arguments: [false, true])
    func packs(isReversed: Bool) async throws {
        let files = try PackFiles(isReversed ? PackFiles.lines.reversed() : PackFiles.lines)
        let packed = try await files.bench.assets([], "pack", files.list, files.pack)
        #expect(packed.code == 0 && packed.output == "\(PackFiles.golden)  \(files.pack)\n", "\(packed.error)")
        let listed = try await files.bench.assets([], "ls", files.pack)
        #expect(listed.output.contains("runsc   runtime  0        5 B"), "\(listed.output)")
        #expect(try await files.bench.assets([], "verify", files.pack).code == 0)
        let loaded = try await files.bench.assets([], "preload", files.pack, "--json")
        #expect(loaded.code == 0 && loaded.output.contains("\"bank\": \"runtime\""), "\(loaded.error)")
        #expect(try files.bench.entries == ["runsc-\(PackFiles.hello)"])
    }

    @Test(
        "a list that is wrong is told with its line, and no pack is made",
        arguments: [
            ("id: 7, name: a, bank: tiles, file: hello", ":2: assets[0].bank is \"tiles\"; write one of runtime"),
            ("id: 7, nam: a, bank: lib, file: hello", "did you mean name?"),
            ("id: 3000000000, name: a, bank: lib, file: hello", "assets[0].id is \"3000000000\"; write a whole number"),
            ("id: 7, name: a, bank: lib, file: hello, preload: 256", "from 0 to 255"),
            ("id: 7, name: a, file: hello", "assets[0] needs id, name, bank and file"),
            ("id: 7, name: a, bank: lib, file: absent", "absent: "),
        ]
    )
    func refuses(line: String, words: String) async throws {
        let files = try PackFiles([line])
        let run = try await files.bench.assets([], "pack", files.list, files.pack)
        #expect(run.code != 0 && run.error.contains(words), "\(run.error)")
        #expect(!FileManager.default.fileExists(atPath: files.pack))
    }

    @Test("a pack that is wrong ends every use of it with 78 and its code")
    func badPack() async throws {
        let files = try PackFiles()
        #expect(try await files.bench.assets([], "pack", files.list, files.pack).code == 0)
        var bytes = try Data(contentsOf: URL(fileURLWithPath: files.pack))
        bytes[580] = UInt8(ascii: "p")
        try bytes.write(to: URL(fileURLWithPath: files.pack))
        for (action, code) in [("ls", Int32(0)), ("verify", 78), ("preload", 78)] {
            let run = try await files.bench.assets([], action, files.pack)
            #expect(run.code == code, "\(action): \(run.error)")
            if code != 0 { #expect(run.error.contains("asset_corrupt: asset 7 (runsc)"), "\(run.error)") }
        }
        #expect(try files.bench.entries == [])
    }

    @Test("fetch, verify and gc: a corrupt entry is put aside, the budget is kept, and who needs what is asked")
    func cares() async throws {
        let bench = try AssetBench()
        var digests: [String] = []
        for (text, age) in [("one!", 9000.0), ("two!", 8000)] {
            let file = "\(bench.scratch.path)/\(text)"
            try text.write(toFile: file, atomically: false, encoding: .utf8)
            let digest = SHA256.hex(of: Array(text.utf8))
            let got = try await bench.assets([], "fetch", "file://\(file)", digest, "--json")
            #expect(got.code == 0 && got.output.contains("\"fetched\": true"), "\(got.error)")
            digests.append(digest)
            let used = try await ProgramRun.run(
                "/usr/bin/touch",
                ["-a", "-d", "@\(Int(Date.now.timeIntervalSince1970 - age))", bench.entry(digest)]
            )
            try #require(used.code == 0)
        }
        let again = try await bench.assets([], "fetch", "file:///nowhere", digests[0])
        #expect(again.code == 0, "what is there is not asked for: \(again.error)")
        _ = try await bench.assets([], "fetch", "file:///nowhere", SHA256.hex(of: [9]))
        let counted = try await bench.assets([], "stats", "--json")
        for words in ["\"hits\": 1", "\"misses\": 3", "\"failures\": 1", "\"bytes\": 8", "\"evicted\": 0"] {
            #expect(counted.output.contains(words), "\(words): \(counted.output)\(counted.error)")
        }
        let aged = try await ProgramRun.run(
            "/usr/bin/touch",
            ["-a", "-d", "@\(Int(Date.now.timeIntervalSince1970 - 9000))", bench.entry(digests[0])]
        )
        try #require(aged.code == 0)
        let listed = try await bench.assets([], "ls")
        #expect(listed.output.contains("\(digests[0])  -        4 B   2 h ago   no"), "\(listed.output)")
        let trial = try await bench.assets([], "gc", "--asset-budget", "4", "--dry-run")
        #expect(trial.output.hasPrefix("would remove \(digests[0])\n"), "\(trial.output)\(trial.error)")
        #expect(try bench.entries.count == 2)
        let none = try await bench.assets([], "gc")
        #expect(none.code == 2 && none.error.contains("write --asset-budget SIZE"))
        let young = try await bench.assets([], "gc", "--asset-budget", "1", "--min-age", "100000", "--json")
        #expect(young.output.contains("\"removed\": []") && young.output.contains("\"held_bytes\": 8"))
        #expect(try await bench.assets([], "gc", "--asset-budget", "4").code == 0)
        #expect(try bench.entries == ["runsc-\(digests[1])"])
        try "evil".write(toFile: bench.entry(digests[1]), atomically: false, encoding: .utf8)
        let verified = try await bench.assets([], "verify")
        #expect(verified.code == 1 && verified.output.contains("\(digests[1]): corrupt"))
        #expect(try bench.entries == [])
        let after = try await bench.assets([], "stats")
        #expect(after.code == 0 && after.output.contains("quarantined  1 "), "\(after.output)")
        #expect(after.output.contains("evicted      1 "), "\(after.output)")
        #expect(try DirectoryTree.names(in: "\(bench.base)/asset-quarantine").count == 1)
    }
}

@Suite(
    "Assets of a host that serves",
    .serialized,
    .enabled(if: TestMachine.needs(TestMachine.isRoot), "actors are confined as root only")
)
struct AssetServingTests {
    private static let script = VerbHost.script(
        "assets = { tool = \"required\" },",
        run: "for name in pairs(actor.assets) do print('asset of the actor: ' .. name) end"
    )

    @Test("P11: a pack of an overlay is in the cache before anything runs; a wrong one ends the start with 78")
    func preloads() async throws {
        let files = try PackFiles()
        let overlay = "\(files.bench.scratch.path)/overlay"
        try DirectoryTree.make("\(overlay)/assets")
        #expect(try await files.bench.assets([], "pack", files.list, "\(overlay)/assets/site.pack").code == 0)
        try await TestHost.with(arguments: ["--overlay", overlay]) { host in
            let names = try DirectoryTree.names(in: "\(host.base)/static-files")
            #expect(names == ["runsc-\(PackFiles.hello)"])
        }
        // The same again by name: two packs that preload one bank and slot clash.
        let clash = try await ProgramRun.run(
            TestMachine.host,
            [
                "--backend=process", "--base-dir", files.bench.base, "--overlay", overlay,
                "--asset-pack", "\(overlay)/assets/site.pack",
            ]
        )
        #expect(clash.code == 78 && clash.error.contains("preload_slot_clash: bank runtime, slot 0"), "\(clash.error)")
        #expect(try files.bench.entries == [])
        let absent = try await ProgramRun.run(
            TestMachine.host,
            ["--backend=process", "--base-dir", files.bench.base, "--asset-pack", "/nowhere.pack"]
        )
        #expect(absent.code == 78 && absent.error.contains("/nowhere.pack"), "\(absent.error)")
    }

    @Test("a script reads a pack in parts, and puts into the cache what it loaded")
    func scripts() async throws {
        let files = try PackFiles()
        #expect(try await files.bench.assets([], "pack", files.list, files.pack).code == 0)
        let script = VerbHost.script(
            "",
            needs: "\"asset.open\", \"asset.read\", \"asset.load\", \"asset.state\", \"asset.commit\", \"clock.sleep\"",
            run: """
                local asset, size = try(host.asset.open { bank = "runtime", slot = 0 })
                print(tostring(asset) .. " of " .. size .. ": " .. try(host.asset.read(asset, 1, 3)))
                local loaded = try(host.asset.load { name = "config" })
                while try(host.asset.state(loaded)) ~= "ready" do try(host.clock.sleep(1)) end
                try(host.asset.commit(loaded))
                print("again: " .. host.asset.commit(loaded))
                """
        )
        let host = try TestHost(
            backend: "mine",
            script: script,
            arguments: ["--json", "--grant", "asset", "--asset-pack", files.pack]
        )
        try await host.use { host in
            try await host.start()
            _ = try await host.run(try await host.request("a")).get()
            let log = TextFile.read("\(host.scratch)/log") ?? ""
            #expect(log.contains("handle<asset:0.0> of 5: ell") && log.contains("again: exists"), "\(log)")
            let names = try DirectoryTree.names(in: "\(host.base)/static-files")
            #expect(names.count == 2)
        }
    }

    @Test("a Run that nobody waits for any more fetches no further, and the next one does")
    func cancelled() async throws {
        let isMended = Mutex(false)
        let server = try FaultServer(pace: 200_000) { _ in
            isMended.withLock { $0 }
                ? answer(200, [], assetBody) : answer(200, [], assetBody, length: 100_000_000)
        }
        defer { server.stop() }
        let host = try TestHost(backend: "mine", script: Self.script, arguments: ["--asset-origin", server.base])
        try await host.use { host in
            try await host.start()
            var request = try await host.request("a")
            let file = SandboxAssets.File(url: "\(server.base)/tool", sha256: assetDigest)
            request.assets?.assets = ["amd64": ["tool": file], "arm64": ["tool": file]]
            let files = "\(host.base)/static-files"
            let asked = request
            let run = Task { try await host.run(asked) }
            try await eventually("a part is there", seconds: 20) {
                try DirectoryTree.names(in: files).contains { $0.contains("-download-") } ? () : nil
            }
            run.cancel()
            _ = try? await run.value
            try await eventually("nothing of it is", seconds: 20) {
                try DirectoryTree.names(in: files).isEmpty ? () : nil
            }
            isMended.withLock { $0 = true }
            // Until the first has ended, the actor is busy.
            try await eventually("the next one runs", seconds: 20) {
                (try? await host.run(asked).get()).map { _ in () }
            }
            #expect(try DirectoryTree.names(in: files) == ["runsc-\(assetDigest)"])
            try await host.terminate(request)
        }
    }

    @Test("what a backend declares is fetched, what an actor needs is kept, and what else a request names is not asked")
    func declared() async throws {
        let server = try FaultServer { request in answer(request.target == "/tool" ? 200 : 404, [], assetBody) }
        defer { server.stop() }
        let host = try TestHost(
            backend: "mine",
            script: Self.script,
            arguments: ["--json", "--asset-origin", server.base]
        )
        try await host.use { host in
            try await host.start()
            var request = try await host.request("a")
            let files: [String: SandboxAssets.File] = [
                "tool": .init(url: "\(server.base)/tool", sha256: assetDigest.uppercased()),
                "other": .init(url: "\(server.base)/other", sha256: String(repeating: "a", count: 64)),
            ]
            request.assets?.assets = ["amd64": files, "arm64": files]
            _ = try await host.run(request).get()
            #expect(server.requests.map(\.target) == ["/tool"])
            #expect((TextFile.read("\(host.scratch)/log") ?? "").contains("asset of the actor: tool"))
            #expect(!(TextFile.read("\(host.scratch)/log") ?? "").contains("asset of the actor: other"))
            let entry = "\(host.base)/static-files/runsc-\(assetDigest)"
            let old = try await ProgramRun.run("/usr/bin/touch", ["-a", "-d", "@1000000000", entry])
            try #require(old.code == 0)
            let kept = try await ProgramRun.run(
                TestMachine.host,
                ["assets", "gc", "--base-dir", host.base, "--asset-budget", "1", "--json"]
            )
            #expect(kept.code == 0 && kept.output.contains("\"removed\": []"), "\(kept.output)\(kept.error)")
            try await host.terminate(request)
            let gone = try await ProgramRun.run(
                TestMachine.host,
                ["assets", "gc", "--base-dir", host.base, "--asset-budget", "1", "--json"]
            )
            #expect(gone.output.contains(assetDigest), "\(gone.output)\(gone.error)")
            let names = try DirectoryTree.names(in: "\(host.base)/static-files")
            #expect(names == [])
        }
    }
}
