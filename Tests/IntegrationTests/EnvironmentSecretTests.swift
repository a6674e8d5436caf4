import ActorContract
import ContractWire
import Foundation
import SystemLayer
import TestSupport
import Testing

@Suite(
    "An environment value",
    .enabled(if: TestMachine.needs(TestMachine.isRoot), "actors are confined as root only"),
    .timeLimit(.minutes(1))
)
struct EnvironmentSecretTests {
    /// The files below a directory that hold the text; what cannot be read holds none.
    static func holders(of text: String, in directory: String) -> [String] {
        let needle = Data(text.utf8)
        return (FileManager.default.subpaths(atPath: directory) ?? []).filter { name in
            var status = stat()
            let path = "\(directory)/\(name)"
            guard unsafe lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return false }
            return (try? Data(contentsOf: URL(fileURLWithPath: path)))?.range(of: needle) != nil
        }
    }

    @Test("reaches the workload, and neither the disk nor the host's log nor its clients")
    func secret() async throws {
        let secret = "secret-\(UUID().uuidString)"
        try await TestHost.with(arguments: ["--json"]) { host in
            let request = try await host.request("counter") {
                $0.environment = [EnvironmentEntry(name: "TOKEN", value: secret)]
            }
            _ = try await host.run(request).get()
            let actor = try await host.actor("counter")
            // What is looked for is there to be found: in the processes of the actor.
            let environments = CyclesCensus.descendants(of: Int32(actor.pid)).map { pid in
                TextFile.read("/proc/\(pid)/environ") ?? ""
            }
            #expect(environments.contains { $0.contains("TOKEN=\(secret)") })
            #expect(Self.holders(of: secret, in: host.scratch) == [])
            // A failure names the field and not the value.
            var other = request
            other.spec.containers[0].environment[0].value = secret + "-other"
            let refused = try #require(await host.call(ContractMethod.run.path, ContractWire.encode(other)))
            #expect(refused.contains("ACTOR_RUNNING") && !refused.contains(secret), "\(refused)")
            for words in [["get", "counter", "--json"], ["actors", "--json"]] {
                let told = try await ProgramRun.run(TestMachine.host, words + ["--connect", host.unix])
                #expect(told.code == 0 && !told.output.contains(secret), "\(words) \(told.code): \(told.error)")
            }
            #expect(Self.holders(of: secret, in: host.scratch) == [])
            try await host.terminate(request)
        }
    }
}
