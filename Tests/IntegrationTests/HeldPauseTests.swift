import ActorContract
import ContractWire
import Foundation
import Glibc
import SystemLayer
import TestSupport
import Testing

@testable import substrate_host

/// Paused actors whose programs are frozen rather than ended, until a restore of that very snapshot.
@Suite(
    "Held pauses",
    .enabled(if: TestMachine.needs(TestMachine.isRoot), "confining actors needs root")
)
struct HeldPauseTests {
    /// It saves nothing of memory: what its restore gives back is a workload that begins anew.
    private static let script = VerbHost.script(
        """
        scopes = { "full", "data" },
        checkpoint = function(actor, request)
          print("HOLD " .. tostring(request.may_hold))
          if request.may_hold then return "ok", { held = true } end
          return host.process.stop(actor.processes, request.grace_ms)
        end,
        """,
        run: "print(\"BEGIN \" .. verb)"
    )
    private static let held = "{ held: { memory: 64MiB } }"

    private func counts(_ host: TestHost, _ actor: String) async throws -> String {
        try CounterClient.count(try await host.publish(actor))
    }

    private func done(_ host: TestHost, _ words: String...) async throws {
        let run = try await ProgramRun.run(TestMachine.host, words + ["--connect", host.unix])
        #expect(run.code == 0, "\(words): \(run.error)")
    }

    /// Whether a program is there and is no mere zombie: who is frozen lives.
    private func lives(_ pid: Int32) -> Bool {
        guard let text = TextFile.read("/proc/\(pid)/stat"), let bracket = text.lastIndex(of: ")") else { return false }
        return !text[text.index(after: bracket)...].hasPrefix(" Z")
    }

    private func token(_ host: TestHost, _ actor: String) -> String? {
        TextFile.read("\(host.base)/actors/test:\(actor)/identity/\(ActorDirectories.token)")
    }

    private func pid(_ host: TestHost, _ actor: String) async throws -> Int32 {
        Int32(try await host.actor(actor).pid)
    }

    @Test("a restore of that very snapshot thaws the programs: no script is asked, memory goes on, the token is new")
    func thawed() async throws {
        let verbs = try VerbHost(Self.script, settings: Self.held)
        try await verbs.use { host in
            _ = try await host.run(try await host.request("a")).get()
            #expect(try await counts(host, "a") == "memory=1 data=1")
            let before = (token: token(host, "a"), pid: try await pid(host, "a"))
            for round in 1...2 {
                try await done(host, "checkpoint", "a")
                #expect(try await host.actor("a").status == "paused")
                // Frozen: it is there and does not answer.
                #expect(lives(before.pid))
                try await done(host, "restore", "a")
                #expect(try await counts(host, "a") == "memory=\(round + 1) data=\(round + 1)")
            }
            #expect(try await pid(host, "a") == before.pid)
            #expect(token(host, "a")?.count == 64 && token(host, "a") != before.token)
            #expect(verbs.printed("BEGIN") == ["run"])
            #expect(verbs.printed("HOLD") == ["true", "true"])
            try await done(host, "remove", "a")
            #expect(!lives(before.pid))
        }
    }

