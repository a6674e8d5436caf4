import Glibc
import PluginHost
import SystemLayer
import Testing

@testable import substrate_host

@Suite("The doctor")
struct DoctorTests {
    private func cgroups(_ mounts: String, v2: String = "", isWritable: Bool = true) -> DoctorFinding {
        DoctorCgroups.examine(mounts: mounts, read: { _ in v2 }, isWritable: { _ in isWritable })
    }

    @Test("tells the cgroup layouts apart")
    func layouts() {
        let unified = "cgroup2 /sys/fs/cgroup cgroup2 rw 0 0"
        let found = cgroups(unified, v2: "cpuset cpu io memory pids\n")
        #expect(found.isPresent)
        #expect(found.detail == "version 2: cpu, memory, pids at /sys/fs/cgroup")
        let hybrid = """
            cgroup /c/cpu cgroup rw,cpu,cpuacct 0 0
            cgroup /c/memory cgroup rw,memory 0 0
            cgroup /c/pids cgroup rw,pids 0 0
            cgroup2 /c/unified cgroup2 rw 0 0
            """
        let both = cgroups(hybrid)
        #expect(both.isPresent)
        #expect(both.detail == "hybrid: cpu, memory, pids at /c/unified, /c/cpu, /c/memory, /c/pids")
    }

    @Test("says what a cgroup layout lacks and how to mend it")
    func lacking() {
        let noMemory = cgroups("cgroup2 /u cgroup2 rw 0 0", v2: "cpu pids")
        #expect(!noMemory.isPresent && noMemory.isNeeded)
        #expect(noMemory.detail.contains("without memory"))
        #expect(noMemory.mend.contains("cgroup_enable=memory"))
        let none = cgroups("proc /proc proc rw 0 0")
        #expect(none.detail == "none mounted")
        let old = cgroups("cgroup /c/cpu cgroup rw,cpu 0 0")
        #expect(old.detail == "version 1 alone")
        #expect(old.mend.contains("mount -t cgroup2"))
        let closed = cgroups("cgroup2 /u cgroup2 ro 0 0", v2: "cpu memory pids", isWritable: false)
        #expect(closed.detail == "/u is not writable")
    }

    @Test("looks at this machine, names each check once, mends all that is missing and leaves nothing behind")
    func thisMachine() {
        // What the trials mount; others mount and unmount meanwhile.
        func trialMounts() -> [Substring] {
            Doctor.text("/proc/self/mounts").split(separator: "\n").filter { line in
                line.contains(" /tmp ") || line.contains(" /tmp/merged ")
            }
        }
        let mountsBefore = trialMounts()
        let findings = Doctor.examine(pluginsDirectory: nil)
        #expect(Set(findings.map(\.name)).count == findings.count)
        #expect(
            Set(findings.map(\.name)).isSuperset(of: [
                "cgroups", "namespaces", "seccomp", "landlock", "overlayfs", "root", "supervisor",
            ])
        )
        for finding in findings {
            #expect(!finding.detail.isEmpty)
            #expect(finding.isPresent == finding.mend.isEmpty, "\(finding.name)")
        }
        #expect(findings.first { $0.name == "root" }?.isPresent == (geteuid() == 0))
        #expect(trialMounts() == mountsBefore)
    }

    @Test(
        "exits 1 only when something needed is missing",
        arguments: [(true, ExitCode.failure), (false, ExitCode.ok)]
    )
    func exitCode(needed: Bool, expected: ExitCode) {
        let nowhere = ConsoleOutput(descriptor: -1, hasColour: false)
        let findings = [
            DoctorFinding.present("a", "here"), .missing("b", needed: needed, "gone", mend: "get it"),
        ]
        #expect(Doctor.report(findings, json: false, output: nowhere) == expected)
        #expect(Doctor.report(findings, json: true, output: nowhere) == expected)
    }

    @Test("--require takes the names of the checks, and answers what is missing")
    func require() throws {
        let gone = DoctorFinding.missing("b", needed: false, "gone", mend: "get it")
        let findings = [DoctorFinding.present("a", "here"), gone]
        #expect(try Doctor.unmet(["a"], in: findings).isEmpty)
        #expect(try Doctor.unmet(["b", "a"], in: findings) == [gone])
        let error = #expect(throws: UsageError.self) { try Doctor.unmet(["c"], in: findings) }
        #expect(error?.text.contains("--require=c is none of a, b") == true)
    }

    @Test("a supervisor that cannot be confined is no supervisor; one that lacks a wall is said to")
    func supervisor() {
        let confinement = SupervisorConfinement.detect(layout: CgroupLayout())
        let lacking = DoctorSupervisor.report(confinement, problem: nil)
        #expect(!lacking.isPresent && !lacking.isNeeded)
        #expect(lacking.detail.contains("no cgroup limit on memory and pids"))
        let refused = DoctorSupervisor.report(confinement, problem: "unshare: EPERM")
        #expect(!refused.isPresent && refused.isNeeded && refused.detail == "unshare: EPERM")
    }

    @Test("its JSON says how to mend what is missing")
    func json() {
        let finding = DoctorFinding.missing("x", needed: false, "gone", mend: "get it")
        #expect(finding.json.line == #"{"name":"x","needed":false,"ok":false,"detail":"gone","mend":"get it"}"#)
    }
}
