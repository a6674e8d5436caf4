import Glibc
import SystemLayer
import TestSupport
import Testing

/// Ctrl-C in the middle: everything is taken down first.
@Suite("interrupt", .enabled(if: TestMachine.needs(TestMachine.isRoot), "actors run as root only"))
struct InterruptTests {
    @Test("an interrupted suite exits with 130 and leaves no actor, no mount and no directory")
    func interrupted() async throws {
        let image = try await CounterImage.reference()
        var plan = SpawnPlan(
            program: "\(TestMachine.products)/substrate-plugin",
            arguments: ["substrate-plugin", "conformance", "process", "--image", image, "--only", "never-ready"]
        )
        plan.environment = ["PATH=/usr/bin:/bin"]
        let process = try spawn(plan)
        let own = "substrate-conformance-\(process.pid)-"
        let mounts = {
            (TextFile.read("/proc/self/mountinfo") ?? "").split(separator: "\n").filter { $0.contains(own) }
        }
        // Its actor has a network of its own by now, and waits a second to be ready.
        try await eventually("an actor is running", seconds: 20) { mounts().isEmpty ? nil : true }
        process.signal(SIGINT)
        try await eventually("it ends", seconds: 20) { process.hasExited() ? true : nil }
        #expect(process.wait() == .exited(130))
        #expect(mounts().isEmpty)
        for place in ["/dev/shm", "/tmp"] {
            #expect(try DirectoryTree.names(in: place).filter { $0.hasPrefix(own) }.isEmpty)
        }
    }
}
