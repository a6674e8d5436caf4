/// What the host's process holds in memory: nothing to do, actors that run, actors that are paused.
struct MemoryScenario {
    let scratch: String
    let image: String

    private static let actors = 10
    /// Enough that what the first ones warm up does not count as theirs.
    private static let paused = 100

    func measure() async throws -> [Figure] {
        let host = try BenchHost(scratch: scratch, name: "memory")
        defer { host.stop() }
        let idle = host.residentKiB
        // One whole life first: what the first verbs cost is paid once, not by each actor.
        let first = Counter(client: host.client, image: image, name: "first")
        _ = try await first.run()
        _ = try await first.checkpoint("one")
        try await first.terminate()
        let before = host.residentKiB
        let counters = (0..<Self.actors).map { Counter(client: host.client, image: image, name: "memory-\($0)") }
        for counter in counters { _ = try await counter.run() }
        let running = host.residentKiB
        for counter in counters { _ = try await counter.checkpoint("one") }
        let more = (Self.actors..<Self.paused).map { Counter(client: host.client, image: image, name: "memory-\($0)") }
        for counter in more {
            _ = try await counter.run()
            _ = try await counter.checkpoint("one")
        }
        let paused = host.residentKiB
        for counter in counters + more { try await counter.terminate() }
        let each = Double(Self.actors)
        return [
            Figure(scenario: .memory, name: "host, idle", value: idle / 1024, unit: "MiB", goal: .atMost(25)),
            Figure(scenario: .memory, name: "host, after its first actor", value: before / 1024, unit: "MiB"),
            Figure(
                scenario: .memory,
                name: "host, each running actor of \(Self.actors)",
                value: (running - before) / each,
                unit: "KiB"
            ),
            // 1,000 suspended actors in 20 MiB.
            Figure(
                scenario: .memory,
                name: "host, each paused actor of \(Self.paused)",
                value: (paused - before) / Double(Self.paused),
                unit: "KiB",
                goal: .atMost(20)
            ),
        ]
    }
}
