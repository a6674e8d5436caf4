import ActorContract
import ContractWire
import TestSupport
import Testing

/// What a monitor reads, through the binary.
@Suite("Metrics", .enabled(if: TestMachine.needs(TestMachine.isRoot), "actors are confined as root only"))
struct MetricsTests {
    @Test("calls by outcome, phases under upstream's names, actors by status")
    func read() async throws {
        try await TestHost.with { host in
            let request = try await host.request("one")
            _ = try await host.run(request).get()
            var bad = request
            bad.spec.containers[0].name = "Not A Label"
            #expect(await host.call(ContractMethod.run.path, ContractWire.encode(bad)) != nil)
            let saved = ExternalSnapshotTests.checkpoint(request, .local("first"), .data)
            #expect(await host.call(ContractMethod.checkpoint.path, saved) == nil)
            let restore = ContractWire.encode(RestoreRequest(run: request, place: .local("first"), scope: .data))
            #expect(await host.call(ContractMethod.restore.path, restore) == nil)

            let told = try await ProgramRun.run(TestMachine.host, ["metrics", "--connect", host.unix])
            #expect(told.code == 0, "\(told.error)")
            let lines = Set(told.output.split(separator: "\n").map(String.init))
            for line in [
                "substrate_calls_total{code=\"OK\",method=\"Run\"} 1",
                "substrate_calls_total{code=\"INVALID_ARGUMENT\",method=\"Run\"} 1",
                "substrate_calls_total{code=\"OK\",method=\"Restore\"} 1", "substrate_actors{status=\"ready\"} 1",
                "substrate_actors{status=\"paused\"} 0", "substrate_held_pauses 0",
            ] { #expect(lines.contains(line), "\(line) is not in\n\(told.output)") }
            let phases = [
                "volume_mount", "manifest_fetch", "sandbox_assets", "download", "oci_unpack", "restore", "total",
            ]
            for phase in phases {
                let count = "substrate_phase_seconds_count{by=\"host\",phase=\"\(phase)\",verb=\"restore\"} 1"
                #expect(lines.contains(count), "\(count) is not in\n\(told.output)")
            }
            #expect(told.output.contains("{by=\"program\",phase=\"run\",verb=\"run\"}"))
            try await SharedBackend.command(host, "remove", "one")
        }
    }
}
