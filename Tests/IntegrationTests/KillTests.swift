import ActorContract
import ContractWire
import Foundation
import GRPCTransport
import Glibc
import HostErrors
import SystemLayer
import TestSupport
import Testing

@Suite(
    "A host that is killed",
    .serialized,
    .enabled(if: TestMachine.needs(TestMachine.isRoot), "actors are confined as root only")
)
struct KillTests {
    @Test("at any point of any verb converges, keeps what was saved and leaves nothing", .timeLimit(.minutes(3)))
    func everyPoint() async throws {
        let scratch = try ScratchDirectory("kill")
        let tour = KillTour(image: try await CounterImage.reference())
        let points = try await tour.trace(to: "\(scratch.path)/trace")
        for name in tour.steps.map(\.name) {
            #expect(points[name, default: []].count >= 2, "no point was traced in \(name)")
        }
        let traced = Set(points.values.joined())
        for point in [
            "run.pulling.before@1", "run.effect.network.make.begun@1", "run.effect.workload.start.made@1",
            "run.effect.workload.start.done@1", "run.keep.before@1", "checkpoint.effect.snapshot.write.begun@1",
            "restore.restoring.after@1", "stop.stopped.before@1", "start.ready.after@1", "remove.forget.before@1",
        ] { #expect(traced.contains(point), "\(point) is gone") }
        // One tour dies once in every verb, so as many tours as the longest verb has points pass through them all.
        let recoveries = KillRecoveries()
        var during = points
        let after = during.removeValue(forKey: KillTour.after) ?? []
        #expect(after == ["teardown.paused.before@1", "teardown.paused.after@1"])
        try await tours(through: during) { try await tour.take(dyingAt: $0, recoveries: recoveries) }
        try await tours(through: [KillTour.after: after]) { try await tour.take(dyingAt: $0, recoveries: recoveries) }
        // And what the next host passes on its way to serve: it dies there too, and a third one goes on.
        let ways = await recoveries.ways
        for point in [
            "recover.boot.before@1", "recover.boot.after@1", "recover.failed.before@1", "recover.failed.after@1",
            "recover.ready.before@1", "recover.ready.after@1", "recover.paused.before@1", "recover.paused.after@1",
            "recover.stopped.before@1", "recover.stopped.after@1", "remove.forget.before@1", "remove.forget.after@1",
        ] { #expect(ways[point] != nil, "no recovery passed \(point): \(ways.keys.sorted())") }
        let all = ways.sorted { $0.key < $1.key }
        try await side(by: all.count) { number in
            let (recovery, way) = all[number]
            try await tour.take(dyingAt: [way.step: way.point], andThenAt: recovery)
        }
    }

    @Test("on the way to an object store or back loses no snapshot and repeats no count", .timeLimit(.minutes(3)))
    func externalPoints() async throws {
        let scratch = try ScratchDirectory("kill")
        let image = try await CounterImage.reference()
        let known = try await KillTour(image: image).trace(to: "\(scratch.path)/local")
        let tour = KillTour(image: image, place: .external("file://bucket/kill"))
        // What every other tour passes too is died at elsewhere.
        let points = try await tour.trace(to: "\(scratch.path)/external").mapValues { points in
            points.filter { !known.values.joined().contains($0) }
        }
        let own = Set(points.values.joined())
        for point in [
            "checkpoint.effect.snapshot.upload.begun@1", "checkpoint.effect.snapshot.upload.made@1",
            "checkpoint.effect.snapshot.forget.made@1", "checkpoint.suspended.before@1", "checkpoint.suspended.after@1",
            "restore.fetch.before@1", "restore.fetch.after@1",
        ] { #expect(own.contains(point), "\(point) is gone: \(own.sorted())") }
        try await tours(through: points) { try await tour.take(dyingAt: $0) }
        let full = points.mapValues { $0.filter { $0.contains(".before@") || $0.contains(".made@") } }
        try await tours(through: full) { try await tour.take(failingAt: $0) }
    }

    @Test("whose disk is full at any point fails that verb alone, and leaves nothing", .timeLimit(.minutes(3)))
    func everyFailure() async throws {
        let scratch = try ScratchDirectory("kill")
        let tour = KillTour(image: try await CounterImage.reference())
        // A full disk shows before a write is done; after it there is nothing left to fail.
        let points = try await tour.trace(to: "\(scratch.path)/trace").mapValues { points in
            points.filter { $0.contains(".before@") || $0.contains(".made@") }
        }
        try await tours(through: points) { try await tour.take(failingAt: $0) }
    }

    /// As many tours as the longest verb has points, three at a time, so that each point is passed once.
    private func tours(
        through points: [String: [String]],
        _ take: @escaping @Sendable ([String: String]) async throws -> Void
    ) async throws {
        try await side(by: points.values.map(\.count).max() ?? 0) { number in
            try await take(points.compactMapValues { $0.count > number ? $0[number] : nil })
        }
    }

    /// So many tours, three at a time.
    private func side(by count: Int, _ take: @escaping @Sendable (Int) async throws -> Void) async throws {
        let next = TourCounter(count)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<3 {
                group.addTask { while let number = await next.take() { try await take(number) } }
            }
            try await group.waitForAll()
        }
    }

    /// Prints numbered lines, 10,000 a second.
    private static let printer = """
        #include <stdio.h>
        #include <time.h>
        int main(void) {
            struct timespec next;
            clock_gettime(CLOCK_MONOTONIC, &next);
            for (long number = 0;; number++) {
                printf("line %ld\\n", number);
                if (number % 100 == 99) {
                    fflush(stdout);
                    next.tv_nsec += 10000000;
                    if (next.tv_nsec >= 1000000000) { next.tv_nsec -= 1000000000; next.tv_sec++; }
                    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &next, 0);
                }
            }
        }
        """

    @Test("under an actor that prints 10,000 lines a second loses no line and no actor", .timeLimit(.minutes(1)))
    func noLineLost() async throws {
        let scratch = try ScratchDirectory("kill")
        let image = try await CounterImage.reference(source: Self.printer, in: scratch.path)
        let tour = KillTour(image: image, probe: false)
        try await TestHost(stopsActors: false).use { host in
            try await host.start()
            #expect(await host.call(tour.steps[0].path, tour.steps[0].bytes) == nil)
            let before = try await Self.spool(host, past: 50_000)
            try await host.kill()
            // Printing goes on with nobody there: about two seconds of it.
            let after = try await Self.spool(host, past: before + 500_000)
            #expect(after > before)
            try await host.start()
            let actor = try await host.actor(tour.actor)
            #expect(actor.status == "ready" && actor.pid > 0)
            #expect(await host.call(tour.steps[1].path, tour.steps[1].bytes) == nil)
            var expected = 0
            var wrong: [String] = []
            let request = HostMessages.LogsRequest(actor: tour.actor)
            for try await bytes in try host.client.serverStream(HostMethod.logs.path, request.encoded()) {
                let chunk = try HostMessages.LogChunk(decoding: bytes)
                let line = String(decoding: chunk.line, as: UTF8.self)
                if chunk.dropped > 0 || line != "line \(expected)" { wrong.append("\(line) for \(expected)") }
                expected += 1
                if wrong.count > 5 { break }
            }
            #expect(wrong.isEmpty, "\(wrong)")
            #expect(expected > 20_000)
            for step in tour.steps.suffix(1) { #expect(await host.call(step.path, step.bytes) == nil) }
            #expect(host.leftovers.isEmpty, "\(host.leftovers)")
        }
    }

    /// Waits until the actor's spool has so many bytes.
    private static func spool(_ host: TestHost, past bytes: Int) async throws -> Int {
        let deadline = ContinuousClock.now + .seconds(20)
        while true {
            var size = 0
            let files = FileManager.default.enumerator(atPath: "\(host.base)/actors")
            while let name = files?.nextObject() as? String {
                guard (name as NSString).lastPathComponent.hasPrefix("log.") else { continue }
                let path = "\(host.base)/actors/\(name)"
                size += ((try? FileManager.default.attributesOfItem(atPath: path))?[.size] as? Int) ?? 0
            }
            if size > bytes { return size }
            try #require(ContinuousClock.now < deadline, "the spool has \(size) bytes and does not grow")
            try await Task.sleep(for: .milliseconds(20))
        }
    }
}

/// Hands out tours to whoever is free.
private actor TourCounter {
    private var numbers: Range<Int>.Iterator
    init(_ count: Int) { numbers = (0..<count).makeIterator() }
    func take() -> Int? { numbers.next() }
}
