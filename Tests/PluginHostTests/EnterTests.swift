import ActorContract
import Glibc
import PluginProtocol
import SystemLayer
import TestSupport
import Testing

@testable import PluginHost

/// `workload.enter` where it cannot enter.
@Suite(.serialized, .enabled(if: RoomFixture.canLaunch, "programs are confined as root only"))
struct EnterTests {
    private func enter(_ verb: RoomVerb, _ command: [String] = ["/bin/true"], in name: String = "web") throws
        -> ReplyFrame
    {
        try verb.call(
            "workload.enter",
            ["container": .text(name), "command": .list(command.map { .text($0) })]
        )
    }

    private func fixture() throws -> RoomFixture {
        let fixture = try RoomFixture()
        var container = Container()
        container.name = "web"
        fixture.actor.containers = [PreparedContainer(container: container, layers: [])]
        return fixture
    }

    /// A program of this machine that stands for a container's.
    private func program(_ fixture: RoomFixture, namespaces: UInt64 = 0) throws -> ProcessHandle {
        var plan = SpawnPlan(program: "/bin/sleep", arguments: ["sleep", "600"])
        plan.namespaces = namespaces
        let handle = try spawn(plan)
        fixture.actor.processes = [
            KeptProcess(name: "web", pid: handle.pid, startTime: handle.startTime, nonce: "")
        ]
        return handle
    }

    private func end(_ handle: ProcessHandle) {
        handle.signal(9)
        _ = handle.wait()
    }

    private func says(_ reply: ReplyFrame) -> String { RoomVerb.text(reply.values.first) }

    @Test func aContainerThatTheActorHasNot() throws {
        let reply = try enter(try fixture().verb("exec"), in: "side")
        #expect(reply.status == "not_found" && says(reply) == "the actor has no container \"side\"")
    }

    @Test func aContainerThatWasNeverStarted() throws {
        let reply = try enter(try fixture().verb("exec"))
        #expect(reply.status == "not_running" && says(reply) == "container \"web\" does not run")
    }

    @Test func aContainerThatHasEnded() throws {
        let fixture = try fixture()
        end(try program(fixture))
        let reply = try enter(fixture.verb("exec"))
        #expect(reply.status == "not_running" && says(reply) == "container \"web\" has ended", "\(reply)")
        #expect(fixture.leaves.isEmpty)
    }

    @Test func aProgramThatSharesTheRoomsNamespaces() throws {
        let fixture = try fixture()
        let handle = try program(fixture)
        defer { end(handle) }
        let reply = try enter(fixture.verb("exec"))
        #expect(reply.status == "unsupported" && says(reply).contains("there is nothing to enter"), "\(reply)")
        #expect(fixture.leaves.isEmpty)
    }

    @Test func aProgramThatIsNotThere() throws {
        let fixture = try fixture()
        // pid, mount, uts, ipc and net, as a container's (clone(2)).
        let handle = try program(fixture, namespaces: 0x2000_0000 | 0x2_0000 | 0x0400_0000 | 0x0800_0000 | 0x4000_0000)
        defer { end(handle) }
        let verb = fixture.verb("exec")
        let reply = try enter(verb, ["/no/such/program"])
        #expect(reply.status == "not_found", "\(reply)")
        verb.end(keeping: fixture.actor.processes)
        #expect(fixture.leaves.isEmpty)
    }

    @Test func anEmptyCommandIsTheAuthorsMistake() throws {
        let frame = try fixture().verb("exec").frame(
            "workload.enter",
            ["container": .text("web"), "command": .list([])]
        )
        guard case .mistake(let fault) = frame else { throw TestFailure("\(frame)") }
        #expect(fault.message == "workload.enter: command is empty")
    }

    @Test func streamsOfACallerAreExecsAlone() throws {
        let fixture = try fixture()
        let handle = try program(fixture)
        defer { end(handle) }
        let frame = try fixture.verb("exec").frame(
            "workload.enter",
            ["container": .text("web"), "command": .list([.text("x")]), "stdio": .text("client")]
        )
        guard case .mistake(let fault) = frame else { throw TestFailure("\(frame)") }
        #expect(fault.message.contains("stdio is \"client\""), "\(fault.message)")
    }
}
