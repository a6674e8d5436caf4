import ActorContract
import PluginProtocol
import Testing

@testable import PluginHost

/// What the programs of one verb share of their room, and what they do not.
@Suite(.serialized, .enabled(if: RoomFixture.canLaunch, "the tool room is made as root only"))
struct RoomSharedTests {
    @Test func theNextProgramIsInACopyOfTheRoom() throws {
        let fixture = try RoomFixture(network: true)
        let verb = fixture.verb()
        _ = try verb.output("echo here > /tmp/file")
        #expect(try verb.output("cat /tmp/file") == "here", "the room was made again")
        #expect(try verb.output("pwd; ls /") == "\(fixture.places.work)\n" + (try fixture.verb().output("ls /")))
        verb.end(keeping: [])
        #expect(try fixture.verb().output("test -e /tmp/file || echo no") == "no", "another verb's room")
    }

    @Test func whatOneMountsNoOtherMeets() throws {
        let fixture = try RoomFixture(network: true)
        let verb = fixture.verb()
        let place = "\(fixture.places.work)/place"
        _ = try verb.output("mkdir \(place)")
        #expect(try verb.output("mount -t tmpfs none \(place) && echo x > \(place)/file && ls \(place)") == "file")
        #expect(try verb.output("ls \(place)") == "")
        let hidden: [String: PluginValue] = ["hide": .list([.text("/proc/sys/net")])]
        #expect(try verb.output("umount /proc/sys/net; ls /proc/sys/net | wc -l", hidden) != "0")
        #expect(try verb.output("ls /proc/sys/net | wc -l", hidden) == "0")
        #expect(try verb.output("ls /proc/sys/net | wc -l") != "0", "without it the room is another one")
    }

    @Test func thePrivilegesAreTheSameInIt() throws {
        let fixture = try RoomFixture(network: true)
        let verb = fixture.verb()
        let script = "grep -E '^(Cap|NoNewPrivs|Uid|Groups)' /proc/self/status; readlink /proc/self/ns/net; ulimit -n"
        let first = try verb.output(script)
        #expect(try verb.output(script) == first)
        #expect(try verb.output("(echo x > /x) 2>/dev/null || echo no") == "no")
        #expect(
            try verb.output("ls -l /proc/self/fd | wc -l") == (try fixture.verb().output("ls -l /proc/self/fd | wc -l"))
        )
    }
}
