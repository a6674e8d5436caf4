import ActorContract
import Confinement
import Foundation
import Glibc
import HostErrors
import LaunchProtocol
import PluginProtocol
import SystemLayer
import TestSupport
import Testing

@testable import PluginHost

/// What a program sees inside the tool room.
@Suite(.serialized, .enabled(if: RoomFixture.canLaunch, "the tool room is made as root only"))
struct RoomViewTests {
    @Test func theMachinesTreeIsOutOfReach() throws {
        let fixture = try RoomFixture()
        let verb = fixture.verb()
        #expect(try verb.output("cat \(fixture.base)/journal 2>&1 || true").contains("No such file"))
        #expect(
            try verb.output("ls /").split(separator: "\n").allSatisfy { !["home", "root", "mnt", "srv"].contains($0) }
        )
        #expect(try verb.output("cat /proc/1/root/etc/passwd 2>&1 >/dev/null || true").contains("denied"))
        #expect(try verb.output("wc -c < /etc/shadow") == "0")
        #expect(try verb.output("ls /run") == "")
        for path in ["/", "/usr", "/etc", "/var", "/sys/kernel", "/proc/sys/kernel"] {
            let said = try verb.output("(echo x > \(path)/x) 2>&1 || true")
            #expect(!said.isEmpty, "\(path) takes a file")
        }
        // Beneath /tmp, which is the room's own: what is written there is nowhere.
        for path in [fixture.base, fixture.places.root] {
            _ = try verb.output("(echo x > \(path)/x) 2>&1 || true")
            #expect(TextFile.read("\(path)/x") == nil)
        }
    }

    @Test func theActorsOwnIsAtItsOwnPathAndWritable() throws {
        let fixture = try RoomFixture()
        let volume = fixture.places.volume("data")
        try DirectoryTree.make(volume)
        fixture.actor.volumes = ["data": volume]
        let snapshot = "\(fixture.base)/snapshot"
        try DirectoryTree.make(snapshot)
        var request = VerbRequest()
        request.snapshotDirectory = snapshot
        let saving = fixture.verb("checkpoint", request: request)
        #expect(try saving.output("pwd") == fixture.places.work)
        for path in [
            fixture.places.work, fixture.places.runtime, fixture.places.bundles, fixture.places.logs, volume, snapshot,
        ] {
            #expect(try saving.output("echo here > \(path)/file && cat \(path)/file") == "here")
            #expect(TextFile.read("\(path)/file") == "here\n", "\(path) is another place outside")
        }
        let restoring = fixture.verb("restore", request: request)
        #expect(
            try restoring.output("cat \(snapshot)/file; (: > \(snapshot)/other) 2>/dev/null || echo no") == "here\nno"
        )
    }

    @Test func anAssetIsReadableAndRunsWhereItIsGranted() throws {
        let fixture = try RoomFixture()
        try DirectoryTree.make("\(fixture.base)/assets")
        let asset = "\(fixture.base)/assets/tool"
        try "#!/bin/sh\necho asset $1\n".write(toFile: asset, atomically: false, encoding: .utf8)
        _ = unsafe chmod(asset, 0o755)
        fixture.actor.assets = ["tool": asset]
        fixture.grants.kinds.insert(.asset)
        let verb = fixture.verb()
        let fields: [String: PluginValue] = [
            "program": .text(asset), "args": .list([.list([.integer(7)]), .boolean(false)]),
        ]
        let reply = try verb.call("process.run", fields)
        #expect(RoomVerb.text(RoomVerb.table(reply.values.first)?["stdout"]) == "asset 7\n", "\(reply)")
        #expect(try verb.output("(echo x >> \(asset)) 2>/dev/null || echo no") == "no")
        // Not granted: a tool's path alone is one that may be run.
        fixture.grants.kinds.remove(.asset)
        #expect(throws: HostError.self) { try fixture.verb().call("process.run", fields) }
    }

    @Test func privilegesAreTheRoomsAlone() throws {
        let verb = try RoomFixture().verb()
        let status = try verb.output("grep -E '^(Uid|Cap(Prm|Eff|Bnd|Inh|Amb))' /proc/self/status")
        var sets: [String: UInt64] = [:]
        for line in status.split(separator: "\n") where line.hasPrefix("Cap") {
            let parts = line.split(separator: ":")
            sets[String(parts[0])] = UInt64(parts[1].trimmingCharacters(in: .whitespaces), radix: 16)
        }
        let room = ToolPlan.roomCapabilities.reduce(UInt64(0)) { $0 | 1 << UInt64($1) }
        let bounding = try #require(sets["CapBnd"])
        // MKNOD where the devices controller says what may be opened; what this machine's root lacks is lacking.
        let own = TextFile.read("/proc/self/status")?.split(separator: "\n").first { $0.hasPrefix("CapPrm:\t") }
        let machine = try #require(own.flatMap { UInt64($0.dropFirst(8), radix: 16) })
        #expect(bounding & ~(1 << 27) == room & machine)
        #expect(sets["CapEff"] == bounding && sets["CapPrm"] == bounding)
        #expect(sets["CapInh"] == 0 && sets["CapAmb"] == 0)
        // SYS_MODULE, SYS_RAWIO, SYS_PTRACE, SYS_BOOT, SYS_TIME, MAC_OVERRIDE, MAC_ADMIN.
        for number in [16, 17, 19, 22, 25, 32, 33] { #expect(bounding & 1 << UInt64(number) == 0) }
        #expect(status.contains("Uid:\t0\t0\t0\t0"))
    }

    @Test func environmentAndDescriptorsAreEmpty() throws {
        let verb = try RoomFixture().verb()
        let variables = try verb.output("tr '\\0' '\\n' < /proc/self/environ")
        #expect(variables == "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
        #expect(try verb.output("ls /proc/self/fd | head -n 9 | tr -d '\\n'") == "0123", "3 is the listing's own")
        #expect(try verb.output("readlink /proc/self/fd/0") == "/dev/null")
        #expect(
            try verb.output("echo $PATH $A", ["env": .map(["PATH": .text("/x:/bin"), "A": .text("b")])]) == "/x:/bin b"
        )
    }

    @Test func namespacesAreTheMachinesButMountsAndNetwork() throws {
        let fixture = try RoomFixture(network: true)
        func machine(_ name: String) throws -> String {
            try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/ns/\(name)")
        }
        let verb = fixture.verb()
        for name in ["pid", "ipc", "uts"] {
            #expect(try verb.output("readlink /proc/self/ns/\(name)") == (try machine(name)))
        }
        #expect(try verb.output("readlink /proc/self/ns/mnt") != (try machine("mnt")))
        let own = try verb.output("readlink /proc/self/ns/net")
        #expect(own != (try machine("net")))
        #expect(try verb.output("readlink /proc/self/ns/net") == own, "every program is on the slot's network")
        fixture.grants.kinds.insert(.hostNetwork)
        let granted = fixture.verb()
        #expect(try granted.output("readlink /proc/self/ns/net", ["network": .text("host")]) == (try machine("net")))
        // An actor without a network of its own: an empty one, never the machine's.
        fixture.actor.networkNamespace = nil
        let alone = fixture.verb()
        #expect(try alone.output("readlink /proc/self/ns/net") != (try machine("net")))
        #expect(try alone.output("cd /sys/class/net; echo *") == "lo")
    }

    @Test func cgroupsOfItsOwnAreBelowTheActors() throws {
        let fixture = try RoomFixture()
        let verb = fixture.verb()
        let own = Cgroup.open(layout: fixture.layout, name: "\(fixture.cgroup)/own")
        let path = try #require(own.directories.first)
        #expect(try verb.output("grep -c \(fixture.cgroup)/run /proc/self/cgroup") == "1")
        #expect(try verb.output("mkdir \(path)/sub && rmdir \(path)/sub && echo made") == "made")
        let above = String(path.dropLast(4))
        #expect(try verb.output("(mkdir \(above)/sub) 2>/dev/null || echo no") == "no")
    }

    @Test func hiddenRefusedAndPassed() throws {
        let fixture = try RoomFixture()
        let verb = fixture.verb()
        #expect(try verb.output("ls /proc/sys/net | wc -l") != "0")
        #expect(try verb.output("ls /proc/sys/net | wc -l", ["hide": .list([.text("/proc/sys/net")])]) == "0")
        let expected = try #require(WorkloadFilter.named("default")).program.count
        for number in [3, 4, 5, 9] as [Int64] {
            let words = try verb.output("wc -c <&\(number)", ["seccomp_fd": .integer(number)])
            #expect(words == "\(expected)", "descriptor \(number)")
            let gone = RoomVerb.shell(":", ["seccomp_fd": .integer(number)])
                .merging(["program": .text("/usr/bin/no-such-tool")]) { $1 }
            #expect(try verb.call("process.run", gone).status == "not_found", "descriptor \(number)")
        }
        let seccomp = "grep '^Seccomp:' /proc/self/status | tr -dc 0-9"
        #expect(try verb.output(seccomp) == "0")
        #expect(try verb.output(seccomp, ["refuse": .list([.text("membarrier")])]) == "2")
    }

    @Test func aGrantedDeviceIsThereAndNoOther() throws {
        let fixture = try RoomFixture()
        #expect(try fixture.verb().output("test -e /dev/kmsg && echo there || echo no") == "no")
        fixture.grants.devices = ["log": "/dev/kmsg"]
        let verb = fixture.verb()
        #expect(try verb.output("test -c /dev/kmsg && echo there", ["devices": .list([.text("log")])]) == "there")
        #expect(try verb.output("test -e /dev/kmsg && echo there || echo no") == "no")
        #expect(try verb.output("echo x > /dev/null && head -c 1 /dev/zero | wc -c") == "1")
    }
}
