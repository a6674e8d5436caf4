import Glibc
import LaunchProtocol
import SystemLayer
import Testing

/// A workload whose root is nobody of this machine.
@Suite(.serialized, .enabled(if: LaunchFixture.canLaunch, "needs root and /bin/busybox"))
struct UserNamespaceTests {
    private static let first: UInt32 = 1_900_000_256

    /// Whose a file on disk is.
    private func owner(_ path: String) -> [UInt32] {
        var about = stat()
        return unsafe lstat(path, &about) == 0 ? [about.st_uid, about.st_gid] : []
    }

    private func plan(_ fixture: LaunchFixture, _ script: String) -> LaunchPlan {
        var plan = fixture.plan(["/bin/busybox", "sh", "-c", script])
        plan.firstID = Self.first
        plan.mounts = [.init(source: "\(fixture.directory)/data", target: "/data")]
        return plan
    }

    @Test("it is root inside, nobody outside, and what is on disk is as without")
    func ownership() throws {
        let fixture = try LaunchFixture()
        let layer = "\(fixture.directory)/layer"
        try AtomicFile.write(Array("of the image\n".utf8), to: "\(layer)/etc/mine", mode: 0o600)
        try AtomicFile.write(Array("of a user\n".utf8), to: "\(layer)/etc/theirs", mode: 0o644)
        _ = unsafe chown("\(layer)/etc/theirs", 1000, 1001)
        var plan = plan(
            fixture,
            """
            id -u; id -g; cat /proc/self/uid_map; busybox stat -c '%u %g %n' /etc/mine /etc/theirs /data /dev /tmp /bin
            cat /etc/mine; echo changed >> /etc/mine; echo new > /etc/new; echo kept > /data/file; echo x > /dev/shm/y
            echo z > /dev/made && echo made; cat /proc/1/oom_score_adj /proc/self/oom_score_adj
            busybox chown 5:6 /data/file && echo owned; busybox rm /etc/theirs
            busybox mknod /tmp/device c 1 3 2>/dev/null || echo refused; echo up; read x < /data/wait
            """
        )
        // CHOWN, in its own namespace only.
        plan.capabilities.append(0)
        #expect(unsafe mkfifo("\(fixture.directory)/data/wait", 0o600) == 0)
        let (process, report) = try fixture.start(plan)
        guard case .ready(_, let applied)? = report else {
            Issue.record("\(String(describing: report))")
            return
        }
        #expect(applied.contains(.userNamespace) && applied.contains(.landlock))
        #expect(fixture.waitFor("up"), "\(fixture.output())")
        // Init and the workload, as the machine sees them.
        let map = (TextFile.read("/proc/\(process.pid)/uid_map") ?? "").split(separator: " ").map {
            $0.filter(\.isNumber)
        }
        #expect(map == ["0", "\(Self.first)", "65536"])
        // Its files are the machine's root's, and closed to the container's.
        #expect(owner("/proc/\(process.pid)/environ") == [0, 0])
        #expect((TextFile.read("/proc/\(process.pid)/status") ?? "").contains("Uid:\t\(Self.first)\t\(Self.first)"))
        try OwnedFD(unsafe Glibc.open("\(fixture.directory)/data/wait", O_WRONLY | O_CLOEXEC)).close()
        #expect(process.wait() == .exited(1) || process.wait() == nil)
        let adjustment = TextFile.read("/proc/self/oom_score_adj").map { $0.filter { $0 != "\n" } } ?? ""
        let lines = fixture.output().split(separator: "\n").map { $0.split(separator: " ").joined(separator: " ") }
        #expect(
            lines == [
                "0", "0", "0 \(Self.first) 65536", "0 0 /etc/mine", "1000 1001 /etc/theirs", "0 0 /data", "0 0 /dev",
                "0 0 /tmp", "0 0 /bin", "of the image", "made", adjustment, "500", "owned", "refused", "up",
            ]
        )
        let upper = "\(fixture.directory)/upper"
        #expect(owner("\(upper)/etc/mine") == [0, 0] && owner("\(upper)/etc/new") == [0, 0])
        #expect(owner("\(upper)/etc/theirs") == [0, 0], "a whiteout")
        #expect(owner("\(fixture.directory)/data/file") == [5, 6])
        #expect(TextFile.read("\(fixture.directory)/data/file") == "kept\n")
        #expect(owner("\(layer)/etc/theirs") == [1000, 1001])
        for name in ["logs", "status"] {
            for file in try DirectoryTree.names(in: "\(fixture.directory)/\(name)") {
                #expect(owner("\(fixture.directory)/\(name)/\(file)") == [0, 0], "\(name)/\(file)")
            }
        }
        #expect(ExitRecord.read(directory: plan.statusDirectory, nonce: plan.nonce) != nil)
    }

    @Test("what one launch wrote, the next one reads, with the namespace or without, or with another range")
    func changesWithoutIt() throws {
        let fixture = try LaunchFixture()
        let script =
            "echo line >> /root.txt; echo line >> /data/log; cat /root.txt /data/log; busybox stat -c %u /root.txt"
        for (turn, first) in [nil, Self.first, Self.first + 65_536, nil].enumerated() {
            var plan = plan(fixture, script)
            plan.firstID = first
            try FileTree.remove("\(fixture.directory)/logs")
            try FileTree.makeDirectories("\(fixture.directory)/logs", mode: 0o700)
            try FileTree.remove("\(fixture.directory)/work")
            try FileTree.makeDirectories("\(fixture.directory)/work", mode: 0o700)
            let result = try fixture.run(plan)
            #expect(result.status == .exited(0), "\(String(describing: result.report))")
            let lines = [String](repeating: "line", count: 2 * (turn + 1)) + ["0"]
            #expect(result.output == lines.joined(separator: "\n"))
        }
    }

    @Test("another user of the image is that user inside, with its streams and its low ports")
    func anotherUser() throws {
        let fixture = try LaunchFixture()
        var plan = plan(
            fixture,
            "id -u; id -g; echo err > /dev/stderr; echo out > /dev/stdout; busybox touch /new 2>&1"
        )
        plan.user = 1000
        plan.group = 1000
        plan.networkNamespace = nil
        let lines = try fixture.run(plan).output.split(separator: "\n").sorted()
        #expect(lines == ["1000", "1000", "err", "out", "touch: /new: Permission denied"])
        plan.user = 65_536
        #expect(throws: PlanError.self) { try plan.validate() }
    }

    @Test("its root cannot leave it, mount, or reach what is the machine's root's")
    func walls() throws {
        let fixture = try LaunchFixture()
        let output = try fixture.run(
            plan(
                fixture,
                """
                mount -t tmpfs t /tmp 2>/dev/null || echo nomount; unshare -U id 2>/dev/null || echo nouser
                hostname other 2>/dev/null || echo nohostname; cat /proc/1/environ >/dev/null 2>&1 || echo noenviron
                ls /proc/1/root/ >/dev/null 2>&1 || echo noroot; kill -0 1 && echo signals
                """
            )
        ).output
        #expect(output == "nomount\nnouser\nnohostname\nnoenviron\nnoroot\nsignals")
    }

    @Test("where none can be had nothing runs: the step and the mend are named, and nothing is left")
    func failsClosed() throws {
        let cases: [(call: String, error: String, text: String)] = [
            ("unshare", "ENOSPC", "sysctl user.max_user_namespaces=10000"),
            ("setns", "EPERM", "setns CLONE_NEWUSER"),
        ]
        for (call, error, text) in cases {
            let fixture = try LaunchFixture()
            let trace = ["-D", "-f", "-qq", "-o", "\(fixture.directory)/trace", "-e", "trace=\(call)"]
            let (process, report) = try fixture.start(
                plan(fixture, "echo ran"),
                under: trace + ["-e", "inject=\(call):error=\(error)"]
            )
            #expect(process.wait() == .exited(125))
            guard case .failed(7, _, let words)? = report else {
                Issue.record("\(call): \(String(describing: report))")
                continue
            }
            #expect(words.contains(text), "\(words)")
            for name in ["status", "logs"] {
                #expect(try DirectoryTree.names(in: "\(fixture.directory)/\(name)") == [])
            }
        }
        // Files of the kernel's own have no owners to show otherwise.
        let fixture = try LaunchFixture()
        var plan = plan(fixture, "echo ran")
        plan.mounts.append(.init(source: "/proc/sys", target: "/settings"))
        let (process, report) = try fixture.start(plan)
        #expect(process.wait() == .exited(125))
        guard case .failed(12, UInt16(EINVAL), let words)? = report else {
            Issue.record("\(String(describing: report))")
            return
        }
        #expect(words.contains("/proc/sys: its file system has no idmapped mounts"), "\(words)")
    }
}
