/// Run, Checkpoint and Restore of the counter: the whole, and what of it is the host's own.
struct VerbScenario {
    let host: BenchHost
    let image: String
    let samples: Int

    /// The own parts alone, where every wait for the disk is in them: what the disk costs is the difference.
    func measureOnDisk(_ directory: String) async throws -> [Figure] {
        let floor = (name: "one page written and made durable", value: try Floors.sync(in: directory, samples))
        let (_, owns, _) = try await rounds()
        return ["Run", "Checkpoint", "Restore"].map { name in
            Figure(
                scenario: .verbs,
                name: "\(name), own part and the disk",
                value: owns[name, default: Samples()].median,
                unit: "ms",
                floor: floor
            )
        }
    }

    func measure() async throws -> [Figure] {
        let floor = (name: "clone, exec and wait of true, confined", value: try Floors.confinedProgram(samples))
        let (walls, owns, overStart) = try await rounds()
        return figures(walls, owns, overStart, floor)
    }

    private func rounds() async throws -> ([String: Samples], [String: Samples], Samples) {
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
        return (walls, owns, overStart)
    }

    private func figures(
        _ walls: [String: Samples],
        _ owns: [String: Samples],
        _ overStart: Samples,
        _ floor: (name: String, value: Double)
    ) -> [Figure] {
        var figures: [Figure] = []
        for name in ["Run", "Checkpoint", "Restore"] {
            figures.append(
                Figure(
                    scenario: .verbs,
                    name: "\(name), own part",
                    value: owns[name, default: Samples()].median,
                    unit: "ms",
                    floor: floor,
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
