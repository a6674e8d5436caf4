import TestSupport
import Testing

/// Peers that mean harm, and what the standard health service says.
@Suite(
    "The edge",
    .enabled(
        if: TestMachine.needs(TestMachine.hasForeignClient),
        "Python lacks one of these here: pip install grpcio grpcio-tools grpcio-reflection"
    )
)
struct ForeignFloodTests {
    @Test("floods are refused, and everybody else is served meanwhile")
    func floods() async throws {
        try await TestHost.with(overTCP: true) { host in
            let script = "\(TestMachine.checkout)/Tests/IntegrationTests/Foreign/flood.py"
            let outcome = try await ProgramRun.run(
                "/usr/bin/env",
                ["python3", script, String(host.unix.dropFirst(5)), host.tcp]
            )
            let failed = outcome.output.split(separator: "\n").filter { !$0.hasPrefix("ok ") }.joined(separator: "\n")
            #expect(outcome.code == 0, "\(failed)\n\(outcome.error)\n\(host.log)")
            #expect(outcome.output.hasSuffix("\n0 failed\n"))
        }
    }

    @Test("grpc.health.v1: Check, and Watch from SERVING through the drain")
    func health() async throws {
        try await TestHost.with { host in
            try await ForeignClientTests.client(host, "health", "june", over: host.unix)
        }
    }
}
