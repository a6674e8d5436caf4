import SystemLayer
import TestSupport
import Testing

/// A client that shares nothing with the host (Python grpcio, stubs made from the contract's field table) drives it.
@Suite(
    "A foreign client",
    .serialized,
    .enabled(if: TestMachine.needs(TestMachine.isRoot), "actors are confined as root only"),
    .enabled(
        if: TestMachine.needs(TestMachine.hasForeignClient),
        "Python lacks one of these here: pip install grpcio grpcio-tools grpcio-reflection"
    )
)
struct ForeignClientTests {
    @Test("both dialects at once, over unix: and tcp:, go from Run to the continued counter")
    func tours() async throws {
        try await TestHost.with(arguments: ["--contract=auto"], overTCP: true) { host in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for (dialect, target) in [
                    ("june", host.unix), ("autumn", host.tcp), ("june", host.tcp), ("autumn", host.unix),
                ] {
                    group.addTask { try await Self.client(host, "tour", dialect, over: target) }
                }
                try await group.waitForAll()
            }
            #expect(try await host.command("actors", "--json").output == "[]\n")
        }
    }

    @Test("external snapshots in both dialects: written, read on another slot, uploaded late, pruned")
    func external() async throws {
        try await TestHost.with { host in
            for dialect in ["june", "autumn"] { try await Self.client(host, "external", dialect, over: host.unix) }
        }
    }

    @Test("what is refused, with which code and reason, and what is not touched by it", arguments: ["june", "autumn"])
    func codes(dialect: String) async throws {
        // The shipped backend, with an asset: what a backend does not declare is not fetched.
        let shipped = try #require(TextFile.read("\(TestMachine.checkout)/plugins/process/backend.lua"))
        let script = shipped.replacing(
            "name = \"process\",",
            with: "name = \"process\", assets = { tool = \"optional\" },"
        )
        try #require(script != shipped)
        try await TestHost.with(script: script, arguments: ["--contract=\(dialect)"]) { host in
            try await Self.client(host, "codes", dialect, over: host.unix)
        }
    }

    @Test("reflection tells the dialect that is served, and only where the operator asked for it")
    func reflection() async throws {
        for dialect in ["june", "autumn"] {
            try await TestHost.with(arguments: ["--reflection", "--contract=\(dialect)"]) { host in
                try await Self.client(host, "reflection", dialect, over: host.unix)
            }
        }
        try await TestHost.with { host in try await Self.client(host, "no-reflection", "autumn", over: host.unix) }
    }

    /// Takes a scenario of the foreign client; what it says is this test's word.
    static func client(_ host: TestHost, _ scenario: String, _ dialect: String, over target: String) async throws {
        let script = "\(TestMachine.checkout)/Tests/IntegrationTests/Foreign/client.py"
        let image = try await CounterImage.reference()
        let outcome = try await ProgramRun.run(
            "/usr/bin/env",
            ["python3", script, scenario, dialect, target, image, host.asset]
        )
        let failed = outcome.output.split(separator: "\n").filter { !$0.hasPrefix("ok ") }.joined(separator: "\n")
        #expect(outcome.code == 0, "\(dialect) \(scenario) over \(target):\n\(failed)\n\(outcome.error)")
        #expect(outcome.output.hasSuffix("\n0 failed\n"))
    }
}
