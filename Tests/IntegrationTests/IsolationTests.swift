import ActorContract
import ContractWire
import Foundation
import GRPCTransport
import HostErrors
import LaunchProtocol
import TestSupport
import Testing

@testable import substrate_host

/// What the host says stands between an actor and the machine, and what an operator can demand.
@Suite(
    "Isolation as applied",
    .serialized,
    .enabled(if: TestMachine.needs(TestMachine.isRoot), "actors are confined as root only")
)
struct IsolationTests {
    private func actorFile(_ host: TestHost) async throws -> String {
        let example = "\(TestMachine.checkout)/examples/counter/actor.yaml"
        let text = try String(contentsOfFile: example, encoding: .utf8)
        let file = "\(host.scratch)/actor.yaml"
        try text.replacingOccurrences(of: "oci:/tmp/counter-image:counter", with: try await CounterImage.reference())
            .write(toFile: file, atomically: false, encoding: .utf8)
        return file
    }

    private func isolation(_ host: TestHost) async throws -> (level: String?, applied: [String]?) {
        let outcome = try await host.command("get", "counter", "--json")
        let value = try JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) as? [String: Any]
        return (value?["isolation"] as? String, value?["applied"] as? [String])
    }

    @Test("the level is what was applied, the log names it all, and what is required and there does not hinder")
    func applied() async throws {
        let required = [
            "--require", "seccomp", "--require", "pids-limit", "--require", "masked-paths", "--require", "landlock",
        ]
        try await TestHost.with(arguments: required) { host in
            let run = try await host.command("run", try await actorFile(host))
            #expect(run.code == 0, "\(run.error)\n\(host.log)")
            let (level, applied) = try await isolation(host)
            #expect(level == "kernel-shared")
            let all = Set((applied ?? []).compactMap { Protection(rawValue: $0) })
            #expect(all.count == applied?.count)
            #expect(all.isSuperset(of: Protection.apart.union([.pidsLimit, .initFilter, .landlock])))
            #expect(all.isDisjoint(with: [.userNamespace, .readOnlyRoot, .memoryLimit]))
            let told = try await host.actor("counter")
            #expect(told.claim == "kernel-shared")
            #expect(told.claimedBy.hasSuffix("/process/backend.lua (shipped)"), "\(told.claimedBy)")
            let line = host.log.split(separator: "\n").first { $0.contains("verb is done") && $0.contains("\"run\"") }
            let said = String(try #require(line, "\(host.log)"))
            #expect(said.contains("kernel-shared"))
            #expect(said.contains((applied ?? ["?"]).joined(separator: " ")), "\(said)")
            #expect(try await host.command("stop", "counter").code == 0)
            let stopped = try await isolation(host)
            #expect(stopped.level == "" && stopped.applied == [])
        }
    }

    @Test("where Landlock is required a program of exec has its rules too; elsewhere it may look into the workload")
    func entered() async throws {
        func looksInto(_ host: TestHost) async throws -> Bool {
            let script = "busybox pidof counter | { read pid; cat /proc/$pid/environ > /dev/null; }"
            let words = ["exec", "--connect", host.unix, "one", "--", "sh", "-c", script]
            return try await ProgramRun.run(TestMachine.host, words).code == 0
        }
        try await TestHost.with { host in
            _ = try await host.run(try await host.request("one")).get()
            #expect(try await looksInto(host))
        }
        try await TestHost.with(arguments: ["--require", "landlock"]) { host in
            _ = try await host.run(try await host.request("one")).get()
            // A whiteout is the one device that everybody may make: only Landlock refuses it.
            let script = """
                busybox mknod /tmp/device c 0 0 2>&1; echo x > /tmp/file && busybox mkdir /tmp/place &&
                busybox mv /tmp/file /tmp/place && busybox kill -0 1 && echo done
                """
            let run = try await ProgramRun.run(
                TestMachine.host,
                ["exec", "--connect", host.unix, "one", "--", "sh", "-c", script]
            )
            #expect(run.output == "mknod: /tmp/device: Permission denied\ndone\n", "\(run.output)\(run.error)")
            #expect(try await looksInto(host) == false)
        }
    }

    @Test("what is required and not applied to a workload keeps it from running, by name")
    func required() async throws {
        try await TestHost.with(arguments: ["--require", "read-only-root"]) { host in
            guard case .failure(let status) = try await host.run(try await host.request("bare")) else {
                Issue.record("it ran without what is required")
                return
            }
            #expect(status.code == HostError.Code.failedPrecondition.rawValue)
            #expect(status.message.contains("--require read-only-root: not applied to this workload"), "\(status)")
            #expect(try await host.actor("bare").status == "failed")
        }
    }

    @Test("what is no protection is refused at start, with those that are")
    func refusedAtStart() async throws {
        let unknown = try await ProgramRun.run(
            TestMachine.host,
            ["--backend=process", "--base-dir", "/tmp/substrate-never-\(UUID().uuidString)", "--require", "wings"]
        )
        #expect(unknown.code == 2)
        #expect(unknown.error.contains("--require=wings is none of ") && unknown.error.contains("memory-limit"))
    }

    @Test("a claim can only lower the level")
    func claims() {
        func level(_ claim: String, _ applied: [String?]) -> IsolationLevel {
            IsolationLevel.effective(
                claim: claim,
                processes: applied.map { KeptProcess(name: "", pid: 1, startTime: 0, nonce: "n", isolation: $0) }
            )
        }
        #expect(level("kernel-shared", ["kernel-shared", "kernel-shared"]) == .kernelShared)
        #expect(level("virtual-machine", ["kernel-shared"]) == .kernelShared)
        #expect(level("none", ["kernel-shared"]) == .none)
        #expect(level("kernel-shared", ["kernel-shared", "none"]) == .none)
        #expect(level("kernel-shared", [nil]) == .none)
        #expect(level("user-space-kernel", []) == .userSpaceKernel)
        // A program of a script's, from the tool room or left behind by a runtime: the claim is all there is.
        let started = KeptProcess(name: "", pid: 1, startTime: 0, nonce: "n", leaf: "actor/kept.web")
        let adopted = KeptProcess(name: "", pid: 1, startTime: 0, nonce: "")
        #expect(IsolationLevel.effective(claim: "kernel-shared", processes: [started, adopted]) == .kernelShared)
        #expect(level("impenetrable", ["kernel-shared"]) == .none)
    }
}
