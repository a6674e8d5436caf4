import ContractWire
import Foundation
import Glibc
import SystemLayer
import TestSupport
import Testing

@Suite(
    "An answer",
    .serialized,
    .enabled(if: TestMachine.needs(TestMachine.isRoot), "actors are confined as root only")
)
struct KillDurabilityTests {
    /// What the answer to Run has and no other: the beginning of its phases, in one piece.
    private static let answer = "download="
    private static let strace = "/usr/bin/strace"

    @Test(
        "is sent after the journal was synced",
        .enabled(if: TestMachine.needs(strace), "strace is not installed: apt-get install strace"),
        .timeLimit(.minutes(1))
    )
    func syncedFirst() async throws {
        try await TestHost.with { try await follow($0) }
    }

    private func follow(_ host: TestHost) async throws {
        let tour = KillTour(image: try await CounterImage.reference())
        let (trace, words) = ("\(host.scratch)/strace", "\(host.scratch)/strace.err")
        let err = OwnedFD(unsafe open(words, O_WRONLY | O_CREAT | O_CLOEXEC, 0o600))
        let server = try host.process
        var plan = SpawnPlan(
            program: Self.strace,
            arguments: [
                "strace", "-f", "-y", "-s", "8192", "-e", "trace=fdatasync,fsync,pwrite64,sendmsg", "-o", trace, "-p",
                "\(server.pid)",
            ]
        )
        plan.descriptors = [(child: 2, parent: err.rawValue)]
        let tracer = try spawn(plan)
        let deadline = ContinuousClock.now + .seconds(20)
        while TextFile.read(words)?.contains("attached") != true {
            try #require(!tracer.hasExited() && ContinuousClock.now < deadline, "strace does not attach")
            try await Task.sleep(for: .milliseconds(5))
        }
        let failure = await host.call(tour.steps[0].path, tour.steps[0].bytes)
        // The answer may be here before strace has written that it was sent.
        while failure == nil, TextFile.read(trace)?.contains(Self.answer) != true,
            ContinuousClock.now < deadline
        {
            _ = await host.call(HostMethod.list.path, HostMessages.ListRequest().encoded())
            try await Task.sleep(for: .milliseconds(20))
        }
        _ = tracer.signal(SIGINT)
        while !tracer.hasExited(), ContinuousClock.now < deadline { try await Task.sleep(for: .milliseconds(5)) }
        if !tracer.hasExited() { _ = tracer.signal(SIGKILL) }
        _ = tracer.wait()
        try #require(failure == nil, "run: \(failure ?? "")")
        let lines = try String(contentsOfFile: trace, encoding: .utf8).split(separator: "\n").map(String.init)
        check(lines)
    }

    /// Goes through the calls in their order: a write makes the journal dirty, the end of a sync makes it clean.
    private func check(_ lines: [String]) {
        var syncing: Set<Substring> = []
        var (dirty, syncs, answers) = (false, 0, 0)
        for line in lines {
            let thread = line.prefix { $0 != " " }
            let isSync = line.contains("fdatasync(") || line.contains("fsync(")
            if line.contains("journal.sqlite-wal>"), line.contains("pwrite64(") {
                dirty = true
            } else if line.contains("journal.sqlite-wal>"), isSync {
                if line.hasSuffix("<unfinished ...>") {
                    syncing.insert(thread)
                } else {
                    (dirty, syncs) = (false, syncs + 1)
                }
            } else if line.contains("sync resumed>"), syncing.remove(thread) != nil {
                (dirty, syncs) = (false, syncs + 1)
            } else if line.contains("sendmsg("), line.contains(Self.answer) {
                answers += 1
                #expect(!dirty, "the answer went out before the journal was synced")
                #expect(syncs > 5, "only \(syncs) syncs came before the answer")
            }
        }
        #expect(answers == 1, "the answer is not in the trace")
    }
}
