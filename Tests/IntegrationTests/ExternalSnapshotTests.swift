import ActorContract
import ContractWire
import Foundation
import Glibc
import HostErrors
import SystemLayer
import TestSupport
import Testing
import Transfer

/// Snapshots beyond the node, and those that do not fit it.
@Suite(
    "snapshots of actors",
    .serialized,
    .enabled(if: TestMachine.needs(TestMachine.isRoot), "actors are confined as root only")
)
struct ExternalSnapshotTests {
    /// A backend of both scopes, which keeps what stands for memory in a file of its own.
    static let script = """
        local function start(actor)
          for _, container in ipairs(actor.containers) do
            try(host.workload.start { container = container.name })
          end
        end
        local function shell(actor, text)
          return try(host.process.run { program = actor.tools.sh, args = { "-c", text }, exit_codes = { 0 } })
        end
        return {
          name = "both", api = 1, isolation = "kernel-shared", scopes = { "full", "data" }, data_on_golden = true,
          tools = { sh = "required" }, assets = { tool = "optional" },
          needs = { "workload.start", "process.run", "process.stop" },
          run = function(actor) start(actor) return "ok" end,
          stop = function(actor, request) return host.process.stop(actor.processes, request.grace_ms) end,
          checkpoint = function(actor, request)
            if request.scope == "full" then
              shell(actor, "echo 'memory of REVISION' > " .. request.snapshot.dir .. "/memory.img")
            end
            return host.process.stop(actor.processes, request.grace_ms)
          end,
          restore = function(actor, request)
            if request.scope == "full" then
              local names = table.concat(request.snapshot.files, " ")
              local own = request.own_volumes
              local expected = (own and "" or "durable-dir.tar ") .. "memory.img roots.tar"
              if names ~= expected then return "failed", names end
              if request.snapshot.volumes_saved then return "failed", "volumes_saved" end
              shell(actor, "test \\"$(cat " .. request.snapshot.dir .. "/memory.img)\\" = 'memory of REVISION'")
            end
            start(actor)
            return "ok"
          end,
        }
        """

    static func host(_ revision: String = "one") throws -> TestHost {
        try TestHost(
            backend: "both",
            script: script.replacingOccurrences(of: "REVISION", with: revision),
            arguments: ["--grant", "tool:sh=/bin/sh"],
            stopsActors: false
        )
    }

    /// A host with an actor that runs, and is gone afterwards.
    static func running(_ body: (TestHost, RunRequest) async throws -> Void) async throws {
        try await host().use { host in
            try await host.start()
            let request = try await host.request("one")
            _ = try await host.run(request).get()
            try await body(host, request)
            try await host.terminate(request)
        }
    }

    static func checkpoint(_ request: RunRequest, _ place: SnapshotPlace, _ scope: SnapshotScope) -> [UInt8] {
        ContractWire.encode(
            CheckpointRequest(
                identity: request.identity,
                slot: request.slot,
                spec: request.spec,
                place: place,
                scope: scope
            )
        )
    }

    static func restore(_ request: RunRequest, _ place: SnapshotPlace, _ scope: SnapshotScope) -> [UInt8] {
        ContractWire.encode(RestoreRequest(run: request, place: place, scope: scope))
    }

    private let checkpointPath = ContractMethod.checkpoint.path
    private let restorePath = ContractMethod.restore.path

    private func names(_ host: TestHost, _ actor: String = "one") throws -> [String] {
        try DirectoryTree.names(in: "\(host.base)/actors/test:\(actor)/local-checkpoint")
    }

