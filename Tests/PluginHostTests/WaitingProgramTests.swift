import Foundation
import Glibc
import SystemLayer
import TestSupport
import Testing

@testable import PluginHost

@Suite("The program that waits")
struct WaitingProgramTests {
    @Test("runs on this machine, waits, and ends when it is told to")
    func waits() throws {
        let scratch = try ScratchDirectory("waiting")
        let path = "\(scratch.path)/pause"
        try Data(WaitingProgram.bytes).write(to: URL(fileURLWithPath: path))
        // Run from a copy: a descriptor of this process that writes it may be inherited for a moment.
        try ProgramRun.copy(path, to: "\(path)-copy")
        #expect(unsafe chmod("\(path)-copy", 0o755) == 0)
        let process = try spawn(SpawnPlan(program: "\(path)-copy", arguments: ["pause"]))
        defer { process.signal(SIGKILL) }
        let state = try #require(TextFile.read("/proc/\(process.pid)/stat")).split(separator: " ")
        #expect(["S", "R"].contains(state[2]) && !process.hasExited())
        process.signal(SIGTERM)
        #expect(process.wait() == .signaled(SIGTERM))
    }
}
