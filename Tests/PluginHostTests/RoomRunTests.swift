import ActorContract
import Glibc
import HostErrors
import PluginProtocol
import SystemLayer
import TestSupport
import Testing

@testable import PluginHost

/// `process.run` as the reference has it, through the real launcher.
@Suite(.serialized, .enabled(if: RoomFixture.canLaunch, "the tool room is made as root only"))
struct RoomRunTests {
    @Test func aProgramRunsToItsEndAndSaysAll() throws {
        let fixture = try RoomFixture()
        let journal = MemoryJournal()
        let verb = fixture.verb(journal: journal)
        let reply = try verb.shell(
            "cat; echo bad >&2; echo $SECRET",
            ["stdin": .bytes([0x61, 0, 0xff, 0x0a]), "env": .map(["SECRET": .text("hush")])]
        )
        #expect(reply.status == "ok", "\(reply)")
        let end = try #require(RoomVerb.table(reply.values.first))
        #expect(end["stdout"] == .bytes([0x61, 0, 0xff, 0x0a] + Array("hush\n".utf8)))
        #expect(end["stderr"] == .bytes(Array("bad\n".utf8)))
        #expect(end["code"] == .integer(0) && end["signal"] == nil && end["truncated"] == .boolean(false))
        #expect(journal.lines == ["begin process.run actor.tools.sh", "end process.run ok"])
        verb.end(keeping: [])
        #expect(fixture.processes.isEmpty && fixture.leaves.isEmpty)
    }

    @Test func aFailureNamesTheProgramItsCodeAndItsLastWords() throws {
        let verb = try RoomFixture().verb()
        let reply = try verb.shell("echo first >&2; echo ' the reason ' >&2; echo >&2; exit 3")
        #expect(reply.status == "failed")
        #expect(reply.values.first == .text("sh exited 3:  the reason "))
        #expect(RoomVerb.table(reply.values.last)?["code"] == .integer(3))
        let killed = try verb.shell("kill -9 $$")
        #expect(killed.values.first == .text("sh ended by signal 9"))
        #expect(RoomVerb.table(killed.values.last)?["signal"] == .integer(9))
        // A signal is no code that "any" could mean.
        #expect(try verb.shell("kill -9 $$", ["exit_codes": .text("any")]).status == "failed")
        #expect(try verb.shell("exit 3", ["exit_codes": .text("any")]).status == "ok")
        #expect(try verb.shell("exit 3", ["exit_codes": .list([.integer(0), .integer(3)])]).status == "ok")
        #expect(try verb.shell("exit 4", ["exit_codes": .list([.integer(0), .integer(3)])]).status == "failed")
    }

    @Test func aFailureQuotesTheLogThatTheProgramKeeps() throws {
        let fixture = try RoomFixture()
        let verb = fixture.verb()
        let path = "\(fixture.places.work)/own.log"
        let log: [String: PluginValue] = ["errors": .text(path)]
        let script =
            "printf 'all is well\\n  Error (a.c:1): no\\nWarn\\nError: never\\n' > \(path); echo failed >&2; exit 1"
        let reply = try verb.shell(script, log)
        #expect(reply.values.first == .text("sh exited 1: Error (a.c:1): no; Error: never"))
        #expect(try verb.shell(script, log.merging(["exit_codes": .text("any")]) { $1 }).status == "ok")
        // Nobody else's, and not what is no file.
        #expect(utimes(path))
        #expect(try verb.shell("echo failed >&2; exit 1", log).values.first == .text("sh exited 1: failed"))
        _ = try verb.shell("rm \(path); ln -s /etc/passwd \(path)")
        #expect(try verb.shell("echo failed >&2; exit 1", log).values.first == .text("sh exited 1: failed"))
        guard case .mistake(let fault) = try verb.frame("process.run", RoomVerb.shell(":", ["errors": .text("/etc/x")]))
        else { throw TestFailure("a log in /etc is no mistake") }
        #expect(fault.expected == "a file in one of actor.dirs")
    }

    /// Makes a file older than any program.
    private func utimes(_ path: String) -> Bool {
        var times = [timeval(), timeval()]
        return unsafe Glibc.utimes(path, &times) == 0
    }

    @Test func whoRestoresIsGrantedAndHasWhatThatTakes() throws {
        let fixture = try RoomFixture()
        let asks: [String: PluginValue] = ["restores": .boolean(true)]
        let reply = try fixture.verb().shell(":", asks)
        #expect(reply.status == "failed")
        #expect(reply.values.first == .text("nobody granted that its programs restore others: --grant restore"))
        guard case .mistake(let fault) = try fixture.verb().frame("process.start", RoomVerb.shell(":", asks)) else {
            throw TestFailure("it was started")
        }
        #expect(fault.mend == "operator: --grant restore")
        fixture.grants.kinds.insert(.restore)
        let verb = fixture.verb()
        let script = """
            for name in kernel/ns_last_pid kernel/shm_next_id kernel/pid_max; do
                [ -e /proc/sys/$name ] && [ -w /proc/sys/$name ] && echo $name
            done
            while read key value; do [ $key = CapEff: ] && echo $((0x$value >> 25 & 1)); done < /proc/self/status
            :
            """
        #expect(try verb.output(script) == "0", "what it does not ask for it does not have")
        #expect(try verb.output(script, asks) == "kernel/ns_last_pid\nkernel/shm_next_id\n1")
        #expect(try verb.output(script) == "0", "the next program has what another asked for")
        verb.end(keeping: [])
        #expect(fixture.processes.isEmpty && fixture.leaves.isEmpty)
    }

