import Foundation
import Glibc
import PluginHost
import SystemLayer
import TestSupport
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
        // Its trial's overlay is named like no other; other tests mount meanwhile, so the whole table proves nothing.
        #expect(!Doctor.text("/proc/self/mounts").contains(" /tmp/merged "))
        #expect(unsafe access("/tmp/merged", F_OK) != 0)
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

    @Test("a library that is opened later and is not there is named, with what needs it and its package")
    func libraries() {
        let lacking = DoctorLibraries.examine { $0 != "libnftables.so.1" }
        #expect(!lacking.isPresent && !lacking.isNeeded)
        #expect(lacking.detail == "no libnftables.so.1 for egress_gateway")
        #expect(lacking.mend == "apt-get install libnftables1")
        #expect(DoctorLibraries.examine { _ in true }.isPresent)
        #expect(DoctorLibraries.examine().isPresent, "what .ci/install installs")
    }

    @Test("its JSON says how to mend what is missing")
    func json() {
        let finding = DoctorFinding.missing("x", needed: false, "gone", mend: "get it")
        #expect(finding.json.line == #"{"name":"x","needed":false,"ok":false,"detail":"gone","mend":"get it"}"#)
    }

    /// The findings of a doctor that ran, by name.
    private func checks(_ text: some StringProtocol) throws -> [String: [String: Any]] {
        let report = try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any]
        let checks = try #require(report?["checks"] as? [[String: Any]])
        return Dictionary(uniqueKeysWithValues: checks.map { ($0["name"] as? String ?? "", $0) })
    }

    @Test("its mend for the programs mends: with the others beside it, nothing is missing")
    func programsMend() async throws {
        let scratch = try ScratchDirectory("doctor")
        let host = "\(scratch.path)/substrate-host"
        try ProgramRun.copy(TestMachine.host, to: host)
        let before = try checks(try await ProgramRun.run(host, ["doctor", "--json"]).output)["programs"]
        #expect(before?["ok"] as? Bool == false)
        #expect((before?["mend"] as? String)?.contains("keep the binaries in one directory") == true)
        for name in ["supervisor", "launch", "unpack"] {
            try FileManager.default.createSymbolicLink(
                atPath: "\(scratch.path)/substrate-\(name)",
                withDestinationPath: "\(TestMachine.products)/substrate-\(name)"
            )
        }
        let after = try checks(try await ProgramRun.run(host, ["doctor", "--json"]).output)["programs"]
        #expect(after?["ok"] as? Bool == true)
    }

    /// Where this machine has the second version beside the first.
    private static let hybrid: String? = {
        let lines = Doctor.text("/proc/self/mounts").split(separator: "\n").map { $0.split(separator: " ") }
        guard lines.contains(where: { $0.count > 2 && $0[2] == "cgroup" }) else { return nil }
        return lines.first { $0.count > 2 && $0[2] == "cgroup2" }.map { String($0[1]) }
    }()

    @Test(
        "its mend for cgroups of version 1 alone mends, in a mount namespace that lacks version 2",
        .enabled(if: TestMachine.isRoot && hybrid != nil, "needs root and a machine with both cgroup versions")
    )
    func cgroupsMend() async throws {
        let place = try #require(Self.hybrid)
        let script = """
            set -e
            umount \(place)
            \(TestMachine.host) doctor --json || true
            echo ---
            eval "$(\(TestMachine.host) doctor --json |
                python3 -c 'import json, sys
            print([c for c in json.load(sys.stdin)["checks"] if c["name"] == "cgroups"][0]["mend"])')"
            \(TestMachine.host) doctor --json || true
            """
        let run = try await ProgramRun.run("/usr/bin/unshare", ["-m", "/bin/bash", "-c", script])
        let reports = run.output.components(separatedBy: "---\n")
        try #require(reports.count == 2, "\(run.error)")
        #expect(try checks(reports[0])["cgroups"]?["ok"] as? Bool == false)
        #expect(try checks(reports[1])["cgroups"]?["ok"] as? Bool == true, "\(run.error)")
    }
}