    @Test("in another slot, and of another snapshot, the actor begins from what was saved, and the frozen one is gone")
    func another() async throws {
        let verbs = try VerbHost(Self.script, settings: Self.held)
        try await verbs.use { host in
            _ = try await host.run(try await host.request("a")).get()
            let first = try await pid(host, "a")
            try await done(host, "checkpoint", "a")
            let names = try DirectoryTree.names(in: ActorDirectories("\(host.base)/actors/test:a").snapshots)
            try await done(host, "restore", "a", "--slot", "elsewhere")
            #expect(verbs.printed("BEGIN") == ["run", "restore"])
            #expect(!lives(first))
            let second = try await pid(host, "a")
            try await done(host, "checkpoint", "a")
            #expect(lives(second))
            try await done(host, "restore", "a", "--from", try #require(names.first))
            #expect(verbs.printed("BEGIN") == ["run", "restore", "restore"])
            #expect(!lives(second))
        }
    }

    @Test("an actor that would be shown other certificates is not thawed")
    func certificates() async throws {
        let files = try ScratchDirectory("held-bundle")
        let bundle = "\(files.path)/ca.pem"
        let begin = "-----BEGIN CERTIFICATE-----\n"
        try AtomicFile.write(Array("\(begin)one".utf8), to: bundle)
        let verbs = try VerbHost(Self.script, settings: Self.held, arguments: ["--trust-bundle", "ours=\(bundle)"])
        try await verbs.use { host in
            var request = try await host.request("a")
            let file = SystemInformationFile(bundles: ["ours"], path: "ca")
            request.spec.volumes.append(Volume(name: "about", source: .systemInformation([[file]])))
            _ = try await host.run(request).get()
            try await done(host, "checkpoint", "a")
            try await done(host, "restore", "a")
            #expect(verbs.printed("BEGIN") == ["run"])
            try await done(host, "checkpoint", "a")
            try AtomicFile.write(Array("\(begin)two".utf8), to: bundle)
            try await done(host, "restore", "a")
            #expect(verbs.printed("BEGIN") == ["run", "restore"])
            try await done(host, "remove", "a")
        }
    }

    @Test("a held actor that is stopped, removed or survives its host leaves nothing, and its snapshot serves")
    func gone() async throws {
        let verbs = try VerbHost(Self.script, settings: Self.held)
        try await verbs.use { host in
            _ = try await host.run(try await host.request("a")).get()
            let first = try await pid(host, "a")
            try await done(host, "checkpoint", "a")
            try await done(host, "stop", "a")
            #expect(!lives(first))
            #expect(try await host.actor("a").status == "paused")
            try await done(host, "restore", "a")
            let second = try await pid(host, "a")
            try await done(host, "checkpoint", "a")
            #expect(lives(second))
            try await verbs.again()
            #expect(!lives(second))
            #expect(try await host.actor("a").status == "paused")
            try await done(host, "restore", "a")
            #expect(verbs.printed("BEGIN") == ["run", "restore", "restore"])
            let third = try await pid(host, "a")
            try await done(host, "checkpoint", "a")
            try await done(host, "remove", "a")
            #expect(!lives(third))
        }
    }

    @Test("a held actor whose snapshot is pruned, or is in a store alone, is ended")
    func forgotten() async throws {
        let verbs = try VerbHost(Self.script, settings: Self.held)
        try await verbs.use { host in
            let request = try await host.request("a")
            _ = try await host.run(request).get()
            let first = try await pid(host, "a")
            try await done(host, "checkpoint", "a", "--name", "one")
            #expect(lives(first))
            let prune = PruneLocalCheckpointsRequest(identity: request.identity)
            #expect(await host.call(ContractMethod.pruneLocalCheckpoints.path, ContractWire.encode(prune)) == nil)
            #expect(!lives(first))
            #expect(try await host.actor("a").status == "paused")
            _ = try await host.run(request).get()
            let second = try await pid(host, "a")
            try await done(host, "checkpoint", "a", "--name", "two")
            for keeps in [true, false] {
                #expect(lives(second))
                let upload = UploadPausedCheckpointRequest(
                    identity: request.identity,
                    snapshotName: "two",
                    destinationURI: "file://bucket/two-\(keeps)",
                    scope: nil,
                    keepLocal: keeps
                )
                #expect(await host.call(ContractMethod.uploadPausedCheckpoint.path, ContractWire.encode(upload)) == nil)
            }
            #expect(!lives(second))
            #expect(try await host.actor("a").status == "suspended")
            try await done(host, "remove", "a")
        }
    }

    @Test("what does not fit the budget, goes elsewhere, or is of data alone is not held")
    func refused() async throws {
        let verbs = try VerbHost(Self.script, settings: "{ held: { memory: 4KiB } }")
        try await verbs.use { host in
            _ = try await host.run(try await host.request("a")).get()
            let first = try await pid(host, "a")
            try await done(host, "checkpoint", "a")
            // The checkpoint is answered before everything of it is gone.
            try await eventually("the program is gone") { !lives(first) ? () : nil }
            try await done(host, "restore", "a")
            try await verbs.again(settings: Self.held)
            _ = try await host.run(try await host.request("b")).get()
            try await done(host, "checkpoint", "b", "--scope", "data")
            #expect(verbs.printed("HOLD") == ["false", "false"])
        }
    }

    @Test("while memory is short the frozen are ended")
    func pressure() async throws {
        let file = "/tmp/substrate-meminfo-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: file) }
        func say(_ available: Int) throws {
            let text = "MemTotal: 1000 kB\nMemFree: 0 kB\nMemAvailable: \(available) kB\n"
            try text.write(toFile: file, atomically: true, encoding: .utf8)
        }
        try say(900)
        let verbs = try VerbHost(Self.script, settings: Self.held)
        try await verbs.use(["SUBSTRATE_MEMINFO=\(file)"]) { host in
            _ = try await host.run(try await host.request("a")).get()
            let first = try await pid(host, "a")
            try await done(host, "checkpoint", "a")
            #expect(lives(first))
            try say(10)
            try await eventually("the frozen program is gone", seconds: 20) { !lives(first) ? () : nil }
            try await done(host, "restore", "a")
            #expect(verbs.printed("BEGIN") == ["run", "restore"])
        }
    }
}
