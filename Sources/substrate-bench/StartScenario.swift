/// From exec to a host that accepts.
struct StartScenario {
    let scratch: String
    let samples: Int
    let programFloor: Double

    func measure() throws -> [Figure] {
        var times = Samples()
        for round in 0..<samples {
            let host = try BenchHost(scratch: scratch, name: "start-\(round)")
            times.add(host.startMilliseconds)
            host.stop()
        }
        return [
            Figure(
                scenario: .start,
                name: "exec to listening",
                value: times.median,
                unit: "ms",
                floor: (name: "vfork, exec and wait of true", value: programFloor),
                goal: .atMost(20)
            )
        ]
    }
}
