import ActorContract
import Glibc
import HostErrors
import SystemLayer
import TestSupport
import Testing

@testable import PluginHost

/// Containers that were given their memory back, without what should be around them.
@Suite("Restored filters", .enabled(if: TestMachine.needs(TestMachine.isRoot), "namespaces are made as root only"))
struct RestoredFiltersTests {
    /// A program in front of one in a pid namespace of its own, until the body returns.
    private func front(_ arguments: [String], _ body: (KeptProcess) throws -> Void) throws {
        let plan = SpawnPlan(program: arguments[0], arguments: arguments)
        let handle = try spawn(plan)
        defer {
            for pid in ToolRoom.descendants(of: handle.pid) { kill(pid, SIGKILL) }
            _ = handle.wait()
        }
        try body(KeptProcess(name: "web", pid: handle.pid, startTime: handle.startTime, nonce: ""))
    }

    private func wait(for kept: KeptProcess) throws(HostError) {
        try RestoredFilters.wait(for: [kept], until: .now + .milliseconds(300))
    }

    @Test("one without its filter is not run, nor one of which nobody is inside")
    func bare() throws {
        for arguments in [["/usr/bin/unshare", "--pid", "--fork", "/bin/sleep", "60"], ["/bin/sleep", "60"]] {
            try front(arguments) { kept in
                let refused = #expect(throws: HostError.self) { try wait(for: kept) }
                #expect(refused?.message.contains("\"web\" was restored without its system call filter") == true)
                #expect(refused?.code == .failedPrecondition)
            }
        }
    }

    @Test("one that has ended is not waited for: its end is told elsewhere")
    func ended() throws {
        var kept: KeptProcess?
        try front(["/bin/sleep", "60"]) { kept = $0 }
        let gone = try #require(kept)
        #expect(throws: Never.self) { try wait(for: gone) }
    }
}
