import HostErrors
import Synchronization
import SystemLayer
import TestSupport
import Testing
import Threads

@testable import ActorLifecycle

@Suite("The bound on verbs")
struct VerbGateTests {
    @Test("lets so many in, the others in order, and refuses who comes when too many wait")
    func bound() async throws {
        let gate = VerbGate(width: 2, queue: 3)
        let far = ContinuousClock.now + .seconds(60)
        for _ in 0..<2 { try await gate.enter("run", Operation("run"), until: far) }
        let order = Shared<[Int]>([])
        var tasks: [Task<Void, any Error>] = []
        for number in 0..<3 {
            tasks.append(
                Task {
                    try await gate.enter("run", Operation("run"), until: far)
                    order.withLock { $0.append(number) }
                }
            )
            try await eventually("it waits") { gate.counts.waiting == number + 1 ? () : nil }
        }
        let refused = await #expect(throws: HostError.self) {
            try await gate.enter("run", Operation("run"), until: far)
        }
        #expect(refused?.code == .resourceExhausted && refused?.reason == .hostBusy)
        for number in 0..<3 {
            #expect(gate.counts.inside == 2)
            gate.leave()
            try await tasks[number].value
            #expect(order.withLock { $0 } == Array(0...number))
        }
        for _ in 0..<2 { gate.leave() }
        #expect(gate.counts == (inside: 0, waiting: 0))
    }

    @Test("gives up at the deadline or when the verb is cancelled, and keeps no place")
    func givesUp() async throws {
        let gate = VerbGate(width: 1, queue: 8)
        let far = ContinuousClock.now + .seconds(60)
        try await gate.enter("run", Operation("run"), until: far)
        let late = await #expect(throws: HostError.self) {
            try await gate.enter("run", Operation("run"), until: ContinuousClock.now + .milliseconds(20))
        }
        #expect(late?.code == .resourceExhausted)
        let operation = Operation("run")
        let waiting = Task { try await gate.enter("run", operation, until: far) }
        try await eventually("it waits") { gate.counts.waiting == 1 ? () : nil }
        operation.cancel()
        let cancelled = await #expect(throws: HostError.self) { try await waiting.value }
        #expect(cancelled?.code == .cancelled)
        let early = Operation("run")
        early.cancel()
        await #expect(throws: HostError.self) { try await gate.enter("run", early, until: far) }
        #expect(gate.counts == (inside: 1, waiting: 0))
        gate.leave()
        #expect(gate.counts.inside == 0)
    }

    @Test("blocking work has as many threads as it needs, and no more than the bound")
    func threads() async throws {
        let threads = BlockingThreads(bound: 8)
        let release = Shared(false)
        let gate = Shared(0)
        for _ in 0..<20 {
            threads.run {
                gate.withLock { $0 += 1 }
                while !release.withLock({ $0 }) { usleepBriefly() }
                gate.withLock { $0 -= 1 }
            }
        }
        try await eventually("eight are at work though all of them wait") { gate.withLock { $0 } == 8 ? () : nil }
        #expect(threads.count == 8)
        release.withLock { $0 = true }
        let done = Shared(false)
        threads.run { done.withLock { $0 = true } }
        try await eventually("the others had their turn") {
            done.withLock { $0 } && gate.withLock { $0 } == 0 ? () : nil
        }
        #expect(threads.count <= 8)
    }

    private func usleepBriefly() { _ = try? waitReadable(-1, milliseconds: 1) }
}

/// A value that closures of several threads share.
final class Shared<Value: Sendable>: Sendable {
    private let value: Mutex<Value>
    init(_ value: Value) { self.value = Mutex(value) }
    func withLock<Result: Sendable>(_ body: (inout Value) -> Result) -> Result { value.withLock { body(&$0) } }
}
