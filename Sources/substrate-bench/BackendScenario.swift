import ActorContract
import Glibc
import SystemLayer

/// Run, Checkpoint and Restore of a small actor with memory, beside the runtime's commands run by hand in the same run.
struct BackendScenario {
    let backend: String
    let grants: [String]
    let scratch: String
    let image: String
    let samples: Int

    private static let verbs = ["Run", "Checkpoint", "Restore"]

    func measure() async throws -> [Figure] {
        let cold = try host("cold")
        defer { cold.stop() }
        let warm = try host("warm", "pool: { size: 1 }")
        defer { warm.stop() }
        let frozen = try host("held", "held: { memory: 512MiB }")
        defer { frozen.stop() }
        var floors = Array(repeating: Samples(), count: 3)
        var (walls, owns, ahead) = (floors, floors, floors)
        var thawed = Samples()
        // The first round unpacks the image, and asks the runtime what it can.
        for round in 0...samples {
            let hand = try BareCommands(backend, image, scratch).times()
            let own = try await self.round(cold, round)
            let made = try await self.round(warm, round)
            let held = try await self.round(frozen, round)
            guard round > 0 else { continue }
            for index in 0..<3 {
                floors[index].add(hand[index])
                walls[index].add(own[index].wall)
                owns[index].add(own[index].own)
                ahead[index].add(made[index].wall)
            }
            thawed.add(held[2].wall)
        }
        return figures(floors, walls, owns, ahead, thawed)
    }

    /// A host, and what its operator gives the backend.
    func host(_ name: String, _ setting: String = "{}") throws -> BenchHost {
        let path = "\(scratch)/\(name).yaml"
        try AtomicFile.write(Array("backends:\n  \(backend):\n    \(setting)\n".utf8), to: path)
        return try BenchHost(scratch: scratch, name: name, backend: backend, options: grants + ["--config", path])
    }

    private func figures(
        _ floors: [Samples],
        _ walls: [Samples],
        _ owns: [Samples],
        _ ahead: [Samples],
        _ thawed: Samples
    ) -> [Figure] {
        // Of the cold bare sum; a checkpoint takes nothing that was made ahead.
        let goals = [(cold: 0.75, ahead: 0.35), (cold: 0.45, ahead: 0.45), (cold: 0.75, ahead: 0.4)]
        var figures: [Figure] = []
        for (index, name) in Self.verbs.enumerated() {
            let floor = (name: "the runtime's commands by hand", value: floors[index].median)
            func figure(
                _ words: String,
                _ value: Double,
                _ unit: String = "ms",
                _ goal: Figure.Goal? = nil
            ) -> Figure {
                Figure(
                    scenario: .backend,
                    name: "\(backend): \(name), \(words)",
                    value: value,
                    unit: unit,
                    floor: unit == "ms" ? floor : nil,
                    goal: goal
                )
            }
            figures += [
                figure("own part", owns[index].median, "ms", .atMost(3)),
                figure("whole", walls[index].median),
                figure(
                    "of what its commands take by hand",
                    walls[index].median / floor.value,
                    "×",
                    .atMost(goals[index].cold)
                ),
                figure("with a sandbox made ahead", ahead[index].median),
                figure(
                    "with one, of the commands",
                    ahead[index].median / floor.value,
                    "×",
                    .atMost(goals[index].ahead)
                ),
            ]
            guard name == "Restore" else { continue }
            figures += [
                figure("of a held pause", thawed.median),
                figure("of a held pause, of the commands", thawed.median / floor.value, "×", .atMost(0.1)),
            ]
        }
        return figures
    }

    /// One actor's life, and then as long as a sandbox takes to be made ahead of the next.
    private func round(_ host: BenchHost, _ round: Int) async throws -> [Counter.Cost] {
        var counter = Counter(client: host.client, image: image, name: "small")
        (counter.backend, counter.scope) = (backend, .full)
        let run = try await counter.run()
        usleep(700_000)
        let checkpoint = try await counter.checkpoint("round-\(round)")
        let restore = try await counter.restore("round-\(round)")
        try await counter.terminate()
        usleep(700_000)
        return [run, checkpoint, restore]
    }
}
