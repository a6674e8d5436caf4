import ContractWire
import Glibc
import SystemLayer
import TestSupport
import Testing

@Suite(
    "Ctrl-C",
    .serialized,
    .enabled(if: TestMachine.needs(TestMachine.isRoot), "actors are confined as root only"),
    .timeLimit(.minutes(1))
)
struct CommandLineInterruptTests {
    /// Starts the command line with its output in a file of the directory.
    private func start(_ arguments: [String], in directory: String) throws -> ProcessHandle {
        var plan = SpawnPlan(program: TestMachine.host, arguments: ["substrate-host"] + arguments)
        plan.environment = ["PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"]
        let file = OwnedFD(unsafe open("\(directory)/output", O_WRONLY | O_CREAT | O_CLOEXEC, 0o600))
        plan.descriptors = [(child: 1, parent: file.rawValue), (child: 2, parent: file.rawValue)]
        return try spawn(plan)
    }

    private func interrupt(_ process: ProcessHandle) async throws -> SystemLayer.ExitStatus? {
        #expect(process.signal(SIGINT))
        do { try await eventually("it ends", seconds: 30) { process.hasExited() ? () : nil } } catch {
            _ = process.signal(SIGKILL)
            _ = process.wait()
            throw error
        }
        return process.wait()
    }

    @Test("ends `logs -f` with 130, whole lines and no word of failure, and the actor goes on")
    func logs() async throws {
        try await TestHost.with { host in
            let request = try await host.request("counter")
            _ = try await host.run(request).get()
            let follow = try start(["logs", "-f", "counter", "--connect", host.unix], in: host.scratch)
            try await eventually("it prints") {
                TextFile.read("\(host.scratch)/output")?.contains("listening on 8080") == true ? () : nil
            }
            #expect(!follow.hasExited())
            #expect(try await interrupt(follow) == .exited(130))
            let output = try #require(TextFile.read("\(host.scratch)/output"))
            #expect(output.hasSuffix("\n") && !output.contains("substrate-host:"), "\(output)")
            #expect(try await host.actor("counter").status == "ready")
            try await host.terminate(request)
        }
    }

    @Test("cancels a `run` that waits, and its actor is stopped")
    func run() async throws {
        try await TestHost.with { host in
            let file = """
                atespace: test
                actor_name: slow
                actor_uid: uid-slow
                actor_template_atespace: test
                actor_template_name: counter
                spec:
                  containers:
                    - name: main
                      image: \(try await CounterImage.reference())
                      command: ["/counter"]
                      wakeup_probe:
                        http_get: { path: /nothing, port: 8080 }
                sandbox_assets:
                  sandbox_class: process
                """
            try AtomicFile.write(Array(file.utf8), to: "\(host.scratch)/slow.yaml")
            let run = try start(["run", "\(host.scratch)/slow.yaml", "--connect", host.unix], in: host.scratch)
            do { try await host.reaches("slow", "starting", seconds: 20) } catch {
                throw TestFailure("\(error)\n\(TextFile.read("\(host.scratch)/output") ?? "")")
            }
            #expect(try await interrupt(run) == .exited(130))
            try await host.reaches("slow", "stopped", seconds: 20)
        }
    }

    @Test("ends the demo with its host and its actor")
    func demo() async throws {
        let scratch = try ScratchDirectory("demo")
        let demo = try start(["demo"], in: scratch.path)
        try await eventually("its host serves") {
            CyclesCensus.descendants(of: demo.pid).count >= 3 ? () : nil
        }
        let below = CyclesCensus.descendants(of: demo.pid)
        #expect(try await interrupt(demo) == .exited(130))
        try await eventually("all that it started is gone") {
            below.allSatisfy { Glibc.kill($0, 0) != 0 } ? () : nil
        }
    }
}