    @Test func whatIsNotThereIsNotFound() throws {
        let fixture = try RoomFixture()
        let verb = fixture.verb()
        let fields: [String: PluginValue] = ["program": .text("/usr/bin/no-such-tool"), "args": .list([])]
        let reply = try verb.call("process.run", fields)
        #expect(reply.status == "not_found")
        guard case .text(let words)? = reply.values.first else { throw TestFailure("\(reply)") }
        #expect(words.hasPrefix("/usr/bin/no-such-tool: "))
        #expect(try verb.call("process.start", fields).status == "not_found")
        let kept = fields.merging(["keep": .boolean(true), "name": .text("gone")]) { $1 }
        #expect(try verb.call("process.start", kept).status == "not_found")
        verb.end(keeping: [])
        #expect(fixture.processes.isEmpty && fixture.leaves.isEmpty)
    }

    @Test func aLongOutputIsCutAtOneMebibyteOfEachStream() throws {
        let verb = try RoomFixture().verb()
        let reply = try verb.shell(
            "head -c 1500000 /dev/zero; i=0; while [ $i -lt 30 ]; do head -c 100000 /dev/zero >&2; i=$((i+1)); done; "
                + "echo >&2; echo last >&2; exit 1"
        )
        #expect(reply.values.first.map(RoomVerb.text)?.hasSuffix("last") == true)
        let end = try #require(RoomVerb.table(reply.values.last))
        guard case .bytes(let out)? = end["stdout"], case .bytes(let err)? = end["stderr"] else {
            throw TestFailure("no bytes")
        }
        #expect(out.count == 1 << 20 && err.count == 1 << 20)
        #expect(err.suffix(5).elementsEqual("last\n".utf8))
        #expect(end["truncated"] == .boolean(true))
    }

    @Test func aTimeoutKillsTheProgramAndAllThatItStarted() throws {
        let fixture = try RoomFixture()
        let verb = fixture.verb()
        let reply = try verb.shell("sleep 600 & sleep 600", ["timeout_ms": .integer(150)])
        #expect(reply.status == "timeout")
        #expect(fixture.processes.isEmpty && fixture.leaves.isEmpty)
        // The verb's own deadline cuts a longer wish.
        let short = fixture.verb(milliseconds: 200)
        #expect(try short.shell("sleep 600", ["timeout_ms": .integer(600_000)]).status == "timeout")
        #expect(fixture.processes.isEmpty)
    }

    @Test func aCancelEndsTheProgram() async throws {
        let fixture = try RoomFixture()
        let cancellation = TestCancellation()
        let verb = fixture.verb(cancellation: cancellation)
        let work = fixture.places.work
        Task.detached {
            try? await eventually("it runs") { TextFile.read("\(work)/started") == nil ? nil : () }
            cancellation.cancel()
        }
        #expect(try verb.shell("touch started; sleep 600").status == "cancelled")
        #expect(fixture.processes.isEmpty)
    }

    @Test func whatAProgramLeavesEndsWithTheVerb() throws {
        let fixture = try RoomFixture()
        let verb = fixture.verb()
        #expect(try verb.shell("(sleep 600 >/dev/null 2>&1 &)").status == "ok")
        #expect(fixture.processes.count == 1)
        verb.end(keeping: [])
        #expect(fixture.processes.isEmpty && fixture.leaves.isEmpty)
    }

    @Test func argumentsAreTheAuthorsMistakes() throws {
        let fixture = try RoomFixture()
        let verb = fixture.verb()
        func mistake(_ more: [String: PluginValue], _ function: String = "process.run") throws -> ArgumentFault {
            guard case .mistake(let fault) = try verb.frame(function, RoomVerb.shell(":", more)) else {
                throw TestFailure("\(more) is no mistake")
            }
            return fault
        }
        #expect(try mistake(["network": .text("host")]).mend == "operator: --grant host-network")
        #expect(try mistake(["hide": .list([.text("/etc")])]).message == "process.run: hide[1] is \"/etc\"")
        #expect(try mistake(["hide": .list([.text("/sys/../etc")])]).expected == "a path under /proc/sys or /sys")
        #expect(try mistake(["devices": .list([.text("kvm")])]).expected == "a granted device; none is granted here")
        #expect(try mistake(["log": .text("web")]).message == "process.run: log is \"web\"; the actor has no container")
        #expect(try mistake(["keep": .boolean(true)], "process.start").message == "process.start: name is \"\"")
        #expect(
            try mistake(["keep": .boolean(true), "name": .text("a/b")], "process.start").expected
                == "letters, digits, - and _, at most 127"
        )
        #expect(
            try mistake(["stdio": .text("client")], "process.start").expected
                == "none: only exec has a caller's streams"
        )
    }
}
