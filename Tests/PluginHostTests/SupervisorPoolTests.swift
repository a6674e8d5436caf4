import HostErrors
import PluginOverlays
import PluginProtocol
import Synchronization
import Telemetry
import Testing
import Threads

@testable import PluginHost

@Suite("The pool of supervisors", .timeLimit(.minutes(1)))
struct SupervisorPoolTests {
    /// What every supervisor of a pool was told, one stream for all.
    private final class Stage: Sendable {
        let loads: AsyncStream<String>
        private let told: AsyncStream<String>.Continuation
        let started = Mutex(0)

        init() { (loads, told) = AsyncStream.makeStream() }

        func pool(size: Int) -> SupervisorPool {
            SupervisorPool(size: size, logger: Logger(sink: Discard())) { [self] _ throws(HostError) in
                started.withLock { $0 += 1 }
                return try FakeSupervisor.start { [told] fake in
                    guard case .load(let name, _, _) = try fake.receive() else { return }
                    told.yield(name)
                    try fake.send(.descriptor(.map(["name": .text(name)])))
                    try fake.waitForEnd()
                }
            }
        }
    }

    private struct Discard: LogSink {
        func write(_ record: LogRecord) {}
    }

    private static func script(_ name: String) -> ScriptLoad {
        ScriptLoad(
            PluginEntry(
                name: name,
                path: "/fake/\(name)/backend.lua",
                origin: "shipped",
                isShipped: true,
                source: Array("return {}".utf8),
                libraries: [:],
                hash: { _ in name }
            )
        )
    }

    private func take(_ name: String, from pool: SupervisorPool) async throws -> SpareSupervisor {
        let script = Self.script(name)
        return try await onThread("test") { try pool.take(for: script) }
    }

    @Test("after the first verb the next ones find the script in their supervisor")
    func loadsAhead() async throws {
        let stage = Stage()
        let pool = stage.pool(size: 1)
        defer { pool.close() }
        var loads = stage.loads.makeAsyncIterator()
        let first = try await take("a", from: pool)
        #expect(first.loaded == nil)
        #expect(await loads.next() == "a", "the spare that follows has loaded it before anybody asked")
        let second = try await spare(holding: "a", of: pool)
        #expect(second.loaded == Self.script("a").key)
        first.process.end()
        second.process.end()
    }

    @Test("another script is never what is in a spare, and only two verbs in a row change what spares load")
    func otherScripts() async throws {
        let stage = Stage()
        let pool = stage.pool(size: 1)
        defer { pool.close() }
        var loads = stage.loads.makeAsyncIterator()
        try await take("a", from: pool).process.end()
        #expect(await loads.next() == "a")
        // An actor that keeps an older revision.
        let old = try await take("b", from: pool)
        #expect(old.loaded == nil)
        old.process.end()
        let again = try await spare(holding: "a", of: pool)
        #expect(again.loaded == Self.script("a").key)
        again.process.end()
        // A revision that is served from now on.
        try await take("b", from: pool).process.end()
        try await take("b", from: pool).process.end()
        while let name = await loads.next(), name != "b" {}
        let new = try await spare(holding: "b", of: pool)
        #expect(new.loaded == Self.script("b").key)
        new.process.end()
    }

    /// The spare that a load was seen of, once the pool has it too.
    private func spare(holding name: String, of pool: SupervisorPool) async throws -> SpareSupervisor {
        let deadline = ContinuousClock.now + .seconds(30)
        while true {
            let spare = try await take(name, from: pool)
            if spare.loaded != nil { return spare }
            spare.process.end()
            try #require(ContinuousClock.now < deadline, "no spare has loaded \(name)")
            try await Task.sleep(for: .milliseconds(5))
        }
    }
}
