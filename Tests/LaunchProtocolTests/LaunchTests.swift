import Glibc
import LaunchProtocol
import SystemLayer
import Testing

@Suite(.serialized, .enabled(if: LaunchFixture.canLaunch, "needs root and /bin/busybox"))
struct LaunchTests {
    @Test func workloadPrintsAndItsCodeIsRecorded() throws {
        let fixture = try LaunchFixture()
        let plan = fixture.plan(["sh", "-c", "echo out; echo err >&2; exit 7"])
        let (process, report) = try fixture.start(plan)
        guard case .ready(2, _)? = report else {
            Issue.record("\(String(describing: report))")
            return
        }
        #expect(process.wait() == .exited(7))
        #expect(ExitRecord.read(directory: plan.statusDirectory, nonce: plan.nonce) == .exited(7))
        #expect(ExitRecord.read(directory: plan.statusDirectory, nonce: "another") == nil)
        var reader = LogSpoolReader(directory: plan.logDirectory)
        var seen: [String: LogRecord.Stream] = [:]
        while let record = reader.next() { seen[String(decoding: record.bytes, as: UTF8.self)] = record.stream }
        #expect(seen == ["out": .standardOutput, "err": .standardError])
        #expect(TextFile.read("/proc/self/mountinfo")?.contains(fixture.directory) == false)
    }

    @Test func environmentAndDescriptorsAreExact() throws {
        let fixture = try LaunchFixture()
        let output = try fixture.run(fixture.plan(["/bin/busybox", "env"])).output
        #expect(output == "PATH=/bin\nGREETING=hello world")
        // ls itself holds 3, the directory it lists.
        let listed = try LaunchFixture()
        #expect(try listed.run(listed.plan(["ls", "/proc/self/fd"])).output == "0\n1\n2\n3")
    }

    @Test func privilegesAreExactlyTheContracts() throws {
        let fixture = try LaunchFixture()
        let status = try fixture.run(fixture.plan(["cat", "/proc/self/status"])).output
        let fields = Dictionary(
            status.split(separator: "\n").compactMap { line -> (String, String)? in
                let parts = line.split(separator: ":\t")
                return parts.count == 2 ? (String(parts[0]), String(parts[1])) : nil
            },
            uniquingKeysWith: { first, _ in first }
        )
        let three = "0000000020000420"
        #expect(fields["CapEff"] == three)
        #expect(fields["CapPrm"] == three)
        #expect(fields["CapBnd"] == three)
        #expect(fields["CapInh"] == "0000000000000000")
        #expect(fields["CapAmb"] == "0000000000000000")
        #expect(fields["NoNewPrivs"] == "1")
        #expect(fields["Seccomp"] == "2")
        #expect(fields["SigBlk"] == "0000000000000000")
        #expect(fields["SigIgn"] == "0000000000000000")
    }

    @Test func nothingOfTheHostIsVisible() throws {
        let fixture = try LaunchFixture()
        let script = """
            ls -d /home /work /root 2>/dev/null
            ls /; ls /dev; hostname; cat /proc/1/environ 2>&1 | head -c 60
            for n in 0 1 2 3 4 5 6 7 8 9; do ls /proc/1/fd/$n/ 2>/dev/null; cat /proc/1/fd/$n 2>/dev/null; done
            ls /proc/1/root/ 2>/dev/null
            head -c 1 /proc/kcore; echo 1 2>/dev/null > /proc/sys/kernel/hostname || echo refused
            echo x > /dev/null && echo null
            """
        let output = try fixture.shell(script)
        let lines = output.split(separator: "\n").map(String.init)
        #expect(!lines.contains("/home") && !lines.contains("/work") && !lines.contains("/root"))
        #expect(lines.starts(with: ["bin", "dev", "etc", "proc", "tmp"]))
        #expect(lines.contains("actor"))
        #expect(lines.contains { $0.contains("ermission denied") })
        #expect(lines.contains("refused") && lines.contains("null"))
        #expect(lines.last == "null")
        // Init's own descriptors are the host's directories: no way through them.
        #expect(lines.filter { $0 == "bin" }.count == 1)
        #expect(!lines.contains { $0.hasPrefix("log.") })
    }

