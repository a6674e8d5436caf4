import Foundation
import Glibc
import HostErrors
import PluginProtocol
import SystemLayer
import Testing
import Threads

/// Who needs each row of the supervisor's filter.
///
/// What a run calls once the filter is loaded is traced. A row that a run uses is a row without which that run dies,
/// since everything unlisted kills.
@Suite("what the supervisor's filter is for")
struct FilterNeedsTests {
    /// One way of running a script: what the tracer changes, and the script.
    private struct Run: Sendable {
        var mode = "plain"
        var source: String
        /// The end, as the tracer writes it.
        var end = "exit 0"
    }

    private static func script(_ body: String) -> String {
        """
        return { name = "x", api = 1, isolation = "none", needs = { "workload.start" }, stop = function() end,
        run = function(actor)
        \(body)
        end }
        """
    }

    /// A comparison that makes quicksort's partitions as uneven as can be (McIlroy 1999), so that it asks the clock.
    private static let killer = """
        local n, solid, candidate, value, t = 700, 0, 0, {}, {}
        local gas = n
        for i = 1, n do t[i], value[i] = i, gas end
        table.sort(t, function(a, b)
          if value[a] == gas and value[b] == gas then
            if a == candidate then value[a] = solid else value[b] = solid end
            solid = solid + 1
          end
          if value[a] == gas then candidate = a elseif value[b] == gas then candidate = b end
          return value[a] < value[b]
        end)
        return "ok"
        """

    /// Runs a script to its end under the tracer, as the host would.
    ///
    /// - Returns: the calls it made once confined, and how it ended.
    private func calls(_ run: Run) async throws -> (used: Set<String>, end: String) {
        let (text, status) = try await onThread("test") { try Self.trace(run) }
        #expect(status == .exited(0), "the tracer of \(run.mode)")
        var lines = text.split(separator: "\n").map(String.init)
        let end = lines.popLast() ?? ""
        return (Set(lines), end)
    }

    private static func trace(_ run: Run) throws -> (text: String, status: SystemLayer.ExitStatus?) {
        let output = "\(Probe.directory)/trace-\(UUID().uuidString)"
        let program = try Probe.program.get()
        let sockets = try DescriptorPair.sockets().release()
        let line = Line(OwnedFD(sockets.first))
        let theirs = OwnedFD(sockets.second)
        let supervisor = try SupervisorBinary.path
        var plan = SpawnPlan(program: program, arguments: ["probe", "trace", output, run.mode, supervisor])
        plan.descriptors = [(child: 3, parent: theirs.rawValue)]
        let handle = try spawn(plan)
        try theirs.close()
        defer {
            handle.signal(9)
            _ = handle.wait()
        }
        do {
            try converse(line, run)
        } catch is Line.Ended {
            // Some of these scripts are the supervisor's end.
        } catch let error as SyscallError where error.errno == ECONNRESET || error.errno == EPIPE {
            // With unread bytes the end is a reset.
        }
        let status = handle.wait()
        return (try String(contentsOfFile: output, encoding: .utf8), status)
    }

    private static func converse(_ line: Line, _ run: Run) throws {
        try line.send(.load(name: "x", file: "x.lua", source: Array(run.source.utf8)))
        guard case .descriptor = try line.receive() else { return }
        let container = PluginValue.map(["name": .text("web")])
        try line.send(
            .verb(
                name: "run",
                actor: .map(["name": .text("a"), "containers": .list([container])]),
                request: .map([:]),
                functions: HostFunction.table.map(\.name),
                deadlineMilliseconds: 5000
            )
        )
        while case .call = try line.receive() {
            let handle = PluginValue.handle(PluginHandle(index: 0, generation: 1))
            try line.send(.reply(ReplyFrame(status: "ok", values: [handle])))
        }
    }

    #if arch(x86_64)
    private static let (read, write, brk, map, unmap, remap) = ("0 3", "1 3", "12", "9", "11", "25")
    private static let (clock, end, time, words) = ("228 2", "231", "201", "1 2")
    #else
    private static let (read, write, brk, map, unmap, remap) = ("63 3", "64 3", "214", "222", "215", "216")
    private static let (clock, end, time, words) = ("113 2", "94", "113 5", "64 2")
    #endif

    @Test("each row but two is used by ordinary scripts, and nothing else is called")
    func ordinary() async throws {
        let growth = Self.script(
            """
            local s = string.rep("x", 1 << 20)
            for _ = 1, 3 do s = s .. s end
            local t = {}
            for i = 1, 200000 do t[i] = i end
            host.workload.start { container = actor.containers[1].name }
            return "ok"
            """
        )
        let hoard = Self.script("local t = {} while true do t[#t + 1] = {} end")
        let runs = [
            Run(source: growth), Run(source: Self.script(Self.killer)),
            Run(source: hoard, end: "exit 3"), Run(source: "return 1", end: "exit 3"),
        ]
        var used: Set<String> = []
        for run in runs {
            let (calls, end) = try await calls(run)
            #expect(end == run.end, "\(run.source)")
            used.formUnion(calls)
        }
        #expect(
            used == [
                Self.read, Self.write, Self.brk, Self.map, Self.unmap, Self.remap, Self.clock, Self.end,
            ]
        )
    }

    @Test("the clock of the hash seed is a call only where the kernel gives no vDSO")
    func withoutFastClock() async throws {
        let (used, end) = try await calls(Run(mode: "novdso", source: Self.script("return \"ok\"")))
        #expect(end == "exit 0")
        #expect(
            used.subtracting([Self.read, Self.write, Self.brk, Self.map, Self.unmap, Self.clock, Self.end])
                == [Self.time]
        )
    }

    @Test("descriptor 2 takes the last words of a runtime that found no memory")
    func lastWords() async throws {
        let long = "--" + String(repeating: "x", count: 900_000) + "\n"
        let (used, end) = try await calls(Run(mode: "starve", source: long))
        #expect(used.contains(Self.words))
        #expect(end == "signal 31" || end == "signal 4", "\(end)")
    }
}
