import ActorContract
import ContractWire
import TestSupport
import Testing

/// A shipped backend that runs containers on this kernel, as an argument of a test.
struct SharedBackend: CustomTestStringConvertible {
    let name: String
    var grants: [String] = []
    var testDescription: String { name }

    /// Those whose tools this machine has.
    static let all =
        [SharedBackend(name: "process")]
        + (TestMachine.needs("/usr/sbin/runc")
            ? [SharedBackend(name: "container", grants: ["--grant", "tool:runc=/usr/sbin/runc"])] : [])

    /// A host that serves it.
    func host(_ arguments: [String] = [], overTCP: Bool = false) throws -> TestHost {
        try TestHost(backend: name, arguments: grants + arguments, overTCP: overTCP, stopsActors: false)
    }

    /// What a shell inside an actor prints.
    static func sees(_ host: TestHost, _ actor: String, _ script: String) async throws -> String {
        let run = try await exec(host, actor, script)
        try #require(run.code == 0, "\(script): \(run.error)\n\(host.log)")
        return run.output
    }

    /// What a shell inside an actor does.
    static func exec(_ host: TestHost, _ actor: String, _ script: String) async throws -> ProgramRun {
        try await ProgramRun.run(
            TestMachine.host,
            ["exec", "--connect", host.unix, actor, "--", "/bin/busybox", "sh", "-c", script]
        )
    }

    /// Stop, or start, by the command line.
    static func command(_ host: TestHost, _ words: String...) async throws {
        let run = try await ProgramRun.run(TestMachine.host, words + ["--connect", host.unix])
        try #require(run.code == 0, "\(words): \(run.error)\n\(host.log)")
    }
}