    @Test func refusedCallsAnswerAndMountsFail() throws {
        let fixture = try LaunchFixture()
        let output = try fixture.shell(
            "mount -t tmpfs t /tmp 2>/dev/null || echo nomount; unshare -U id 2>/dev/null || echo nouser"
        )
        #expect(output == "nomount\nnouser")
    }

    @Test func mountsAndReadOnlyRoot() throws {
        let fixture = try LaunchFixture()
        var plan = fixture.plan([
            "sh", "-c",
            "echo kept > /var/data/file; cat /etc/given; echo x 2>/dev/null > /etc/given || echo ro; echo x 2>/dev/null > /new || echo roroot; pwd",
        ])
        // The image has no say: its link at the target is replaced, not followed.
        _ = unsafe symlink("/proc/nowhere", "\(fixture.directory)/layer/etc/given")
        try AtomicFile.write(Array("given\n".utf8), to: "\(fixture.directory)/given")
        plan.mounts = [
            LaunchPlan.Mount(source: "\(fixture.directory)/data", target: "/var/data"),
            LaunchPlan.Mount(source: "\(fixture.directory)/given", target: "/etc/given", readOnly: true),
        ]
        plan.readOnlyRoot = true
        plan.workingDirectory = "/srv/app"
        let result = try fixture.run(plan)
        guard case .ready(2, let applied)? = result.report else {
            Issue.record("\(String(describing: result.report))")
            return
        }
        #expect(applied.contains(.readOnlyRoot))
        #expect(result.output == "given\nro\nroroot\n/srv/app")
        #expect(TextFile.read("\(fixture.directory)/data/file") == "kept\n")
    }

    @Test func terminatesOnRequestAndByForce() throws {
        let gentle = try LaunchFixture()
        let plan = gentle.plan(["sh", "-c", "trap 'echo bye; exit 3' TERM; echo up; while :; do sleep 0.02; done"])
        let (process, _) = try gentle.start(plan)
        #expect(gentle.waitFor("up"))
        process.signal(SIGTERM)
        #expect(process.wait() == .exited(3))
        #expect(gentle.output() == "up\nbye")

        let stubborn = try LaunchFixture()
        let other = stubborn.plan(["sh", "-c", "trap '' TERM; echo up; while :; do sleep 0.02; done"])
        let (second, _) = try stubborn.start(other)
        #expect(stubborn.waitFor("up"))
        second.signal(SIGTERM)
        #expect(second.wait() == .exited(128 + SIGKILL))
        #expect(ExitRecord.read(directory: other.statusDirectory, nonce: other.nonce) == .signaled(SIGKILL))
    }

    @Test func childrenDieWithTheMainProgramAndOutputIsWhole() throws {
        let fixture = try LaunchFixture()
        let result = try fixture.run(fixture.plan(["sh", "-c", "sleep 1000 & seq 1 20000; exit 0"]))
        #expect(result.status == .exited(0))
        let lines = result.output.split(separator: "\n")
        #expect(lines.count == 20000)
        #expect(lines.last == "20000")
    }