    @Test("a full one goes out and comes back, with the backend's files and the volumes; nothing stays behind")
    func full() async throws {
        try await Self.host().use { host in
            try await host.start()
            let request = try await host.request("one")
            _ = try await host.run(request).get()
            #expect(try await CounterProbe.data(host, "one") == 1)
            let place = SnapshotPlace.external("file://bucket/one")
            #expect(await host.call(checkpointPath, Self.checkpoint(request, place, .full)) == nil)
            #expect(try await host.actor("one").status == "suspended")
            #expect(try names(host).isEmpty)
            #expect(await host.call(restorePath, Self.restore(request, place, .full)) == nil)
            #expect(try await CounterProbe.data(host, "one") == 2)
            // The files stay as long as the actor may read them, and what was fetched has no other name.
            let actor = "\(host.base)/actors/test:one"
            let files = try DirectoryTree.names(in: "\(actor)/restore-state")
            #expect(files == ["durable-dir.tar", "memory.img", "roots.tar"])
            _ = try await eventually("what was fetched is gone") {
                try DirectoryTree.names(in: "\(host.base)/fetching").isEmpty ? () : nil
            }
            #expect(await host.call(restorePath, Self.restore(request, place, .full)) == nil, "a repeat")
            #expect(await host.call(checkpointPath, Self.checkpoint(request, .local("data"), .data)) == nil)
            let refused = await host.call(restorePath, Self.restore(request, .local("data"), .full))
            #expect(refused?.contains("holds data alone") == true, "\(refused ?? "")")
            #expect(try await host.actor("one").status == "paused", "refused before anything changed")
            try await host.terminate(request)
            #expect(unsafe access("\(actor)/restore-state", F_OK) != 0)
        }
    }

    @Test("a shared snapshot is served from this node's copy, a private one never")
    func golden() async throws {
        try await Self.running { (host, request) async throws in
            #expect(try await CounterProbe.data(host, "one") == 1)
            let place = SnapshotPlace.external("file://bucket/golden")
            #expect(await host.call(checkpointPath, Self.checkpoint(request, place, .data)) == nil)
            var shared = RestoreRequest(run: request, place: place, scope: .data)
            shared.shared = true
            #expect(await host.call(restorePath, ContractWire.encode(shared)) == nil)
            #expect(try await CounterProbe.data(host, "one") == 2)
            let bucket = "\(host.base)/objects/bucket"
            #expect(unsafe rename(bucket, "\(bucket)-away") == 0)
            #expect(await host.call(HostMethod.stop.path, HostMessages.StopRequest(actor: "one").encoded()) == nil)
            let alone = await host.call(restorePath, Self.restore(request, place, .data))
            #expect(alone?.contains("SNAPSHOT_NOT_FOUND") == true, "\(alone ?? "")")
            #expect(await host.call(restorePath, ContractWire.encode(shared)) == nil)
            #expect(try await CounterProbe.data(host, "one") == 2, "the golden never changes")
        }
    }

    /// A data snapshot that wakes with the memory of another one.
    static func onGolden(_ request: RunRequest, _ place: SnapshotPlace, _ base: String, shared: Bool) -> [UInt8] {
        var restore = RestoreRequest(run: request, place: place, scope: .dataOnGolden)
        restore.baseURI = base
        restore.baseShared = shared
        return ContractWire.encode(restore)
    }

