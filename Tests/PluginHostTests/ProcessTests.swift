import Dispatch
import HostErrors
import PluginProtocol
import SystemLayer
import Testing

@testable import PluginHost

/// Waiting for programs and for time: cut to the deadline, woken by a cancel.
@Suite struct ProcessTests {
    private func wait(
        _ fixture: VerbFixture,
        _ handles: [PluginHandle],
        _ milliseconds: Int64? = nil,
        line: UInt32 = 38
    )
        throws -> ReplyFrame
    {
        var fields: [String: PluginValue] = ["processes": .list(handles.map { .handle($0) })]
        if let milliseconds { fields["timeout_ms"] = .integer(milliseconds) }
        return try fixture.call("process.wait", fields, line: line)
    }

    @Test func theEndsComeInTheOrderAsked() throws {
        let fixture = try VerbFixture()
        let slow = try fixture.hold("/bin/sh", ["-c", "sleep 0.05"], name: "slow")
        let quick = try fixture.hold("/bin/true", [], name: "quick")
        let reply = try wait(fixture, [slow, quick])
        #expect(reply.status == "ok")
        guard case .list(let ends)? = reply.values.first, ends.count == 2 else { throw CancellationError() }
        for case .map(let fields) in ends { #expect(fields["code"] == .integer(0)) }
    }

    @Test func theFirstFailureIsNamedAndTheListComesThird() throws {
        let fixture = try VerbFixture()
        let good = try fixture.hold("/bin/true", [], name: "good")
        let bad = try fixture.hold("/bin/sh", ["-c", "exit 3"], name: "bad")
        let killed = try fixture.hold("/bin/sh", ["-c", "kill -9 $$"], name: "killed")
        let reply = try wait(fixture, [good, bad, killed])
        #expect(reply.status == "failed")
        #expect(reply.values.first == .text("bad exited 3: last words"))
        guard reply.values.count == 2, case .list(let ends) = reply.values[1] else { throw CancellationError() }
        guard case .map(let last)? = ends.last else { throw CancellationError() }
        #expect(last["signal"] == .integer(9) && last["code"] == nil)
    }

    @Test func aTimeoutLeavesTheHandlesAndAnEndClosesThem() throws {
        let fixture = try VerbFixture()
        let handle = try fixture.hold("/bin/sleep", ["60"], name: "sleeper")
        let late = try wait(fixture, [handle], 1)
        #expect(late.status == "timeout")
        #expect(late.values == [.text("\"sleeper\" still runs")])
        let stopping = try VerbFixture(verb: "stop")
        let other = try stopping.hold("/bin/sleep", ["60"], name: "other")
        let fields: [String: PluginValue] = ["process": .list([.handle(other)]), "grace_ms": .integer(5000)]
        #expect(try stopping.call("process.stop", fields, line: 40).status == "ok")
        #expect(stopping.journal.lines == ["begin process.stop other", "end process.stop ok"])
        #expect(try stopping.call("process.stop", fields).status == "ok", "ended and closed ones are ok")
        // A stopped one is closed, and says where.
        let call = PluginValue.map(["processes": .list([.handle(other)])])
        let frame = try stopping.broker.answer("process.wait@1", call, line: 41)
        #expect(
            frame
                == .mistake(
                    ArgumentFault(
                        code: "api.stale",
                        message: "process.wait: [1] is a closed handle",
                        expected: "a live process",
                        got: "handle<process:0.0>, closed at x.lua:40",
                        mend: "wait for each process once"
                    )
                )
        )
        if case .live(let process) = fixture.context.processes.find(handle) {
            process.handle?.signal(9)
            _ = process.handle?.wait()
        } else {
            Issue.record("the handle of a timeout was closed")
        }
    }

    @Test func aProgramThatIgnoresTermIsKilled() throws {
        let fixture = try VerbFixture(verb: "stop")
        let handle = try fixture.hold("/bin/sh", ["-c", "trap '' TERM; while :; do sleep 0.01; done"], name: "deaf")
        let reply = try fixture.call("process.stop", ["process": .handle(handle), "grace_ms": .integer(20)])
        #expect(reply.status == "ok")
    }

    @Test func theClockIsTheVerbs() throws {
        let fixture = try VerbFixture(timeoutMilliseconds: 60)
        let left = try fixture.call("clock.left", [:])
        guard left.status.isEmpty, case .integer(let milliseconds)? = left.values.first else {
            throw CancellationError()
        }
        #expect((0...60).contains(milliseconds))
        #expect(try fixture.call("clock.sleep", ["ms": .integer(1)]).status == "ok")
        #expect(try fixture.call("clock.sleep", ["ms": .integer(60_000)]).status == "timeout")
        #expect(try fixture.call("clock.left", [:]).values == [.integer(0)])
    }

    @Test func aCancelWakesEveryWait() throws {
        let fixture = try VerbFixture(timeoutMilliseconds: 600_000)
        let handle = try fixture.hold("/bin/sleep", ["60"], name: "sleeper")
        let cancellation = fixture.cancellation
        DispatchQueue.global().asyncAfter(deadline: .now() + .milliseconds(20)) { cancellation.cancel() }
        #expect(try fixture.call("clock.sleep", ["ms": .integer(500_000)]).status == "cancelled")
        #expect(try wait(fixture, [handle]).status == "cancelled")
        if case .live(let process) = fixture.context.processes.find(handle) {
            process.handle?.signal(9)
            _ = process.handle?.wait()
        }
    }
}
