import Glibc
import LaunchProtocol
import SystemLayer
import Testing

/// Each numbered step of the launcher fails once, says so by its number, and leaves nothing.
///
/// A bad plan where one makes the step fail; else strace(1) answers one system call in the kernel's place, so that the
/// binary is the one that ships.
@Suite(.serialized, .enabled(if: LaunchFixture.canLaunch, "needs root and /bin/busybox"))
struct LaunchFailureTests {
    /// A failure that a plan cannot bring about.
    private struct Injection {
        var step: UInt16
        var call: String
        /// In the line of the call that is to fail; the first such line of a launch that goes well.
        var line = ""
        /// The last such line instead.
        var last = false
        var error: String
        var number: CInt
    }

    private static let injections = [
        Injection(step: 8, call: "keyctl", error: "EDQUOT", number: EDQUOT),
        Injection(step: 10, call: "mount", error: "EACCES", number: EACCES),
        Injection(step: 13, call: "openat2", line: "/proc/kcore", error: "EACCES", number: EACCES),
        Injection(step: 14, call: "pivot_root", error: "EINVAL", number: EINVAL),
        Injection(step: 15, call: "mount_setattr", last: true, error: "EPERM", number: EPERM),
        Injection(step: 17, call: "prlimit64", line: "RLIMIT_CORE, {", error: "EPERM", number: EPERM),
        Injection(step: 18, call: "prctl", line: "PR_CAPBSET_DROP", error: "EPERM", number: EPERM),
        Injection(step: 19, call: "setgroups", error: "EPERM", number: EPERM),
        Injection(step: 20, call: "prctl", line: "PR_SET_NO_NEW_PRIVS", error: "EINVAL", number: EINVAL),
        Injection(step: 21, call: "clone", error: "EAGAIN", number: EAGAIN),
        Injection(step: 22, call: "close_range", error: "EPERM", number: EPERM),
        Injection(
            step: 23,
            call: "landlock_create_ruleset",
            line: "LANDLOCK_ACCESS_FS",
            error: "ENOMSG",
            number: ENOMSG
        ),
        Injection(step: 23, call: "landlock_restrict_self", error: "EPERM", number: EPERM),
        // In the workload's own process.
        Injection(step: 23, call: "landlock_add_rule", last: true, error: "EBADFD", number: EBADFD),
        Injection(step: 24, call: "seccomp", error: "EINVAL", number: EINVAL),
    ]

    private static let strace = "/usr/bin/strace"

    private func tracer(_ output: String, _ call: String, _ more: [String] = []) -> [String] {
        // -D: the tracer is the grandchild, so that the launcher stays the first process of its namespace.
        ["-D", "-f", "-qq", "-o", output, "-e", "trace=\(call)"] + more
    }

    /// Which of its process's calls of that name it is, counted from 1, in a launch that goes well: as strace counts.
    private func position(_ injection: Injection) throws -> Int {
        let fixture = try LaunchFixture()
        var plan = fixture.plan(["/bin/busybox", "true"])
        plan.readOnlyRoot = true
        let trace = "\(fixture.directory)/trace"
        let (process, report) = try fixture.start(plan, under: tracer(trace, injection.call))
        #expect(process.wait() == .exited(0))
        guard case .ready? = report else {
            Issue.record("the untouched launch under strace: \(String(describing: report))")
            return 1
        }
        let calls = (TextFile.read(trace) ?? "").split(separator: "\n").filter { $0.contains(" \(injection.call)(") }
        let matching = calls.indices.filter { injection.line.isEmpty || calls[$0].contains(injection.line) }
        let found = injection.last ? matching.last : matching.first
        let index = try #require(found, "no \(injection.call) in \(calls)")
        let caller = calls[index].split(separator: " ").first
        return calls[...index].filter { $0.split(separator: " ").first == caller }.count
    }

    private func expectNothing(_ fixture: LaunchFixture, _ cgroup: Cgroup, _ mounts: String?, _ step: UInt16) throws {
        for name in ["status", "logs"] {
            #expect(try DirectoryTree.names(in: "\(fixture.directory)/\(name)") == [], "step \(step)")
        }
        #expect(cgroup.processes() == [], "step \(step)")
        #expect(mountsOf(fixture) == mounts, "step \(step)")
    }

