import ActorContract
import ContractWire
import Foundation
import SystemLayer
import TestSupport
import Testing

@Suite(
    "snapshots, on the command line",
    .serialized,
    .enabled(if: TestMachine.needs(TestMachine.isRoot), "actors are confined as root only")
)
struct SnapshotCommandTests {
    private func snapshots(_ host: TestHost, _ arguments: String...) async throws -> ProgramRun {
        try await ProgramRun.run(TestMachine.host, ["snapshots"] + arguments + ["--base-dir", host.base])
    }

    @Test("are listed, exported, verified, collected and imported, beside a running host")
    func tour() async throws {
        try await TestHost.with { host in
            let request = try await host.request("one")
            for name in ["first", "second"] {
                _ = try await host.run(request).get()
                _ = try await CounterProbe.data(host, "one")
                let asked = ExternalSnapshotTests.checkpoint(request, .local(name), .data)
                #expect(await host.call(ContractMethod.checkpoint.path, asked) == nil)
            }
            let listed = try await snapshots(host, "ls")
            #expect(listed.code == 0, "\(listed.error)")
            #expect(listed.output.contains("test/one  first"), "\(listed.output)")
            #expect(listed.output.contains("its actor is paused"))
            let json = try await snapshots(host, "ls", "--json").output
            #expect(json.contains("\"name\": \"second\"") && json.contains("\"scope\": \"data\""), "\(json)")

            let uri = "file://backup/a"
            let exported = try await snapshots(host, "export", "one", "second", uri)
            #expect(exported.code == 0 && exported.output.hasPrefix("file://backup/a: "), "\(exported.error)")
            let again = try await snapshots(host, "export", "one", "second", uri)
            #expect(again.code == 1 && again.error.contains("already"), "\(again.error)")
            let atelet = try await snapshots(
                host,
                "export",
                "test/one",
                "first",
                "file://backup/b",
                "--snapshot-format",
                "atelet"
            )
            #expect(atelet.code == 0, "\(atelet.error)")
            let stored = try await snapshots(host, "ls", "file://backup").output
            #expect(stored.contains("file://backup/a") && stored.contains("atelet"), "\(stored)")
            #expect(try await snapshots(host, "verify", "file://backup").output == "2 whole, 0 corrupt\n")

            // What the paused actor wakes from stays, whatever is asked.
            let trial = try await snapshots(host, "gc", "--keep", "0", "--dry-run")
            #expect(trial.output == "would remove test/one first\n1 snapshots\n", "\(trial.output)\(trial.error)")
            #expect(try await snapshots(host, "gc", "--keep", "0").output == "removed test/one first\n1 snapshots\n")
            let imported = try await snapshots(host, "import", "file://backup/b", "test/one", "third")
            #expect(imported.code == 0, "\(imported.error)")
            let restore = ExternalSnapshotTests.restore(request, .local("third"), .data)
            #expect(await host.call(ContractMethod.restore.path, restore) == nil)
            #expect(try await CounterProbe.data(host, "one") == 2, "the first one held 1")

            #expect(try await snapshots(host, "verify").output == "2 whole, 0 corrupt\n")
            let file = "\(host.base)/actors/test:one/local-checkpoint/second/durable-dir.tar"
            try AtomicFile.write([1], to: file)
            let corrupt = try await snapshots(host, "verify", "one", "--json")
            #expect(corrupt.code == 1 && corrupt.output.contains("durable-dir.tar has 1 bytes"), "\(corrupt.output)")
            #expect(try await snapshots(host, "ls").output.contains("corrupt: "))
            #expect(try await snapshots(host, "gc", "--keep", "5").output == "removed test/one second\n1 snapshots\n")

            try FileManager.default.removeItem(atPath: "\(host.base)/objects/backup/a/manifest.json")
            let young = try await snapshots(host, "gc", uri)
            #expect(young.output.hasPrefix("removed 0 chunks"), "\(young.output)\(young.error)")
            // What was written this second is no older than that.
            let stamp = Int(Date().timeIntervalSince1970)
            try await eventually("the second is over") { Int(Date().timeIntervalSince1970) > stamp ? () : nil }
            let old = try await snapshots(host, "gc", uri, "--min-age", "0", "--json")
            #expect(old.code == 0 && !old.output.contains("\"removed\": 0,"), "\(old.output)\(old.error)")
            let chunks = (try? DirectoryTree.names(in: "\(host.base)/objects/backup/.substrate-chunks")) ?? []
            #expect(chunks.isEmpty, "\(chunks)")
            try await host.terminate(request)
        }
    }