    @Test("golden memory wakes with the actor's own volumes; the golden is served from a copy where it is shared")
    func dataOnGolden() async throws {
        try await Self.running { (host, request) async throws in
            let base = "file://golden/template"
            #expect(await host.call(checkpointPath, Self.checkpoint(request, .external(base), .full)) == nil)
            let mine = try await host.request("two")
            _ = try await host.run(mine).get()
            for count in 1...2 { #expect(try await CounterProbe.data(host, "two") == count) }
            let place = SnapshotPlace.external("file://bucket/two")
            #expect(await host.call(checkpointPath, Self.checkpoint(mine, place, .data)) == nil)

            // What is refused changes nothing: the actor is as it was.
            let refusals = [
                (Self.onGolden(mine, place, "file://bucket/two", shared: true), "holds data alone, and no memory"),
                (Self.onGolden(mine, place, "file://golden/none", shared: true), "SNAPSHOT_NOT_FOUND"),
            ]
            for (restore, words) in refusals {
                let refused = await host.call(restorePath, restore)
                #expect(refused?.contains(words) == true, "\(refused ?? "")")
                #expect(try await host.actor("two").status == "suspended")
            }
            let manifest = "\(host.base)/objects/bucket/two/manifest.json"
            let good = try #require(TextFile.read(manifest))
            try good.replacingOccurrences(of: "\"sandboxClass\":\"both\"", with: "\"sandboxClass\":\"other\"")
                .write(toFile: manifest, atomically: true, encoding: .utf8)
            let other = await host.call(restorePath, Self.onGolden(mine, place, base, shared: true))
            #expect(other?.contains("SANDBOX_CLASS_MISMATCH") == true, "\(other ?? "")")
            #expect(try await host.actor("two").status == "suspended")
            try good.write(toFile: manifest, atomically: true, encoding: .utf8)

            // The script refuses any files but the golden's memory.
            #expect(await host.call(restorePath, Self.onGolden(mine, place, base, shared: false)) == nil)
            #expect(try await CounterProbe.data(host, "two") == 3, "its own, which held 2")
            let files = try DirectoryTree.names(in: "\(host.base)/actors/test:two/restore-state")
            #expect(files == ["memory.img", "roots.tar"])
            let stop = HostMessages.StopRequest(actor: "two").encoded()
            #expect(await host.call(HostMethod.stop.path, stop) == nil)
            #expect(try DirectoryTree.names(in: "\(host.base)/golden/actors").isEmpty, "a private one is not kept")

            #expect(await host.call(restorePath, Self.onGolden(mine, place, base, shared: true)) == nil)
            #expect(await host.call(HostMethod.stop.path, stop) == nil)
            let bucket = "\(host.base)/objects/golden"
            #expect(unsafe rename(bucket, "\(bucket)-away") == 0)
            let alone = await host.call(restorePath, Self.onGolden(mine, place, base, shared: false))
            #expect(alone?.contains("SNAPSHOT_NOT_FOUND") == true, "\(alone ?? "")")
            #expect(await host.call(restorePath, Self.onGolden(mine, place, base, shared: true)) == nil)
            #expect(try await CounterProbe.data(host, "two") == 3)
            try await host.terminate(mine)
        }
    }

    @Test("a backend that cannot wake golden memory says so by name, and nothing of the actor changes")
    func goldenUnsupported() async throws {
        try await TestHost.with { host in
            let request = try await host.request("one")
            _ = try await host.run(request).get()
            let place = SnapshotPlace.external("file://bucket/one")
            #expect(await host.call(checkpointPath, Self.checkpoint(request, place, .data)) == nil)
            let refused = await host.call(restorePath, Self.onGolden(request, place, "file://golden/x", shared: true))
            #expect(refused?.contains("SCOPE_UNSUPPORTED") == true, "\(refused ?? "")")
            #expect(refused?.contains("has no scope data_on_golden") == true, "\(refused ?? "")")
            #expect(try await host.actor("one").status == "suspended")
            try await host.terminate(request)
        }
    }

    @Test("an upload that fails keeps the actor: paused, restored from here, or uploaded by the repeat")
    func failedUpload() async throws {
        try await Self.running { (host, request) async throws in
            #expect(try await CounterProbe.data(host, "one") == 1)
            // No store is where a file is in its place; asked for what is there, it says that nothing is.
            let place = SnapshotPlace.external("file://bucket/one")
            try AtomicFile.write([], to: "\(host.base)/objects")
            let failure = await host.call(checkpointPath, Self.checkpoint(request, place, .full))
            #expect(failure?.contains("kept on this node") == true && failure?.contains("SNAPSHOT_STORE") == true)
            #expect(try await host.actor("one").status == "paused")
            #expect(try names(host).count == 1)
            #expect(await host.call(restorePath, Self.restore(request, place, .full)) == nil, "from this node")
            #expect(try await CounterProbe.data(host, "one") == 2)
            let second = SnapshotPlace.external("file://bucket/two")
            #expect(await host.call(checkpointPath, Self.checkpoint(request, second, .full)) != nil)
            try await host.kill()
            try await host.start()
            #expect(try await host.actor("one").status == "paused")
            #expect(unsafe unlink("\(host.base)/objects") == 0)
            #expect(await host.call(checkpointPath, Self.checkpoint(request, second, .full)) == nil)
            #expect(try await host.actor("one").status == "suspended")
            #expect(await host.call(restorePath, Self.restore(request, second, .full)) == nil)
            #expect(try await CounterProbe.data(host, "one") == 3)
        }
    }

    @Test("a full one wakes under the revision that made it, where that is kept, and is refused where not")
    func revisions() async throws {
        try await Self.running { (host, request) async throws in
            #expect(await host.call(checkpointPath, Self.checkpoint(request, .local("one"), .full)) == nil)
            let file = "\(host.scratch)/overlay/both.lua"
            let new = Self.script.replacingOccurrences(of: "REVISION", with: "two")
            try await host.kill()
            try new.write(toFile: file, atomically: true, encoding: .utf8)
            try await host.start()
            // The new script refuses the old one's memory: only the kept revision can have restored it.
            #expect(await host.call(restorePath, Self.restore(request, .local("one"), .full)) == nil)
            #expect(await host.call(checkpointPath, Self.checkpoint(request, .local("two"), .data)) == nil)
            try await host.kill()
            try DirectoryTree.remove("\(host.base)/revisions")
            try await host.start()
            let refused = await host.call(restorePath, Self.restore(request, .local("one"), .full))
            #expect(refused?.contains("SNAPSHOT_INCOMPATIBLE") == true, "\(refused ?? "")")
            #expect(refused?.contains("not kept here") == true, "\(refused ?? "")")
            #expect(try await host.actor("one").status == "paused")
            // The volumes are the host's own work: any revision finds them.
            #expect(await host.call(restorePath, Self.restore(request, .local("two"), .data)) == nil)
        }
    }

    @Test("what does not fit this machine is refused with the reason, and changes nothing; corruption is another thing")
    func gate() async throws {
        try await Self.running { (host, request) async throws in
            #expect(await host.call(checkpointPath, Self.checkpoint(request, .local("one"), .full)) == nil)
            let file = "\(host.base)/actors/test:one/local-checkpoint/one/manifest.json"
            let good = try #require(TextFile.read(file))
            let cases = [
                ("\"arch\":\"\(Self.architecture)\"", "\"arch\":\"s390x\"", "made on s390x"),
                ("\"cpuFeatures\":[", "\"cpuFeatures\":[\"antigravity\",", "lacks: antigravity"),
                ("\"name\":\"both\"", "\"name\":\"other\"", "made by backend \"other\""),
                ("\"sandboxClass\":\"both\"", "\"sandboxClass\":\"other\"", "made by \"other\""),
                ("\"schema\":1", "\"schema\":2", "schema 2"),
                (
                    "\"assets\":{}", "\"assets\":{\"tool\":{\"url\":\"file:///none\",\"sha256\":\"\(Self.digest)\"}}",
                    "asset"
                ),
            ]
            for (from, to, words) in cases {
                try #require(good.contains(from), "\(from) in \(good)")
                try good.replacingOccurrences(of: from, with: to).write(toFile: file, atomically: true, encoding: .utf8)
                let refused = await host.call(restorePath, Self.restore(request, .local("one"), .full))
                #expect(refused?.contains(words) == true, "\(to): \(refused ?? "")")
                #expect(refused?.contains("CORRUPT") == false, "\(to): \(refused ?? "")")
                #expect(try await host.actor("one").status == "paused")
            }
            try good.write(toFile: file, atomically: true, encoding: .utf8)
            #expect(await host.call(restorePath, Self.restore(request, .local("one"), .full)) == nil)
            #expect(await host.call(checkpointPath, Self.checkpoint(request, .local("two"), .full)) == nil)
            let memory = "\(host.base)/actors/test:one/local-checkpoint/two/memory.img"
            try AtomicFile.write(Array("memory of another\n".utf8), to: memory)
            for _ in 0..<2 {
                let refused = await host.call(restorePath, Self.restore(request, .local("two"), .full))
                #expect(refused?.contains("SNAPSHOT_CORRUPT") == true, "\(refused ?? "")")
            }
            #expect(try names(host).contains(".corrupt-two"))
        }
    }

    private static let digest = String(repeating: "0", count: 64)
    #if arch(arm64)
    private static let architecture = "arm64"
    #else
    private static let architecture = "amd64"
    #endif
}
