import ActorContract
import Glibc
import HostErrors
import LaunchProtocol
import PluginProtocol
import SystemLayer
import TestSupport
import Testing

@testable import PluginHost

/// `process.start` and `process.adopt`: what ends with the verb, what outlives it, and what was left behind.
@Suite(.serialized, .enabled(if: RoomFixture.canLaunch, "the tool room is made as root only"))
struct RoomKeptTests {
    private func start(_ verb: RoomVerb, _ script: String, keep name: String) throws -> ReplyFrame {
        try verb.call("process.start", RoomVerb.shell(script, ["name": .text(name), "keep": .boolean(true)]))
    }

    private func waiting(_ verb: RoomVerb, _ handle: PluginValue?, _ milliseconds: Int64? = nil) throws -> ReplyFrame {
        var fields: [String: PluginValue] = ["processes": .list([try #require(handle)])]
        if let milliseconds { fields["timeout_ms"] = .integer(milliseconds) }
        return try verb.call("process.wait", fields)
    }

    @Test func twoRunSideBySideAndTheirOutputIsKept() throws {
        let fixture = try RoomFixture()
        let verb = fixture.verb()
        let first = try verb.call("process.start", RoomVerb.shell("head -c 300000 /dev/zero; echo one >&2"))
        let second = try verb.call(
            "process.start",
            RoomVerb.shell("read line; echo got $line", ["stdin": .text("x\n")])
        )
        #expect(first.status == "ok" && second.status == "ok")
        let handles = PluginValue.list([try #require(first.values.first), try #require(second.values.first)])
        let reply = try verb.call("process.wait", ["processes": handles])
        guard reply.status == "ok", case .list(let ends)? = reply.values.first, ends.count == 2 else {
            throw TestFailure("\(reply)")
        }
        guard case .bytes(let zeros)? = RoomVerb.table(ends[0])?["stdout"] else { throw TestFailure("\(ends[0])") }
        #expect(zeros.count == 300_000)
        #expect(RoomVerb.text(RoomVerb.table(ends[0])?["stderr"]) == "one\n")
        #expect(RoomVerb.text(RoomVerb.table(ends[1])?["stdout"]) == "got x\n")
        #expect(verb.end(keeping: []).isEmpty)
        #expect(fixture.leaves.isEmpty)
    }

    @Test func whatIsNotKeptEndsWithTheVerbAndIsCounted() throws {
        let fixture = try RoomFixture()
        let verb = fixture.verb()
        #expect(try verb.call("process.start", RoomVerb.shell("sleep 600 & sleep 600")).status == "ok")
        #expect(verb.end(keeping: []) == [LeakedProgram(name: "sh", line: 7)])
        #expect(fixture.processes.isEmpty && fixture.leaves.isEmpty)
    }

    @Test func aKeptOneOutlivesTheVerbIsFoundAgainAndStopsWhole() throws {
        let fixture = try RoomFixture()
        let verb = fixture.verb()
        let script = "trap 'echo bye >&2; exit 0' TERM; sleep 600 & echo up; while :; do sleep 0.02; done"
        #expect(try start(verb, script, keep: "vmm").status == "ok")
        #expect(try start(verb, "sleep 600", keep: "vmm").status == "exists")
        let kept = try #require(verb.context.kept.first)
        #expect(kept.name == "vmm" && kept.leaf == "\(fixture.cgroup)/kept.vmm")
        #expect(verb.end(keeping: verb.context.kept).isEmpty)
        #expect(fixture.processes.count >= 3, "the keeper, the shell and its sleep")
        // As a later verb of a host that was started again would: by number and start time.
        fixture.actor.processes = [kept]
        let stop = fixture.verb("stop")
        let handle = try #require(stop.context.handles["vmm"])
        let reply = try stop.call("process.stop", ["process": .handle(handle), "grace_ms": .integer(5000)])
        #expect(reply.status == "ok", "\(reply)")
        #expect(fixture.processes.isEmpty && fixture.leaves.isEmpty)
        #expect(ExitRecord.read(directory: fixture.places.exit("vmm"), nonce: kept.nonce) == .exited(0))
        var spool = LogSpoolReader(directory: fixture.places.log("vmm"))
        var lines: [String] = []
        while let record = spool.next() { lines.append(String(decoding: record.bytes, as: UTF8.self)) }
        #expect(lines == ["up", "bye"])
    }

    @Test func whatHasEndedIsNotAmongTheProcessesOfALaterVerb() throws {
        let fixture = try RoomFixture()
        let verb = fixture.verb()
        for name in ["dead", "alive"] {
            #expect(try start(verb, "sleep 600", keep: name).status == "ok")
        }
        let kept = verb.context.kept
        #expect(verb.end(keeping: kept).isEmpty)
        let dead = try #require(kept.first { $0.name == "dead" })
        let handle = try #require(ProcessHandle.find(pid: dead.pid, startTime: dead.startTime))
        handle.signal(9)
        _ = try waitReadable(handle.pollDescriptor, milliseconds: 10_000)
        fixture.actor.processes = kept
        let later = fixture.verb("stop")
        #expect(later.context.handles.keys.sorted() == ["alive"])
        let alive = try #require(later.context.handles["alive"])
        #expect(try later.call("process.stop", ["process": .handle(alive), "grace_ms": .integer(0)]).status == "ok")
    }

    @Test func aKeptOneThatEndsEarlyFailsTheVerbAtOnce() throws {
        let fixture = try RoomFixture()
        let verb = fixture.verb(milliseconds: 60_000)
        #expect(try start(verb, "sleep 0.1; echo no kvm here >&2; exit 7", keep: "vmm").status == "ok")
        let begin = ContinuousClock.now
        let error = try #require(throws: HostError.self) {
            _ = try verb.call("clock.sleep", ["ms": .integer(50_000)])
        }
        #expect(error.message == "vmm exited 7: no kvm here, before the actor was ready")
        #expect(error.reason == .crashed)
        #expect(ContinuousClock.now - begin < .seconds(25), "it waited for its sleep")
        // Whoever waits for it wants its end; it lives until somebody does.
        let other = fixture.verb(milliseconds: 60_000)
        let started = try start(other, "sleep 1; echo why >&2; exit 7", keep: "tool")
        let reply = try waiting(other, started.values.first)
        #expect(reply.status == "failed")
        #expect(reply.values.first == .text("tool exited 7: why"))
        #expect(other.context.kept.isEmpty)
    }

    @Test func aStopKillsWhatIgnoresIt() throws {
        let fixture = try RoomFixture()
        let verb = fixture.verb()
        #expect(try start(verb, "trap '' TERM; (trap '' TERM; sleep 600) & sleep 600", keep: "deaf").status == "ok")
        fixture.actor.processes = verb.context.kept
        verb.end(keeping: verb.context.kept)
        let stop = fixture.verb("stop")
        let handle = try #require(stop.context.handles["deaf"])
        #expect(try stop.call("process.stop", ["process": .handle(handle), "grace_ms": .integer(30)]).status == "ok")
        #expect(fixture.processes.isEmpty && fixture.leaves.isEmpty)
    }

    // MARK: Adopted ones

    private static let daemon = "sh -c 'sleep 600 & sleep 601' >/dev/null 2>&1 & echo $! > pid"

    @Test func aDaemonIsAdoptedByItsPidfile() throws {
        let fixture = try RoomFixture()
        let verb = fixture.verb()
        #expect(try verb.shell(Self.daemon).status == "ok")
        let fields: [String: PluginValue] = ["name": .text("web"), "pidfile": .text("\(fixture.places.work)/pid")]
        let reply = try verb.call("process.adopt", fields)
        #expect(reply.status == "ok", "\(reply)")
        #expect(try verb.call("process.adopt", fields).values == reply.values, "the same name and pid again")
        // Another one of that name.
        #expect(try verb.shell(Self.daemon).status == "ok")
        #expect(try verb.call("process.adopt", fields).status == "exists")
        let kept = verb.context.kept
        #expect(kept.map(\.name) == ["web"])
        verb.end(keeping: kept)
        #expect(fixture.processes.count == 3, "the shell and what it started, and nothing of the other one")
        fixture.actor.processes = kept
        let stop = fixture.verb("stop")
        let handle = try #require(stop.context.handles["web"])
        #expect(try stop.call("process.stop", ["process": .handle(handle), "grace_ms": .integer(1000)]).status == "ok")
        #expect(fixture.processes.isEmpty)
    }

    @Test func whatItsMakerLeftBesideItComesAlong() throws {
        let fixture = try RoomFixture()
        let verb = fixture.verb()
        // Two that are nobody's children: one serves the other.
        let script = "(setsid sleep 600 & echo $! > pid); (setsid sleep 601 &)"
        #expect(try verb.shell("\(script) >/dev/null 2>&1").status == "ok")
        let fields: [String: PluginValue] = ["name": .text("web"), "pidfile": .text("\(fixture.places.work)/pid")]
        let reply = try verb.call("process.adopt", fields)
        #expect(reply.status == "ok", "\(reply)")
        let kept = verb.context.kept
        verb.end(keeping: kept)
        #expect(fixture.processes.count == 2)
        fixture.actor.processes = kept
        let stop = fixture.verb("stop")
        let handle = try #require(stop.context.handles["web"])
        #expect(try stop.call("process.stop", ["process": .handle(handle), "grace_ms": .integer(1000)]).status == "ok")
        #expect(fixture.processes.isEmpty)
    }

    @Test func theOnlyChildIsAdopted() throws {
        let fixture = try RoomFixture()
        let verb = fixture.verb()
        let parent = try start(verb, "sleep 600 & wait", keep: "wrapper")
        let handle = try #require(parent.values.first)
        var adopted = ReplyFrame(status: "", values: [])
        for _ in 0..<500 {
            adopted = try verb.call("process.adopt", ["name": .text("inner"), "child_of": handle])
            if adopted.status == "ok" { break }
            usleep(10_000)
        }
        #expect(adopted.status == "ok", "\(adopted)")
        #expect(Set(verb.context.kept.map(\.name)) == ["wrapper", "inner"])
        let alone = try start(verb, "exec sleep 600", keep: "alone")
        let reply = try verb.call(
            "process.adopt",
            ["name": .text("none"), "child_of": try #require(alone.values.first)]
        )
        #expect(reply.status == "not_found")
        #expect(reply.values.first == .text("alone has 0 children, not one"))
    }

    @Test func whatIsNotTheActorsIsNotAdopted() throws {
        let fixture = try RoomFixture()
        let verb = fixture.verb()
        func adopt(_ text: String?, _ path: String? = nil) throws -> ReplyFrame {
            let file = "\(fixture.places.work)/pid"
            if let text { try AtomicFile.write(Array(text.utf8), to: file, mode: 0o600) }
            return try verb.call("process.adopt", ["name": .text("web"), "pidfile": .text(path ?? file)])
        }
        #expect(try adopt(nil).status == "not_found")
        #expect(try adopt("nonsense\n").status == "not_found")
        #expect(try adopt("999999999\n").status == "not_found")
        let stranger = try adopt("\(getpid())\n")
        #expect(stranger.status == "access_denied")
        #expect(stranger.values.first == .text("the program with the number \(getpid()) is not in the actor's cgroup"))
        #expect(try adopt(nil, "/etc/passwd").status == "access_denied")
        guard case .mistake(let neither) = try verb.frame("process.adopt", ["name": .text("web")]) else {
            throw TestFailure("no mistake")
        }
        #expect(neither.got == "neither")
    }
}