    /// The machine's mounts that have to do with this fixture; others come and go beside us.
    private func mountsOf(_ fixture: LaunchFixture) -> String? {
        (TextFile.read("/proc/self/mountinfo") ?? "").split(separator: "\n").filter { $0.contains(fixture.directory) }
            .joined(separator: "\n")
    }

    private func withCgroup(_ body: (Cgroup) throws -> Void) throws {
        let name = "substrate-test-failures-\(getpid())-\(UInt32.random(in: 0 ... .max))"
        let cgroup = try Cgroup.create(layout: .detect(), name: name, limits: CgroupLimits())
        try body(cgroup)
        // Whatever lived in it would keep it.
        try cgroup.remove()
    }

    @Test func everyStepThatNoPlanCanFail() throws {
        try #require(unsafe access(Self.strace, X_OK) == 0, "strace is not installed: .ci/install test")
        try withCgroup { cgroup in
            for injection in Self.injections {
                let when = try position(injection)
                let fixture = try LaunchFixture()
                var plan = fixture.plan(["/bin/busybox", "touch", "/tmp/ran"])
                plan.readOnlyRoot = true
                let mounts = mountsOf(fixture)
                let inject = ["-e", "inject=\(injection.call):error=\(injection.error):when=\(when)"]
                let trace = "\(fixture.directory)/trace"
                let (process, report) = try fixture.start(
                    plan,
                    under: tracer(trace, injection.call, inject),
                    in: cgroup
                )
                #expect(process.wait() == .exited(125), "step \(injection.step)")
                guard case .failed(injection.step, UInt16(injection.number), _)? = report else {
                    Issue.record("step \(injection.step): \(String(describing: report))")
                    continue
                }
                try expectNothing(fixture, cgroup, mounts, injection.step)
            }
        }
    }

    @Test func everyStepThatAPlanFails() throws {
        let cases: [(UInt16, CInt, (inout LaunchPlan) -> Void)] = [
            (1, EINVAL, { $0.arguments = [] }),
            (2, ENOENT, { $0.logDirectory += "/missing" }),
            (2, ENOTDIR, { $0.statusDirectory = "/bin/busybox" }),
            (6, ENOENT, { $0.cgroupProcs = ["/sys/fs/cgroup/missing/cgroup.procs"] }),
            (9, ENOENT, { $0.networkNamespace = "/run/netns/missing" }),
            (9, EINVAL, { $0.networkNamespace = "/etc/passwd" }),
            (11, ENOENT, { $0.workDirectory += "/missing" }),
            (11, ENOENT, { $0.layers.append("/missing") }),
            (12, ENOENT, { $0.mounts = [.init(source: "/missing", target: "/x")] }),
            (12, ENOTDIR, { $0.mounts = [.init(source: "/etc", target: "/bin/busybox/x")] }),
            (16, EINVAL, { $0.hostname = String(repeating: "x", count: 65) }),
            (25, ENOENT, { $0.arguments = ["/missing"] }),
            (25, EACCES, { $0.arguments = ["/etc"] }),
            (26, 0, { $0.required = [.userNamespace] }),
            (
                26, 0,
                {
                    $0.seccompProfile = "none"
                    $0.required = [.noNewPrivileges, .seccomp]
                }
            ),
        ]
        try withCgroup { cgroup in
            for (step, number, change) in cases {
                let fixture = try LaunchFixture()
                var plan = fixture.plan(["/bin/busybox", "true"])
                change(&plan)
                let mounts = mountsOf(fixture)
                let (process, report) = try fixture.start(plan, in: cgroup)
                #expect(process.wait() == .exited(125))
                guard case .failed(step, UInt16(number), let text)? = report else {
                    Issue.record("step \(step): \(String(describing: report))")
                    continue
                }
                #expect(!text.isEmpty)
                if step == 26 { #expect(text == (plan.required.last?.rawValue ?? "")) }
                try expectNothing(fixture, cgroup, mounts, step)
            }
            let fixture = try LaunchFixture()
            let (process, report) = try fixture.start(fixture.plan(["true"]), namespaces: 0, in: cgroup)
            #expect(process.wait() == .exited(125))
            guard case .failed(1, _, _)? = report else {
                Issue.record("launched outside a pid namespace: \(String(describing: report))")
                return
            }
        }
    }
}
