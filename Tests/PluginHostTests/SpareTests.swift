import Confinement
import Foundation
import Glibc
import PluginProtocol
import SystemLayer
import Telemetry
import Testing
import Threads

@testable import PluginHost

/// A supervisor as the host starts it, seen from outside while it waits for its first byte.
@Suite("a spare supervisor, from outside", .enabled(if: geteuid() == 0))
struct SpareTests {
    private static let confinement = SupervisorConfinement.detect()
    private var confinement: SupervisorConfinement { Self.confinement }

    private struct Spare: Sendable {
        let process: SupervisorProcess
        let groups: SupervisorGroups
        let directories: [String]
        var pid: Int32 { process.handle.pid }

        /// Ended and reaped, its cgroups gone.
        func end() {
            process.end()
            groups.close()
        }
    }

    /// A spare that reached its filter: seccomp mode 2 and asleep in read(2).
    private func spare() async throws -> Spare {
        let confinement = confinement
        return try await onThread("test") { try Self.start(confinement) }
    }

    private static func start(_ confinement: SupervisorConfinement) throws -> Spare {
        let groups = SupervisorGroups(confinement)
        let process = try SupervisorProcess.start(
            program: try SupervisorBinary.path,
            identity: 1_999_999_999,
            confinement: confinement,
            groups: groups
        )
        let deadline = ContinuousClock.now + .seconds(20)
        while status(process.handle.pid)["Seccomp"] != "2" {
            guard ContinuousClock.now < deadline, !process.handle.hasExited() else { throw Line.Ended() }
            usleep(500)
        }
        return Spare(process: process, groups: groups, directories: groups.directories)
    }

    private static func status(_ pid: Int32) -> [String: String] {
        let lines = (TextFile.read("/proc/\(pid)/status") ?? "").split(separator: "\n")
        return lines.reduce(into: [:]) { fields, line in
            let parts = line.split(separator: ":", maxSplits: 1)
            if parts.count == 2 { fields[String(parts[0])] = parts[1].trimmingCharacters(in: .whitespaces) }
        }
    }

    private func link(_ path: String) -> String {
        (try? FileManager.default.destinationOfSymbolicLink(atPath: path)) ?? ""
    }

    @Test("has no privilege, no thread, no other user's identity, and one filter")
    func privileges() async throws {
        let spare = try await spare()
        defer { spare.end() }
        let fields = Self.status(spare.pid)
        #expect(fields["NoNewPrivs"] == "1")
        #expect(fields["Seccomp"] == "2")
        #expect(fields["Seccomp_filters"] == "1")
        #expect(fields["Threads"] == "1")
        let capabilities = fields.filter { $0.key.hasPrefix("Cap") }
        #expect(capabilities.count == 5)
        #expect(capabilities.allSatisfy { UInt64($0.value, radix: 16) == 0 }, "\(capabilities)")
        let identity = [String](repeating: "1999999999", count: 4)
        #expect(fields["Uid"]?.split(separator: "\t").map(String.init) == identity)
        #expect(fields["Gid"]?.split(separator: "\t").map(String.init) == identity)
        #expect(fields["Groups"]?.isEmpty ?? true)
    }

