import ActorContract
import ContractWire
import Foundation
import GRPCTransport
import Glibc
import HostErrors
import SystemLayer
import TestSupport
import Testing

/// How actors end before their time, and how soon.
@Suite(
    "cycles end when told",
    .serialized,
    .enabled(if: TestMachine.needs(TestMachine.isRoot), "actors are confined as root only")
)
struct CyclesEndTests {
    @Test("a script that spins inside C is killed by a stop from outside, within a second")
    func spinning() async throws {
        let pattern = #"(("a"):rep(60)):find(("a-"):rep(40) .. "b")"#
        let script = CyclesLeakTests.script.replacingOccurrences(
            of: #"if actor.name:find("^trap") then error("a mistake in the script") end"#,
            with: #"if actor.name:find("^spin") then return \#(pattern) end"#
        )
        try await TestHost.with(backend: "cycles", script: script) { host in
            let spin = try await host.request("spin")
            async let answer = host.run(spin)
            _ = try await host.reaches("spin", "starting")
            // The supervisor that burns is the one with processor time.
            let spinner = try await eventually("a supervisor spins", seconds: 5) {
                CyclesCensus.descendants(of: try host.process.pid).first { Self.ticks($0) >= 10 }
            }
            let handle = try #require(Self.handle(spinner))
            let stop = try await host.stopFromOutside("spin")
            #expect(stop.code == 0)
            // What the command itself takes on a loaded machine is no part of the second.
            let idle = try await host.stopFromOutside("spin").took
            #expect(stop.took < idle * 3 + .seconds(1))
            #expect(handle.hasExited())
            #expect(TextFile.read("/proc/\(spinner)/stat") == nil, "it was reaped")
            let status = try await answer
            #expect(Self.code(status) == HostError.Code.cancelled.rawValue, "\(status)")
            #expect(try await host.actor("spin").status == "stopped")
            let good = try await host.request("good")
            _ = try await host.run(good).get()
            #expect(try await host.actor("good").status == "ready")
        }
    }

    @Test("a killed program is a crash, one that exits with 0 is stopped, and both can run again")
    func crashes() async throws {
        try await TestHost.with { host in
            let request = try await host.request("counter")
            for (signal, status, reason) in [(SIGKILL, "failed", "crashed"), (SIGTERM, "stopped", "")] {
                _ = try await host.run(request).get()
                let actor = try await host.actor("counter")
                let main = try #require(CyclesCensus.descendants(of: Int32(actor.pid)).first)
                #expect(kill(main, signal) == 0)
                let ended = try await host.reaches("counter", status)
                #expect(ended.reason == reason, "\(ended)")
            }
            // The launcher's init dies: no exit status was written, so it is a crash.
            _ = try await host.run(request).get()
            #expect(kill(Int32(try await host.actor("counter").pid), SIGKILL) == 0)
            #expect(try await host.reaches("counter", "failed").reason == "crashed")
        }
    }

    @Test("a client that gives up while readiness waits has its actor torn down and the slot back")
    func deadline() async throws {
        try await TestHost.with { host in
            let request = try await host.request("slow") { $0.readiness = ReadinessProbe(path: "/nothing", port: 8080) }
            let answer = Task { try await host.run(request) }
            _ = try await host.reaches("slow", "starting")
            answer.cancel()
            let code = Self.code(try await answer.value)
            #expect(code == HostError.Code.cancelled.rawValue, "\(code)")
            let ended = try await host.reaches("slow", "stopped", seconds: 3)
            #expect(ended.pid == 0)
            let census = try CyclesCensus(host)
            #expect(census.mounts.isEmpty && census.cgroups.isEmpty, "\(census)")
            var next = try await host.request("next")
            next.slot = request.slot
            _ = try await host.run(next).get()
        }
    }

    @Test("a stop from outside ends a run that waits for readiness")
    func stopWhileWaiting() async throws {
        try await TestHost.with { host in
            let request = try await host.request("slow") { $0.readiness = ReadinessProbe(path: "/nothing", port: 8080) }
            async let answer = host.run(request)
            try await eventually("the workload runs", seconds: 5) {
                try? await host.actor("slow").status == "starting" && !CyclesCensus(host).mounts.isEmpty ? () : nil
            }
            let stop = try await host.stopFromOutside("slow")
            let idle = try await host.stopFromOutside("slow").took
            #expect(stop.code == 0 && stop.took < idle * 3 + .seconds(1), "\(stop), \(idle)")
            let status = try await answer
            #expect(Self.code(status) == HostError.Code.cancelled.rawValue, "\(status)")
            #expect(try await host.actor("slow").status == "stopped")
        }
    }

