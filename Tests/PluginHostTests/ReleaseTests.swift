import ActorContract
import HostErrors
import PluginProtocol
import Testing
import Threads

@testable import PluginHost

/// The end of a block whose variable held a handle.
@Suite struct ReleaseTests {
    private func answered(_ frame: HostFrame) -> Bool { frame == .reply(ReplyFrame(status: "", values: [])) }

    @Test func aProgramOfTheVerbEndsAndItsHandleIsClosed() async throws {
        try await onThread("test") {
            let fixture = try VerbFixture()
            let handle = try fixture.hold("/bin/sleep", ["1000"], name: "sleep")
            guard case .live(let process) = fixture.context.processes.find(handle) else { throw CancellationError() }
            #expect(process.handle?.hasExited() == false)
            #expect(answered(try fixture.broker.release(handle, line: 12)))
            #expect(process.handle?.hasExited() == true)
            guard case .closed(line: 12) = fixture.context.processes.find(handle) else {
                Issue.record("the handle is not closed at line 12")
                return
            }
            // The script waited for it inside the block: nothing is left to do.
            #expect(answered(try fixture.broker.release(handle, line: 13)))
        }
    }

    @Test func aKeptProgramIsOnlyLetGo() async throws {
        try await onThread("test") {
            let fixture = try VerbFixture()
            let first = try fixture.hold("/bin/sleep", ["1000"], name: "web")
            guard case .live(let program) = fixture.context.processes.find(first), let running = program.handle else {
                throw CancellationError()
            }
            defer { _ = try? fixture.broker.release(first, line: 2) }
            let kept = HeldProcess(
                name: "web",
                kept: KeptProcess(name: "web", pid: 1, startTime: 0, nonce: ""),
                handle: running,
                result: program.result
            )
            let handle = fixture.context.processes.insert(kept)
            #expect(answered(try fixture.broker.release(handle, line: 1)))
            #expect(!running.hasExited())
            guard case .closed = fixture.context.processes.find(handle) else {
                Issue.record("the handle is not closed")
                return
            }
        }
    }

    @Test func aHandleThatNeverWasEndsTheSupervisor() throws {
        let fixture = try VerbFixture()
        #expect(throws: HostError.self) {
            try fixture.broker.release(PluginHandle(index: 9, generation: 9), line: 1)
        }
    }
}
