import ActorContract
import Glibc

/// Actors with memory to carry, here and to an object store, beside the runtime's commands run by hand.
///
/// By hand a store is a file that `zstd -1` writes or reads on one thread.
struct SizesScenario {
    /// What is measured, and where.
    private let small: BackendScenario

    init(of small: BackendScenario) { self.small = small }

    private static let fills = ["random 64", "zero 64", "random 256", "zero 256"]
    private static let names = [
        "Run", "Run with a sandbox made ahead", "Checkpoint", "Restore", "Restore with a sandbox made ahead",
        "Checkpoint to a store", "Restore from a store",
    ]

    func measure() async throws -> [Figure] {
        let cold = try small.host("cold")
        defer { cold.stop() }
        let warm = try small.host("warm", "pool: { size: 1 }")
        defer { warm.stop() }
        var figures: [Figure] = []
        for fill in Self.fills { figures += try await measure(fill, cold, warm) }
        return figures
    }

    private func measure(_ fill: String, _ cold: BenchHost, _ warm: BenchHost) async throws -> [Figure] {
        var ours = Array(repeating: Samples(), count: Self.names.count)
        var floors = ours
        // The first round unpacks the image, and is not counted.
        for round in 0...small.samples {
            let hand = try BareCommands(small.backend, small.image, small.scratch).times(filling: fill)
            let own = try await life(cold, fill, round, storing: true)
            let ahead = try await life(warm, fill, round, storing: false)
            guard round > 0 else { continue }
            let times = [own[0], ahead[0], own[1], own[2], ahead[2], own[3], own[4]]
            let bare = [hand[0], hand[0], hand[1], hand[2], hand[2], hand[1] + hand[3], hand[2] + hand[4]]
            for index in Self.names.indices {
                ours[index].add(times[index])
                floors[index].add(bare[index])
            }
        }
        return Self.names.enumerated().flatMap { index, name -> [Figure] in
            let words = "\(small.backend), \(fill) MiB: \(name)"
            let (own, floor) = (ours[index].median, floors[index].median)
            let isGoal = fill == "random 256" && name == "Checkpoint to a store"
            return [
                Figure(
                    scenario: .sizes,
                    name: words,
                    value: own,
                    unit: "ms",
                    floor: (name: "the runtime's commands by hand", value: floor),
                    goal: nil
                ),
                Figure(
                    scenario: .sizes,
                    name: "\(words), of the commands",
                    value: own / floor,
                    unit: "×",
                    floor: nil,
                    goal: isGoal ? .atMost(0.5) : nil
                ),
            ]
        }
    }

    /// Run, Checkpoint and Restore, and the last two with a store: milliseconds as the client saw them.
    private func life(_ host: BenchHost, _ fill: String, _ round: Int, storing: Bool) async throws -> [Double] {
        var counter = Counter(client: host.client, image: small.image, name: "filled")
        (counter.backend, counter.scope, counter.fill) = (small.backend, .full, fill)
        let name = "\(fill.filter { $0 != " " })-\(round)"
        var times = [try await counter.run().wall]
        // As long as a sandbox takes to be made ahead of the next.
        usleep(500_000)
        times.append(try await counter.checkpoint(name).wall)
        times.append(try await counter.restore(name).wall)
        if storing {
            let place = SnapshotPlace.external("file://bucket/\(name)")
            times.append(try await counter.checkpoint(place).wall)
            times.append(try await counter.restore(place).wall)
        }
        try await counter.terminate()
        usleep(500_000)
        return times
    }
}
