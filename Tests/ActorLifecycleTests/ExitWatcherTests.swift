import Glibc
import Synchronization
import SystemLayer
import TestSupport
import Testing

@testable import ActorLifecycle

@Suite("The watcher of exits", .serialized)
struct ExitWatcherTests {
    private static func sleeper() throws -> ProcessHandle {
        try spawn(SpawnPlan(program: "/bin/sleep", arguments: ["sleep", "60"]))
    }

    @Test("tells of each end once, and reaps it")
    func ends() async throws {
        let watcher = try ExitWatcher()
        let told = Shared<[ExitWatcher.Ticket]>([])
        var tickets: [ExitWatcher.Ticket] = []
        var pids: [Int32] = []
        for _ in 0..<100 {
            let handle = try Self.sleeper()
            pids.append(handle.pid)
            tickets.append(try watcher.watch(handle) { ticket in told.withLock { $0.append(ticket) } })
            handle.signal(SIGKILL)
        }
        try await eventually("all are told") { told.withLock { $0.count } == 100 ? () : nil }
        #expect(told.withLock { $0.sorted() } == tickets.sorted())
        #expect(watcher.count == 0)
        for pid in pids { #expect(TextFile.read("/proc/\(pid)/stat") == nil, "\(pid) is a zombie") }
    }

    @Test("holds no descriptor of what it was told to forget, and never tells of it")
    func forgets() async throws {
        let watcher = try ExitWatcher()
        let told = Shared<[ExitWatcher.Ticket]>([])
        for _ in 0..<200 {
            let handle = try Self.sleeper()
            weak let kept = handle
            let ticket = try watcher.watch(handle) { ticket in told.withLock { $0.append(ticket) } }
            // The end races with the forgetting.
            handle.signal(SIGKILL)
            watcher.forget(ticket)
            _ = handle.wait()
            #expect(watcher.count == 0)
            _ = consume handle
            #expect(kept == nil, "somebody still holds the pidfd")
        }
        // One that is watched proves that the thread is past all the others.
        let last = try Self.sleeper()
        let ticket = try watcher.watch(last) { ticket in told.withLock { $0.append(ticket) } }
        last.signal(SIGKILL)
        try await eventually("the last is told") { told.withLock { $0.contains(ticket) } ? () : nil }
    }

    @Test("ends its thread when nobody has it any more")
    func thread() async throws {
        func threads() throws -> Int {
            try DirectoryTree.names(in: "/proc/self/task").count {
                TextFile.read("/proc/self/task/\($0)/comm") == "exits\n"
            }
        }
        var watchers = [try ExitWatcher(), try ExitWatcher()]
        try await eventually("both threads run") { try threads() >= 2 ? () : nil }
        #expect(watchers.count == 2)
        watchers = []
        // Those of the tests before end too; no other test here makes one.
        try await eventually("no thread is left") { try threads() == 0 ? () : nil }
    }
}