    @Test("a workload that ignores TERM has its grace and no more")
    func grace() async throws {
        try await TestHost.with { host in
            let request = try await host.request("stubborn") {
                $0.command = ["/bin/sh", "-c", "trap '' TERM; echo > /data/deaf; while :; do sleep 1; done"]
                $0.readiness = nil
            }
            _ = try await host.run(request).get()
            let pid = Int32(try await host.actor("stubborn").pid)
            let root = "\(host.base)/actors/\(request.identity.key.directoryName)"
            try await eventually("it ignores TERM", seconds: 5) {
                TextFile.read("\(ActorDirectories(root).volume("data"))/deaf").map { _ in () }
            }
            let clock = ContinuousClock.now
            let stop = HostMessages.StopRequest(actor: "stubborn", graceMs: 700).encoded()
            _ = try await host.client.unary(HostMethod.stop.path, stop).0.get()
            let took = ContinuousClock.now - clock
            #expect(took >= .milliseconds(700) && took < .milliseconds(2500), "\(took)")
            #expect(TextFile.read("/proc/\(pid)/stat") == nil)
            #expect(try await host.actor("stubborn").status == "stopped")
        }
    }

    @Test("a program that takes more memory than its actor has is killed, and its host is not")
    func memory() async throws {
        try await TestHost.with { host in
            var request = try await host.request("hog") {
                $0.command = ["/bin/sh", "-c", "x=aaaaaaaaaaaaaaaa; while :; do x=$x$x; done"]
                $0.readiness = nil
            }
            request.memoryBytes = 32 << 20
            _ = try await host.run(request)
            let ended = try await host.reaches("hog", "failed", seconds: 15)
            #expect(ended.reason == "out_of_memory", "\(ended)")
            #expect(try !host.process.hasExited())
        }
    }

    @Test("a spare supervisor that dies waiting is told of once, costs no verb, and is replaced")
    func deadSpare() async throws {
        try await TestHost.with { host in
            func spares() throws -> [Int32] {
                try CyclesCensus.descendants(of: host.process.pid).filter {
                    TextFile.read("/proc/\($0)/comm") == "substrate-super\n"
                }
            }
            // The one that loaded the script is there for a moment, too: the two that stay are meant.
            var (before, looks) = ([Int32](), 0)
            let full = try await eventually("the pool is full") {
                let now = try spares()
                looks = now == before && now.count == 2 ? looks + 1 : 0
                before = now
                return looks == 20 ? now : nil
            }
            for spare in full {
                let handle = try #require(Self.handle(spare))
                #expect(kill(spare, SIGKILL) == 0)
                try await eventually("it died") { handle.hasExited() ? () : nil }
            }
            let request = try await host.request("counter")
            _ = try await host.run(request).get()
            let again = try await eventually("the pool is full again") { try spares().count == 2 ? spares() : nil }
            #expect(Set(again).isDisjoint(with: full))
            try await host.terminate(request)
            let words = host.log.split(separator: "\n").filter { $0.contains("died waiting") }
            #expect(words.count == 2 && words.allSatisfy { $0.contains("signaled(9)") }, "\(words)")
        }
    }

    private static func code(_ answer: TestHost.Answer) -> Int32 {
        if case .failure(let status) = answer { return status.code }
        return 0
    }

    private static func fields(_ pid: Int32) -> [Substring] {
        guard let text = TextFile.read("/proc/\(pid)/stat"), let bracket = text.lastIndex(of: ")") else { return [] }
        return text[text.index(after: bracket)...].split(separator: " ")
    }

    /// Processor time of a process, in hundredths of a second.
    private static func ticks(_ pid: Int32) -> Int { fields(pid).dropFirst(11).first.flatMap { Int($0) } ?? 0 }

    private static func handle(_ pid: Int32) -> ProcessHandle? {
        guard let text = fields(pid).dropFirst(19).first, let start = UInt64(text) else { return nil }
        return ProcessHandle.find(pid: pid, startTime: start)
    }
}
