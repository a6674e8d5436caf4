import ActorContract
import ContractWire
import GRPCTransport
import HostErrors
import SystemLayer
import TestSupport
import Testing

/// Who waits for what, and how long.
@Suite(
    "places in slots and turns of verbs",
    .serialized,
    .enabled(if: TestMachine.needs(TestMachine.isRoot), "actors are confined as root only")
)
struct OccupancyTests {
    @Test("a run waits within its deadline while the slot's holder is being ended, and not while it stays")
    func leaving() async throws {
        try await TestHost.with(arguments: ["--slot-capacity", "1"]) { host in
            var stubborn = try await host.request("stubborn") {
                // Says that it was told to end, and stays for its grace.
                $0.command = ["/bin/sh", "-c", "trap 'echo > /data/told' TERM; while :; do sleep 0.05; done"]
                $0.readiness = nil
            }
            stubborn.slot = "one"
            var next = try await host.request("next")
            next.slot = "one"
            _ = try await host.run(stubborn).get()

            let staying = try await host.run(next)
            #expect(Self.failure(staying) == .slotOccupied, "\(staying)")

            let stop = HostMessages.StopRequest(actor: "stubborn", graceMs: 4000).encoded()
            async let stopped = host.client.unary(HostMethod.stop.path, stop)
            let volume = ActorDirectories("\(host.base)/actors/\(stubborn.identity.key.directoryName)").volume("data")
            try await eventually("it was told to end") { TextFile.read("\(volume)/told").map { _ in () } }

            // Not long enough: refused, and nothing of it is left.
            let short = try await host.run(next, timeout: .milliseconds(500))
            #expect(throws: RPCStatus.self) { try short.get() }
            await #expect(throws: RPCStatus.self) { try await host.actor("next") }
            #expect(try await host.actor("stubborn").status == "ready", "its grace is not over")

            // Two that wait: one gets the place, the other finds it held by somebody who stays.
            var other = try await host.request("other")
            other.slot = "one"
            async let first = host.run(next)
            async let second = host.run(other)
            let answers = try await [first, second]
            _ = try await stopped.0.get()
            #expect(try await host.actor("stubborn").status == "stopped")
            #expect(answers.count { (try? $0.get()) != nil } == 1, "\(answers)")
            #expect(answers.compactMap(Self.failure) == [.slotOccupied], "\(answers)")
            #expect(try await host.actors().count { $0.slot == "one" && $0.status == "ready" } == 1)
        }
    }

    @Test("a checkpoint is answered before what it leaves is taken down, and whoever wants the slot or the actor waits")
    func cleaning() async throws {
        let host = try TestHost(arguments: ["--slot-capacity", "1"])
        try await host.use { host in
            let file = "\(host.scratch)/uncleaned"
            try AtomicFile.write([], to: file)
            try await host.start(["SUBSTRATE_FAILPOINT=teardown.paused.before=while(\(file))"])
            let request = try await host.request("one")
            var next = try await host.request("next")
            next.slot = request.slot
            _ = try await host.run(request).get()
            #expect(try await CounterProbe.data(host, "one") == 1)
            let saved = ExternalSnapshotTests.checkpoint(request, .local("first"), .data)
            #expect(await host.call(ContractMethod.checkpoint.path, saved) == nil)
            #expect(try await host.actor("one").status == "paused")
            // Not long enough: refused, and nothing of it is left.
            let short = try await host.run(next, timeout: .milliseconds(500))
            #expect(throws: RPCStatus.self) { try short.get() }
            let restore = ContractWire.encode(RestoreRequest(run: request, place: .local("first"), scope: .data))
            async let restored = host.call(ContractMethod.restore.path, restore)
            try DirectoryTree.remove(file)
            let answer = await restored
            #expect(answer == nil, "\(answer ?? "")")
            #expect(try await CounterProbe.data(host, "one") == 2)
        }
    }

    @Test("a stop ends a run that waits for a place")
    func cancelledWait() async throws {
        try await TestHost.with(arguments: ["--slot-capacity", "1"]) { host in
            var stubborn = try await host.request("stubborn") {
                $0.command = ["/bin/sh", "-c", "trap 'echo > /data/told' TERM; while :; do sleep 0.05; done"]
                $0.readiness = nil
            }
            stubborn.slot = "one"
            _ = try await host.run(stubborn).get()
            let stop = HostMessages.StopRequest(actor: "stubborn", graceMs: 5000).encoded()
            async let stopped = host.client.unary(HostMethod.stop.path, stop)
            let volume = ActorDirectories("\(host.base)/actors/\(stubborn.identity.key.directoryName)").volume("data")
            try await eventually("it was told to end") { TextFile.read("\(volume)/told").map { _ in () } }
            var next = try await host.request("next")
            next.slot = "one"
            let waiting = next
            async let answer = host.run(waiting)
            _ = try await host.reaches("next", "created")
            try await host.terminate(waiting)
            #expect(try await Self.code(answer) == .cancelled)
            #expect(try await host.actor("stubborn").status == "ready", "its grace is not over: the wait was")
            _ = try await stopped.0.get()
        }
    }

    @Test("no more verbs are at work than the host is set to, the next waits its turn, and a stop never does")
    func bound() async throws {
        let host = try TestHost()
        try await host.use { host in
            try await host.start(["SUBSTRATE_VERBS_AT_ONCE=1"])
            let slow = try await host.request("slow") { $0.readiness = ReadinessProbe(path: "/nothing", port: 8080) }
            let next = try await host.request("next")
            async let answer = host.run(slow)
            _ = try await host.reaches("slow", "starting")
            let busy = try await host.run(next, timeout: .milliseconds(500))
            #expect(throws: RPCStatus.self) { try busy.get() }
            if Self.code(busy) != .deadlineExceeded { #expect(Self.failure(busy) == .hostBusy, "\(busy)") }
            try await eventually("it left nothing") { (try? await host.actor("next")) == nil ? () : nil }
            async let turn = host.run(next)
            _ = try await host.reaches("next", "created")
            let stop = HostMessages.StopRequest(actor: "slow").encoded()
            _ = try await host.client.unary(HostMethod.stop.path, stop).0.get()
            #expect(try await Self.code(answer) == .cancelled)
            _ = try await turn.get()
            #expect(try await host.actor("next").status == "ready")
        }
    }

    private static func code(_ answer: TestHost.Answer) -> HostError.Code? {
        guard case .failure(let status) = answer else { return nil }
        return HostError.Code(rawValue: status.code)
    }

    private static func failure(_ answer: TestHost.Answer) -> Reason? {
        guard case .failure(let status) = answer else { return nil }
        return StatusDetails.reason(status.details)
    }
}