    @Test func outlivesItsParent() throws {
        let fixture = try LaunchFixture()
        var plan = fixture.plan([
            "sh", "-c", "echo up; while [ ! -e /data/go ]; do sleep 0.01; done; echo done; exit 5",
        ])
        plan.mounts = [.init(source: "\(fixture.directory)/data", target: "/data")]
        // A shell stands for the host: it starts the launcher in its own namespaces, and is killed.
        try AtomicFile.write(plan.encoded(), to: "\(fixture.directory)/plan")
        let script = """
            unshare -m -p -i -u -n --fork \(LaunchFixture.launcher) 3<\(fixture.directory)/plan 4>/dev/null & exec sleep 1000
            """
        let host = try spawn(
            {
                var spawnPlan = SpawnPlan(program: "/bin/sh", arguments: ["sh", "-c", script])
                spawnPlan.environment = ["PATH=/usr/sbin:/usr/bin:/sbin:/bin"]
                return spawnPlan
            }()
        )
        #expect(fixture.waitFor("up"))
        host.signal(SIGKILL)
        #expect(host.wait() == .signaled(SIGKILL))
        try AtomicFile.write([], to: "\(fixture.directory)/data/go")
        #expect(fixture.waitFor("done"))
        for _ in 0..<500 where ExitRecord.read(directory: plan.statusDirectory, nonce: plan.nonce) == nil {
            usleep(10_000)
        }
        #expect(ExitRecord.read(directory: plan.statusDirectory, nonce: plan.nonce) == .exited(5))
    }

    @Test(.enabled(if: !CgroupLayout.detect().v1Bases.isEmpty, "needs cgroup v1"))
    func joinsItsCgroupsBeforeAnythingElse() throws {
        let fixture = try LaunchFixture()
        let layout = CgroupLayout.detect()
        let name = "substrate-test/launch-\(getpid())-\(UInt32.random(in: 0 ... .max))"
        let cgroup = try Cgroup.create(layout: layout, name: name, limits: CgroupLimits(pids: 5))
        var plan = fixture.plan([
            "sh", "-c", "cat /proc/self/cgroup; (for i in 1 2 3 4 5 6 7; do sleep 5 & done) 2>&1 | head -n 1",
        ])
        plan.cgroupProcs = cgroup.v1Procs
        let result = try fixture.run(plan)
        #expect(result.output.contains(":pids:/\(name)"))
        #expect(result.output.contains("fork"))
        try cgroup.remove()
        for directory in cgroup.directories {
            // Shared by all tests: the last one out removes it.
            _ = unsafe rmdir(String(directory.dropLast(directory.split(separator: "/").last?.count ?? 0)))
        }
    }

    @Test func joinsTheNamedNetwork() throws {
        let fixture = try LaunchFixture()
        var plan = fixture.plan(["busybox", "readlink", "/proc/self/ns/net"])
        let apart = try fixture.run(plan).output
        let other = try LaunchFixture()
        plan = other.plan(plan.arguments)
        plan.networkNamespace = "/proc/\(getpid())/ns/net"
        var buffer = [CChar](repeating: 0, count: 64)
        _ = unsafe readlink("/proc/self/ns/net", &buffer, 63)
        let own = String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        #expect(try other.run(plan).output == own)
        #expect(apart.hasPrefix("net:[") && apart != own)
    }

    @Test func initIsConfinedToo() throws {
        let fixture = try LaunchFixture()
        let output = try fixture.shell(
            """
            n=0; until busybox grep -q 'CapEff:.*0020$' /proc/1/status || [ $n = 200 ]; do n=$((n+1)); done
            cat /proc/1/status /proc/1/oom_score_adj /proc/self/oom_score_adj
            """
        )
        #expect(output.contains("CapEff:\t0000000000000020"))
        #expect(output.contains("Seccomp:\t2"))
        #expect(output.hasSuffix("\n500"))
    }

    @Test func aFloodOfLinesIsKeptOrCounted() throws {
        let fixture = try LaunchFixture()
        var plan = fixture.plan(["sh", "-c", "yes 0123456789012345678901234567890123456789 | head -n 200000"])
        plan.logLimitBytes = 1 << 20
        let (process, _) = try fixture.start(plan)
        #expect(process.wait() == .exited(0))
        var reader = LogSpoolReader(directory: plan.logDirectory)
        var total: UInt64 = 0
        while let record = reader.next() { total += record.dropped > 0 ? record.dropped : 1 }
        // The reader came late: what was rotated away before it started it cannot count, what is there is whole.
        #expect(total > 10_000 && total < 200_000)
    }
}
