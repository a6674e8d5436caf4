import ActorContract
import ContractWire
import Foundation
import GRPCTransport
import HostErrors
import SystemLayer
import TestSupport
import Testing

/// What a host does with the actors of one that ended without a word.
@Suite(
    "recovery",
    .serialized,
    .enabled(if: TestMachine.needs(TestMachine.isRoot), "actors are confined as root only")
)
struct RebootTests {
    @Test("after a restart of the machine live actors have failed, saved ones are as they were, and all can go on")
    func reboot() async throws {
        let host = try TestHost(stopsActors: false)
        try await host.use { host in
            try await host.start(["SUBSTRATE_BOOT_ID=first"])
            let live = try await host.request("live")
            let saved = try await host.request("saved")
            for request in [live, saved] { _ = try await host.run(request).get() }
            #expect(try await CounterProbe.data(host, "saved") == 1)
            #expect(await host.call(ContractMethod.checkpoint.path, Self.checkpoint(saved, .data)) == nil)
            // The same boot: the live one is found again.
            try await host.kill()
            try await host.start(["SUBSTRATE_BOOT_ID=first"])
            let pid = try await host.actor("live").pid
            #expect(try await host.actor("live").status == "ready" && pid > 0)
            try await host.kill()
            try await host.start(["SUBSTRATE_BOOT_ID=second"])
            let failed = try await host.actor("live")
            #expect(failed.status == "failed" && failed.reason == "rebooted", "\(failed)")
            #expect(failed.message.contains("crashed") && failed.pid == 0, "\(failed)")
            #expect(try await host.actor("saved").status == "paused")
            #expect(host.leftovers.isEmpty, "\(host.leftovers)")
            // An orphan of a killed host has the machine's first process to reap it, when that comes to it.
            let stat = TextFile.read("/proc/\(pid)/stat")
            #expect(stat == nil || stat?.contains(") Z ") == true, "\(stat ?? "")")
            // A second recovery in the new boot finds nothing more to do.
            try await host.kill()
            try await host.start(["SUBSTRATE_BOOT_ID=second"])
            #expect(try await host.actor("live").reason == "rebooted")
            _ = try await host.run(live).get()
            let restore = RestoreRequest(run: saved, place: .local("one"), scope: .data)
            #expect(await host.call(ContractMethod.restore.path, ContractWire.encode(restore)) == nil)
            #expect(try await CounterProbe.data(host, "saved") == 2)
            for request in [live, saved] { try await host.terminate(request) }
        }
    }

    /// A backend of both scopes, whose programs end at a checkpoint.
    private static let both = """
        local function run(actor)
          for _, container in ipairs(actor.containers) do
            try(host.workload.start { container = container.name, confine = { root = "overlay", seccomp = "default" } })
          end
          return "ok"
        end
        local function stop(actor, request) return host.process.stop(actor.processes, request.grace_ms) end
        return {
          name = "both", api = 1, summary = "A backend of a test.", isolation = "kernel-shared",
          scopes = { "full", "data" }, needs = { "workload.start", "process.stop" },
          run = run, restore = run, stop = stop, checkpoint = stop,
        }
        """

    @Test(
        "a full checkpoint that was cut is paused where its snapshot is whole, and crashed where memory is lost",
        arguments: [
            ("checkpoint.effect.process.stop.begun", "ready"), ("checkpoint.effect.process.stop.made", "failed"),
            ("checkpoint.effect.snapshot.write.begun", "failed"), ("checkpoint.effect.snapshot.write.made", "paused"),
            ("checkpoint.paused.before", "paused"), ("checkpoint.paused.after", "paused"),
        ]
    )
    func fullCheckpoint(_ point: String, _ expected: String) async throws {
        try await cut(at: point, becoming: expected) { host, request in
            await host.call(ContractMethod.checkpoint.path, Self.checkpoint(request, .full))
        } check: { host, request, actor in
            if expected == "failed" {
                #expect(actor.reason == "crashed" && actor.message.contains("memory"), "\(actor)")
            }
            let again = await host.call(ContractMethod.checkpoint.path, Self.checkpoint(request, .full))
            #expect((again == nil) == (expected != "failed"), "\(point): \(again ?? "")")
        }
    }

    @Test(
        "a stop that was cut has either not happened or is done",
        arguments: [
            ("stop.effect.process.stop.begun", "ready"), ("stop.effect.process.stop.made", "stopped"),
            ("stop.effect.process.stop.done", "stopped"), ("stop.stopped.before", "stopped"),
            ("stop.stopped.after", "stopped"),
        ]
    )
    func stop(_ point: String, _ expected: String) async throws {
        try await cut(at: point, becoming: expected) { host, _ in
            await host.call(HostMethod.stop.path, HostMessages.StopRequest(actor: "cut").encoded())
        } check: { host, _, actor in
            #expect(actor.reason.isEmpty, "\(actor)")
            let again = await host.call(HostMethod.stop.path, HostMessages.StopRequest(actor: "cut").encoded())
            #expect(again == nil)
            let status = try await host.actor("cut").status
            #expect(status == "stopped")
            #expect(await host.call(HostMethod.start.path, HostMessages.StartRequest(actor: "cut").encoded()) == nil)
        }
    }

    /// Runs an actor, lets the host die in a verb, and looks at what the next one made of it.
    private func cut(
        at point: String,
        becoming expected: String,
        _ verb: (TestHost, RunRequest) async throws -> String?,
        check: (TestHost, RunRequest, HostMessages.Actor) async throws -> Void
    ) async throws {
        let host = try TestHost(backend: "both", script: Self.both, stopsActors: false)
        try await host.use { host in
            try await host.start(["SUBSTRATE_FAILPOINT=\(point)=kill"])
            let request = try await host.request("cut")
            _ = try await host.run(request).get()
            let failure = try await verb(host, request)
            #expect(failure != nil, "\(point) was never hit")
            #expect(try await host.ended() == .signaled(9))
            try await host.start()
            let actor = try await host.actor("cut")
            #expect(actor.status == expected, "\(point): \(actor)")
            if expected != "ready" { #expect(host.leftovers.isEmpty, "\(host.leftovers)") }
            try await check(host, request, actor)
            try await host.terminate(request)
        }
    }

    @Test("a snapshot of volumes is restored by whatever revision of the script was saved last")
    func revision() async throws {
        let host = try TestHost(backend: "both", script: Self.both)
        try await host.use { host in
            try await host.start()
            let request = try await host.request("cut")
            _ = try await host.run(request).get()
            #expect(try await CounterProbe.data(host, "cut") == 1)
            #expect(await host.call(ContractMethod.checkpoint.path, Self.checkpoint(request, .data)) == nil)
            let restore = ContractWire.encode(RestoreRequest(run: request, place: .local("one"), scope: .data))
            try await host.kill()
            let file = "\(host.scratch)/overlay/both.lua"
            try ("-- changed\n" + Self.both).write(toFile: file, atomically: true, encoding: .utf8)
            try await host.start()
            #expect(await host.call(ContractMethod.restore.path, restore) == nil)
            #expect(try await CounterProbe.data(host, "cut") == 2)
            try await host.terminate(request)
        }
    }

    private static func checkpoint(_ request: RunRequest, _ scope: SnapshotScope) -> [UInt8] {
        ContractWire.encode(
            CheckpointRequest(
                identity: request.identity,
                slot: request.slot,
                spec: request.spec,
                place: .local("one"),
                scope: scope
            )
        )
    }
}
