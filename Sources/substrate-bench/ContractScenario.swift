import ActorContract
import ContractWire
import GRPCTransport

/// What a call costs that changes nothing.
struct ContractScenario {
    let host: BenchHost
    let samples: Int
    let roundTripFloor: Double

    func measure() async throws -> [Figure] {
        let list = HostMessages.ListRequest().encoded()
        let unknown = Counter(client: host.client, image: "", name: "nobody").checkpointBytes(.local("none"))
        var figures: [Figure] = []
        for (name, path, bytes, code) in [
            ("Host.List", HostMethod.list.path, list, Int32(0)),
            // NOT_FOUND: decoded, validated and looked up.
            ("Checkpoint of nobody", ContractMethod.checkpoint.path, unknown, 5),
        ] {
            for _ in 0..<50 { try await call(path, bytes, code) }
            var times = Samples()
            for _ in 0..<samples * 100 {
                let start = Clock.now()
                try await call(path, bytes, code)
                times.add(Clock.now() - start)
            }
            let floor = (name: "byte between processes and back", value: roundTripFloor)
            figures.append(
                Figure(scenario: .contract, name: "\(name), p50", value: times.median, unit: "ms", floor: floor)
            )
            figures.append(
                Figure(scenario: .contract, name: "\(name), p99", value: times.percentile(99), unit: "ms", floor: floor)
            )
        }
        var rates = Samples()
        for _ in 0..<7 { rates.add(try await rate(HostMethod.list.path, list)) }
        figures.append(
            Figure(
                scenario: .contract,
                name: "Host.List, 16 in flight",
                value: rates.median,
                unit: "/s",
                floor: (name: "bytes one after another", value: 1000 / roundTripFloor)
            )
        )
        return figures
    }

    private func call(_ path: String, _ bytes: [UInt8], _ code: Int32) async throws {
        try await Self.call(host.client, path, bytes, code)
    }

    private static func call(_ client: GRPCClient, _ path: String, _ bytes: [UInt8], _ code: Int32) async throws {
        let (result, _) = await client.unary(path, bytes, timeout: .seconds(10))
        let got: Int32 = if case .failure(let status) = result { status.code } else { 0 }
        guard got == code else { throw BenchFailure("\(path) answered code \(got), not \(code)") }
    }

    private func rate(_ path: String, _ bytes: [UInt8]) async throws -> Double {
        let client = host.client
        let start = Clock.now()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<16 {
                group.addTask { for _ in 0..<50 { try await Self.call(client, path, bytes, 0) } }
            }
            try await group.waitForAll()
        }
        return 800 / (Clock.now() - start) * 1000
    }
}