    @Test("lives in namespaces of its own, all of them")
    func namespaces() async throws {
        let spare = try await spare()
        defer { spare.end() }
        let kinds = ["mnt", "pid", "net", "ipc", "uts"] + (confinement.userNamespace ? ["user"] : [])
        for kind in kinds {
            let own = link("/proc/\(spare.pid)/ns/\(kind)")
            #expect(own.hasPrefix("\(kind):["))
            #expect(own != link("/proc/self/ns/\(kind)"), "\(kind)")
        }
        #expect(Self.status(spare.pid)["NSpid"]?.hasSuffix("\t1") == true)
        if confinement.userNamespace { #expect(TextFile.read("/proc/\(spare.pid)/uid_map") == "") }
        let devices = TextFile.read("/proc/\(spare.pid)/net/dev") ?? ""
        #expect(devices.split(separator: "\n").count == 3, "only a loopback, which is down: \(devices)")
    }

    @Test("sees one mount: an empty directory that cannot be written")
    func root() async throws {
        let spare = try await spare()
        defer { spare.end() }
        let mounts = (TextFile.read("/proc/\(spare.pid)/mountinfo") ?? "").split(separator: "\n")
        #expect(mounts.count == 1, "\(mounts)")
        let fields = mounts.first?.split(separator: " ").map(String.init) ?? []
        #expect(fields.count > 6 && fields[4] == "/")
        let options = Set(fields.count > 5 ? fields[5].split(separator: ",").map(String.init) : [])
        #expect(options.isSuperset(of: ["ro", "nosuid", "nodev", "noexec"]), "\(options)")
        #expect(try FileManager.default.contentsOfDirectory(atPath: "/proc/\(spare.pid)/root/").isEmpty)
        #expect(link("/proc/\(spare.pid)/cwd") == "/")
    }

    @Test("holds its socket and a pipe for its last words, and nothing else")
    func descriptors() async throws {
        let spare = try await spare()
        defer { spare.end() }
        let numbers = try FileManager.default.contentsOfDirectory(atPath: "/proc/\(spare.pid)/fd").sorted()
        #expect(numbers == ["2", "3"])
        #expect(link("/proc/\(spare.pid)/fd/2").hasPrefix("pipe:"))
        #expect(link("/proc/\(spare.pid)/fd/3").hasPrefix("socket:"))
        let environment = TextFile.read("/proc/\(spare.pid)/environ") ?? ""
        #expect(environment.split(separator: "\0") == ["SWIFT_BACKTRACE=enable=no"])
    }

    @Test("has limits on all that it could use up")
    func limits() async throws {
        let spare = try await spare()
        defer { spare.end() }
        let text = TextFile.read("/proc/\(spare.pid)/limits") ?? ""
        let expected = [
            "Max core file size": "0", "Max file size": "0", "Max processes": "0", "Max open files": "4",
            "Max locked memory": "0", "Max msgqueue size": "0", "Max address space": "\((32 + 64) << 20)",
            "Max cpu time": "3601", "Max stack size": "\(8 << 20)",
        ]
        for (name, value) in expected {
            let line = text.split(separator: "\n").first { $0.hasPrefix(name) } ?? ""
            let found = line.dropFirst(name.count).split(separator: " ").prefix(2).map(String.init)
            #expect(found == [value, value], "\(name)")
        }
    }

    @Test("carries the filter that the sweep tried, byte for byte, and no other")
    func filter() async throws {
        let spare = try await spare()
        defer { spare.end() }
        let bytes = try await onThread("test") { try Probe.run(try Probe.program.get(), ["filter", "\(spare.pid)"]) }
        #expect(Array(bytes) == SupervisorFilter.bytes)
    }

    @Test("its cgroups hold it alone, with their limits, and go when it goes")
    func cgroups() async throws {
        let spare = try await spare()
        for directory in spare.directories {
            let members = (TextFile.read(directory + "/cgroup.procs") ?? "").split(separator: "\n")
            #expect(members == ["\(spare.pid)"], "\(directory)")
        }
        func limit(_ controller: String, _ v1: String, _ v2: String) -> String? {
            if let base = confinement.layout.v1Bases[controller] {
                return spare.directories.first { $0.hasPrefix(base + "/") }.flatMap { TextFile.read("\($0)/\(v1)") }
            }
            guard confinement.layout.v2Controllers.contains(controller) else { return nil }
            return spare.directories.first.flatMap { TextFile.read("\($0)/\(v2)") }
        }
        if confinement.limits.pids != nil { #expect(limit("pids", "pids.max", "pids.max") == "1\n") }
        if confinement.limits.memoryBytes != nil {
            #expect(limit("memory", "memory.limit_in_bytes", "memory.max") == "\(48 << 20)\n")
        }
        spare.end()
        for directory in spare.directories {
            #expect(!FileManager.default.fileExists(atPath: directory), "\(directory)")
        }
    }

    @Test("the memory that Lua may hold fits into its cgroup: overspending is a trap, not a kill")
    func memory() async throws {
        let spare = try await spare()
        defer { spare.end() }
        let source = """
            return { name = "x", api = 1, isolation = "none", needs = {}, stop = function() end,
              run = function() local t = {} while true do t[#t + 1] = string.rep("x", 4096) .. #t end end }
            """
        let end = try await onThread("test") {
            var buffer = FrameBuffer()
            let deadline = ContinuousClock.now + .seconds(20)
            try spare.process.send(.load(name: "x", file: "x.lua", source: Array(source.utf8)), until: deadline)
            _ = try spare.process.receive(&buffer, until: deadline)
            let verb = HostFrame.verb(
                name: "run",
                actor: .map([:]),
                request: .map([:]),
                functions: [],
                deadlineMilliseconds: 20_000
            )
            try spare.process.send(verb, until: deadline)
            return try spare.process.receive(&buffer, until: deadline)
        }
        guard case .trap(let trap) = end else {
            Issue.record("no trap but \(end)")
            return
        }
        #expect(trap.code == "budget.memory")
    }

    @Test("one that is killed shows what a host left behind, and the next host removes it")
    func leftovers() async throws {
        guard confinement.limits != CgroupLimits() else { return }
        // As a host names it whose pid was never this process's.
        // Any host that begins meanwhile may sweep it while it is made.
        let made = (0..<20).lazy.compactMap { _ in
            try? Cgroup.create(
                layout: confinement.layout,
                name: "substrate-supervisors/\(getpid()).1.1/1",
                limits: confinement.limits
            )
        }
        let dead = try #require(made.first)
        let groups = SupervisorGroups(confinement)
        defer { groups.close() }
        for directory in dead.directories { #expect(!FileManager.default.fileExists(atPath: directory)) }
    }

    @Test("what a machine lacks is said, with its mend")
    func missing() {
        var unified = CgroupLayout()
        unified.v2Base = "/u"
        unified.v2Controllers = ["cpu", "memory", "pids"]
        let whole = SupervisorConfinement.decide(layout: unified, userNamespaces: 5)
        #expect(whole.missing == nil)
        #expect(whole.applied == "user namespace, cgroup limits on memory and pids")
        #expect(whole.layout.v2Base == "/u" && whole.limits.pids == 1)
        var hybrid = CgroupLayout()
        hybrid.v2Base = "/u"
        hybrid.v1Bases = ["pids": "/p", "cpu": "/c"]
        let half = SupervisorConfinement.decide(layout: hybrid, userNamespaces: 0)
        #expect(half.layout.v2Base == nil && half.layout.v1Bases == ["pids": "/p"])
        #expect(half.missing?.what == "no user namespace, no cgroup limit on memory")
        #expect(half.limits.memoryBytes == nil)
        let bare = SupervisorConfinement.decide(layout: CgroupLayout(), userNamespaces: 0)
        #expect(bare.applied == "nothing beside its filter, limits and empty namespaces")
        #expect(bare.missing?.mend.contains("sysctl") == true)
    }

    @Test("a hierarchy that cannot hold a cgroup of ours is missing, not believed in")
    func unwritable() throws {
        let base = "\(Probe.directory)/no-cgroups-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: base, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: base) }
        var layout = CgroupLayout()
        layout.v2Base = base
        layout.v2Controllers = ["memory", "pids"]
        let found = SupervisorConfinement.detect(layout: layout)
        #expect(found.limits == CgroupLimits())
        #expect(found.missing?.what.contains("no cgroup limit on memory and pids") == true)
        #expect(try FileManager.default.contentsOfDirectory(atPath: base).isEmpty)
    }
}
