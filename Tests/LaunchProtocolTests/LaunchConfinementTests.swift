import Glibc
import LaunchProtocol
import SystemLayer
import Testing

/// What stands around a workload, seen from inside it and from the machine.
@Suite(.serialized, .enabled(if: LaunchFixture.canLaunch, "needs root and /bin/busybox"))
struct LaunchConfinementTests {
    /// The fields of `/proc/PID/status`.
    private func status(_ pid: Int32) -> [String: String] {
        Dictionary(
            (TextFile.read("/proc/\(pid)/status") ?? "").split(separator: "\n").compactMap { line in
                let parts = line.split(separator: ":\t")
                return parts.count == 2 ? (String(parts[0]), String(parts[1])) : nil
            },
            uniquingKeysWith: { first, _ in first }
        )
    }

    @Test("init has a filter of its own, one capability and no descriptor too many, whatever the workload's profile")
    func initIsNarrow() throws {
        for profile in ["default", "strict", "none"] {
            let fixture = try LaunchFixture()
            var plan = fixture.plan(["sh", "-c", "grep Seccomp /proc/self/status; echo up; read x < /data/wait"])
            plan.mounts = [.init(source: "\(fixture.directory)/data", target: "/data")]
            _ = unsafe symlink("busybox", "\(fixture.directory)/layer/bin/grep")
            #expect(unsafe mkfifo("\(fixture.directory)/data/wait", 0o600) == 0)
            plan.seccompProfile = profile
            let (process, report) = try fixture.start(plan)
            guard case .ready(_, let applied)? = report else {
                Issue.record("\(profile): \(String(describing: report))")
                continue
            }
            #expect(applied.contains(.seccomp) == (profile != "none"))
            #expect(applied.contains(.initFilter))
            #expect(fixture.waitFor("up"))
            let fields = status(process.pid)
            #expect(fields["Seccomp"] == "2" && fields["Seccomp_filters"] == "1", "\(profile)")
            #expect(fields["CapEff"] == "0000000000000020" && fields["CapPrm"] == "0000000000000020")
            #expect(fields["NoNewPrivs"] == "1" && fields["Threads"] == "1")
            // The workload's is its own too: not init's and another one on top.
            let filters = profile == "none" ? "Seccomp:\t0\nSeccomp_filters:\t0" : "Seccomp:\t2\nSeccomp_filters:\t1"
            #expect(fixture.output().hasPrefix(filters), "\(profile): \(fixture.output())")
            // 0-2 as the host gave them; signalfd, both outputs, the spool with a segment, the record, the status.
            let open = try DirectoryTree.names(in: "/proc/\(process.pid)/fd")
            #expect(open.count <= 3 + 7, "\(open)")
            let waiter = OwnedFD(unsafe Glibc.open("\(fixture.directory)/data/wait", O_WRONLY | O_CLOEXEC))
            try waiter.close()
            #expect(process.wait() != nil)
        }
    }

    @Test("the report names what was applied, and nothing else")
    func reportIsExact() throws {
        let fixture = try LaunchFixture()
        var plan = fixture.plan(["/bin/busybox", "true"])
        func applied() throws -> Set<Protection>? {
            let (process, report) = try fixture.start(plan)
            #expect(process.wait() == .exited(0))
            guard case .ready(_, let applied)? = report else { return nil }
            #expect(Set(applied).count == applied.count)
            return Set(applied)
        }
        let usual: Set<Protection> = [
            .maskedPaths, .privateRoot, .capabilities, .noNewPrivileges, .initFilter, .seccomp, .landlock,
        ]
        #expect(try applied() == usual)
        plan.given = [.pidNamespace, .memoryLimit]
        plan.readOnlyRoot = true
        plan.networkNamespace = "/proc/\(getpid())/ns/net"
        plan.required = [.memoryLimit, .seccomp, .readOnlyRoot]
        #expect(
            try applied()
                == usual.union([.pidNamespace, .memoryLimit, .readOnlyRoot, .networkNamespace])
        )
        plan.required = []
        plan.seccompProfile = "none"
        plan.capabilities.append(21)
        #expect(try applied()?.isDisjoint(with: [.seccomp, .capabilities]) == true)
    }

    @Test("/sys is there when the plan says so: it refuses writes, and its firmware is hidden")
    func system() throws {
        let script =
            "ls -d /sys/kernel /sys/firmware 2>/dev/null; ls /sys/firmware; "
            + "echo 1 2>/dev/null > /sys/kernel/mm/x || echo refused; mount -o remount,rw /sys 2>/dev/null || echo no"
        let without = try LaunchFixture()
        #expect(try without.shell(script).hasPrefix("/sys") == false)
        let fixture = try LaunchFixture()
        var plan = fixture.plan(["sh", "-c", script])
        plan.showsSystem = true
        let output = try fixture.run(plan).output
        let firmware = unsafe access("/sys/firmware", F_OK) == 0 ? "/sys/firmware\n" : ""
        #expect(output == "\(firmware)/sys/kernel\nrefused\nno")
    }

    @Test("the launcher's own program is out of the workload's reach, to read or to write")
    func launcherIsOutOfReach() throws {
        let fixture = try LaunchFixture()
        let output = try fixture.shell(
            """
            cat /proc/1/exe >/dev/null 2>&1 || echo unread
            for n in 1 2 3; do (echo x >> /proc/1/exe) 2>/dev/null || echo unwritten; done
            ls /proc/1/cwd/ >/dev/null 2>&1 || echo nowhere
            """
        )
        #expect(output == "unread\nunwritten\nunwritten\nunwritten\nnowhere")
    }

    @Test("a disk that is full at the end does not lose how the workload ended")
    func recordSurvivesAFullDisk() throws {
        let fixture = try LaunchFixture()
        let place = "\(fixture.directory)/status"
        try #require(unsafe mount("tmpfs", place, "tmpfs", 0, "size=64k") == 0)
        defer { unsafe _ = umount2(place, 2) }
        var plan = fixture.plan(["sh", "-c", "echo up; read x < /data/wait; exit 4"])
        plan.mounts = [.init(source: "\(fixture.directory)/data", target: "/data")]
        #expect(unsafe mkfifo("\(fixture.directory)/data/wait", 0o600) == 0)
        let (process, _) = try fixture.start(plan)
        #expect(fixture.waitFor("up"))
        let filler = OwnedFD(unsafe Glibc.open("\(place)/filler", O_WRONLY | O_CREAT | O_CLOEXEC, 0o600))
        let page = [UInt8](repeating: 1, count: 4096)
        var pages = 0
        while pages < 64, (try? writeAll(page, to: filler.rawValue)) != nil { pages += 1 }
        #expect(pages < 16, "the record has its room: \(pages) pages were left of 16")
        try OwnedFD(unsafe Glibc.open("\(fixture.directory)/data/wait", O_WRONLY | O_CLOEXEC)).close()
        #expect(process.wait() == .exited(4))
        #expect(ExitRecord.read(directory: place, nonce: plan.nonce) == .exited(4))
        #expect(try DirectoryTree.names(in: place) == ["exit", "filler"])
    }
}