    @Test("with the last snapshot of a removed actor goes what kept its images, and nothing of an actor that is there")
    func last() async throws {
        try await TestHost.with { host in
            for name in ["gone", "pruned", "there"] {
                let request = try await host.request(name)
                _ = try await host.run(request).get()
                let asked = ExternalSnapshotTests.checkpoint(request, .local("first"), .data)
                #expect(await host.call(ContractMethod.checkpoint.path, asked) == nil)
            }
            for name in ["gone", "pruned"] {
                let removed = try await ProgramRun.run(
                    TestMachine.host,
                    ["remove", "--connect", host.unix, "test/\(name)"]
                )
                #expect(removed.code == 0, "\(removed.error)")
                let left = try DirectoryTree.names(in: "\(host.base)/actors/test:\(name)").sorted()
                #expect(left == ["images", "local-checkpoint"])
            }
            let request = PruneLocalCheckpointsRequest(identity: try await host.request("pruned").identity)
            let prune = ContractWire.encode(request)
            #expect(await host.call(ContractMethod.pruneLocalCheckpoints.path, prune) == nil)
            #expect(try DirectoryTree.names(in: "\(host.base)/actors").sorted() == ["test:gone", "test:there"])
            let trial = try await snapshots(host, "gc", "--keep", "0", "--dry-run")
            #expect(trial.output == "would remove test/gone first\n1 snapshots\n", "\(trial.output)\(trial.error)")
            #expect(
                try DirectoryTree.names(in: "\(host.base)/actors/test:gone").sorted() == ["images", "local-checkpoint"]
            )
            #expect(try await snapshots(host, "gc", "--keep", "0").output == "removed test/gone first\n1 snapshots\n")
            #expect(try DirectoryTree.names(in: "\(host.base)/actors") == ["test:there"])
            let kept = try DirectoryTree.names(in: "\(host.base)/actors/test:there")
            #expect(kept.contains("images"), "\(kept)")
            try await host.terminate(host.request("there"))
        }
    }

    @Test("a command line that is wrong says what is right")
    func wrong() async throws {
        let scratch = try ScratchDirectory("snapshots")
        for (line, words) in [
            (["lss"], "did you mean \"ls\"?"), (["export", "a", "b"], "takes ACTOR NAME URI, and got 2"),
            (["export", "a", "b", "/tmp/x"], "is no URI"), (["ls", "--keep", "2"], "--keep is not for ls"),
            (["gc", "--min-age", "2"], "--min-age is not for gc"), (["gc", "file://b", "--keep", "1"], "of a store"),
        ] {
            let run = try await ProgramRun.run(TestMachine.host, ["snapshots"] + line + ["--base-dir", scratch.path])
            #expect(run.code == 2 && run.error.contains(words), "\(line): \(run.error)")
        }
        for (line, words) in [
            (["verify", "nobody"], "no actor \"nobody\" has snapshots here"),
            (["import", "file://b/none", "a/b", "c"], "there is no snapshot at file://b/none"),
            (["import", "file://b/none", "b", "c"], "is no whole name"),
            (["ls", "ftp://b/none"], "the scheme \"ftp\" is not served"),
        ] {
            let run = try await ProgramRun.run(TestMachine.host, ["snapshots"] + line + ["--base-dir", scratch.path])
            #expect(run.code == 1 && run.error.contains(words), "\(line): \(run.error)")
        }
        let empty = try await ProgramRun.run(
            TestMachine.host,
            ["snapshots", "ls", "--json", "--base-dir", scratch.path]
        )
        #expect(empty.code == 0 && empty.output == "[]\n", "\(empty.error)")
    }
}
