import Glibc
import LaunchProtocol
import SystemLayer
import Testing

/// The second wall of a workload, on a kernel that has it and on one that does not.
@Suite(.serialized, .enabled(if: LaunchFixture.canLaunch, "needs root and /bin/busybox"))
struct LandlockTests {
    /// A whiteout is the one device that everybody may make: nothing but Landlock refuses it.
    private static let devices = """
        busybox mknod /tmp/device c 0 0 2>&1 | head -n 1; busybox mknod /dev/shm/made c 0 0 2>&1 | head -n 1
        ls /tmp; ls /dev/shm
        """

    /// As on a kernel that was built without it.
    private func older(_ trace: String) -> [String] {
        [
            "-D", "-f", "-qq", "-o", trace, "-e", "trace=landlock_create_ruleset", "-e",
            "inject=landlock_create_ruleset:error=ENOSYS",
        ]
    }

    @Test("no device is made anywhere, and every other kind of file is")
    func devices() throws {
        let fixture = try LaunchFixture()
        let output = try fixture.shell(
            Self.devices
                + """

                mkdir /tmp/a /tmp/b && echo > /tmp/a/file && busybox mkfifo /tmp/a/fifo && busybox ln -s file /tmp/a/link &&
                busybox ln /tmp/a/file /tmp/b/hard && busybox mv /tmp/a/fifo /tmp/b/ && busybox truncate -s 9 /tmp/b/hard &&
                busybox rm -r /tmp/a /tmp/b && busybox stty < /dev/ptmx > /dev/null && echo 501 > /proc/self/oom_score_adj &&
                echo done
                """.replacing("mkdir", with: "busybox mkdir")
        )
        #expect(
            output == """
                mknod: /tmp/device: Permission denied
                mknod: /dev/shm/made: Permission denied
                done
                """
        )
    }

    @Test("a kernel without it is claimed nothing of and fails nothing, unless it is required")
    func absent() throws {
        let fixture = try LaunchFixture()
        var plan = fixture.plan(["sh", "-c", Self.devices])
        let (process, report) = try fixture.start(plan, under: older("\(fixture.directory)/trace"))
        #expect(process.wait() == .exited(0))
        guard case .ready(_, let applied)? = report else {
            Issue.record("\(String(describing: report))")
            return
        }
        #expect(!applied.contains(.landlock) && applied.contains(.seccomp))
        // What shows that the other test can fail.
        #expect(fixture.output() == "device\nmade")
        plan.required = [.landlock]
        let other = try LaunchFixture()
        plan.layers = ["\(other.directory)/layer"]
        plan.upperDirectory = "\(other.directory)/upper"
        plan.workDirectory = "\(other.directory)/work"
        let (refused, answer) = try fixture.start(plan, under: older("\(fixture.directory)/trace"))
        #expect(refused.wait() == .exited(125))
        #expect(answer == .failed(step: LaunchReport.requiredStep, errno: 0, text: "landlock"))
    }

    @Test("a root that refuses writes takes them by no path but the mounts that are for it")
    func readOnlyRoot() throws {
        let fixture = try LaunchFixture()
        var plan = fixture.plan([
            "sh", "-c",
            """
            echo x > /data/new && echo y > /tmp/new && echo z > /dev/shm/new && cat /data/new /tmp/new /dev/shm/new
            echo f > /etc/file && cat /etc/file
            """,
        ])
        try AtomicFile.write([], to: "\(fixture.directory)/file")
        plan.mounts = [
            .init(source: "\(fixture.directory)/data", target: "/data"),
            .init(source: "\(fixture.directory)/file", target: "/etc/file"),
        ]
        plan.readOnlyRoot = true
        plan.required = [.landlock, .readOnlyRoot]
        #expect(try fixture.run(plan).output == "x\ny\nz\nf")
    }

    @Test("in the machine's own network its abstract sockets are out of reach, and the workload's own are not")
    func abstractSockets() throws {
        let name = "substrate-test-\(getpid())-\(UInt32.random(in: 0 ... .max))"
        let listener = OwnedFD(socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0))
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let length = socklen_t(MemoryLayout<sa_family_t>.size + 1 + name.utf8.count)
        unsafe withUnsafeMutableBytes(of: &address.sun_path) { path in
            unsafe path.dropFirst().copyBytes(from: name.utf8)
        }
        let bound = unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe bind(listener.rawValue, $0, length)
            }
        }
        try #require(bound == 0 && listen(listener.rawValue, 4) == 0)
        let script = """
            import errno, os, signal, socket
            def call(name):
                try:
                    socket.socket(socket.AF_UNIX).connect("\\0" + name)
                    return "connected"
                except OSError as failure:
                    return errno.errorcode[failure.errno]
            print(call("\(name)"))
            own = socket.socket(socket.AF_UNIX)
            own.bind("\\0\(name)-own")
            own.listen(1)
            print(call("\(name)-own"))
            """
        let fixture = try LaunchFixture()
        var plan = fixture.plan(["/usr/bin/python3", "-c", script])
        for place in ["/usr", "/lib", "/lib64"] where unsafe access(place, F_OK) == 0 {
            plan.mounts.append(.init(source: place, target: place, readOnly: true))
        }
        // Without a network namespace of its own.
        let (process, report) = try fixture.start(plan, namespaces: LaunchFixture.namespaces & ~0x4000_0000)
        #expect(process.wait() == .exited(0), "\(String(describing: report)) \(fixture.output())")
        #expect(fixture.output() == "EPERM\nconnected")
        withExtendedLifetime(listener) {}
    }

    @Test("a workload still reaches its init, which passes the signal on, and init still ends and records it")
    func signals() throws {
        let fixture = try LaunchFixture()
        let plan = fixture.plan([
            "sh", "-c", "sleep 1000 & trap 'echo got; exit 4' TERM; kill -TERM 1; while :; do sleep 0.02; done",
        ])
        let (process, _) = try fixture.start(plan)
        #expect(process.wait() == .exited(4))
        #expect(ExitRecord.read(directory: plan.statusDirectory, nonce: plan.nonce) == .exited(4))
        #expect(fixture.output() == "got")
    }
}
