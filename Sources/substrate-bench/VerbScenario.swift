/// Run, Checkpoint and Restore of the counter: the whole, and what of it is the host's own.
struct VerbScenario {
    let host: BenchHost
    let image: String
    let samples: Int

    func measure() async throws -> [Figure] {
        let floor = (name: "clone, exec and wait of true, confined", value: try Floors.confinedProgram(samples))
        let counter = Counter(client: host.client, image: image, name: "verbs")
        var walls: [String: Samples] = [:]
        var owns: [String: Samples] = [:]
        var overStart = Samples()
        // The first round unpacks the image and is not counted.
        for round in 0...samples {
            let run = try await counter.run()
            let checkpoint = try await counter.checkpoint("round-\(round)")
            let restore = try await counter.restore("round-\(round)")
            try await counter.terminate()
            guard round > 0 else { continue }
            for (name, cost) in [("Run", run), ("Checkpoint", checkpoint), ("Restore", restore)] {
                walls[name, default: Samples()].add(cost.wall)
                owns[name, default: Samples()].add(cost.own)
            }
            overStart.add(run.wall - run.readiness)
        }
        var figures: [Figure] = []
        for name in ["Run", "Checkpoint", "Restore"] {
            figures.append(
                Figure(
                    scenario: .verbs,
                    name: "\(name), own part",
                    value: owns[name, default: Samples()].median,
                    unit: "ms",
                    goal: .atMost(3)
                )
            )
            figures.append(
                Figure(
                    scenario: .verbs,
                    name: "\(name), whole",
                    value: walls[name, default: Samples()].median,
                    unit: "ms",
                    floor: floor
                )
            )
        }
        figures.append(
            Figure(
                scenario: .verbs,
                name: "Run less the wait for the workload",
                value: overStart.median,
                unit: "ms",
                floor: floor,
                goal: .atMost(20)
            )
        )
        return figures
    }
}
