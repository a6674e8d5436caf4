import ActorContract
import ContractWire
import Foundation
import Glibc
import SystemLayer
import TestSupport
import Testing

/// What an actor may use, and what becomes of one that uses more.
@Suite(
    "An actor's resources",
    .enabled(if: TestMachine.needs(TestMachine.isRoot), "actors are confined as root only"),
    .timeLimit(.minutes(3))
)
struct ResourceTests {
    /// Takes memory until it is killed, beside the counter.
    private static let hog = ["/bin/busybox", "tail", "/dev/zero"]

    private static func lines(_ path: String) -> [String] {
        (TextFile.read(path) ?? "").split(separator: "\n").map(String.init)
    }

    /// The cgroup that holds a process, where that controller is: its directory, and whether it is of version 1.
    private func place(_ pid: Int, _ controller: String) -> (path: String, isFirst: Bool)? {
        let layout = CgroupLayout.detect()
        for line in Self.lines("/proc/\(pid)/cgroup") {
            let parts = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false).map(String.init)
            guard parts.count == 3 else { continue }
            let first = parts[1].split(separator: ",").contains(Substring(controller))
            let base = first ? layout.v1Bases[controller] : parts[1].isEmpty ? layout.v2Base : nil
            guard let base, first || layout.v1Bases[controller] == nil else { continue }
            // The line begins at the hierarchy's root, which is above our base or the base itself.
            var root = base[...]
            while !root.isEmpty {
                if unsafe access("\(root)\(parts[2])", F_OK) == 0 { return ("\(root)\(parts[2])", first) }
                root = root[..<(root.lastIndex(of: "/") ?? root.startIndex)]
            }
        }
        return nil
    }

    /// The first line of a file of that cgroup.
    private func limit(_ pid: Int, _ controller: String, _ v1: String, _ v2: String) -> String? {
        place(pid, controller).flatMap { Self.lines("\($0.path)/\($0.isFirst ? v1 : v2)").first }
    }

    @Test("cpu_milli and memory_bytes are on the actor's cgroup", arguments: SharedBackend.all)
    func whole(_ backend: SharedBackend) async throws {
        try await backend.host().use { host in
            try await host.start()
            var request = try await host.request("whole-\(backend.name)")
            (request.cpuMilli, request.memoryBytes) = (250, 96 << 20)
            _ = try await host.run(request).get()
            let pid = try await host.actor("whole-\(backend.name)").pid
            #expect(limit(pid, "memory", "memory.limit_in_bytes", "memory.max") == "\(96 << 20)")
            #expect(limit(pid, "cpu", "cpu.cfs_quota_us", "cpu.max")?.hasPrefix("25000") == true)
            try await SharedBackend.command(host, "remove", "whole-\(backend.name)")
        }
    }

    @Test("limits of one container hold for it, for what is executed in it, and for no other")
    func one() async throws {
        try await SharedBackend(name: "process").host().use { host in
            try await host.start()
            var request = try await host.request("limited") { ($0.cpuMillis, $0.memoryBytes) = (200, 64 << 20) }
            request.memoryBytes = 256 << 20
            request.cpuMilli = 150
            var side = request.spec.containers[0]
            side.name = "side"
            side.command = ["/bin/busybox", "sleep", "600"]
            side.readiness = nil
            (side.cpuMillis, side.memoryBytes) = (0, 0)
            request.spec.containers.append(side)
            _ = try await host.run(request).get()
            func inside(_ container: String) async throws -> Int {
                let path = try #require(place(try await host.actor("limited").pid, "memory")).path
                let place = path.split(separator: "/").dropLast().joined(separator: "/")
                let name = "/\(place)/container-\(container)/cgroup.procs"
                guard let pid = Self.lines(name).first.flatMap({ Int($0) }) else {
                    throw TestFailure("nobody is in \(name)")
                }
                return pid
            }
            let (main, beside) = (try await inside("main"), try await inside("side"))
            #expect(limit(main, "memory", "memory.limit_in_bytes", "memory.max") == "\(64 << 20)")
            // Not more than the actor's: version 1 would refuse it.
            #expect(limit(main, "cpu", "cpu.cfs_quota_us", "cpu.max")?.hasPrefix("15000") == true)
            #expect(limit(beside, "memory", "memory.limit_in_bytes", "memory.max") != "\(64 << 20)")
            let hog = try await SharedBackend.exec(host, "limited", "/bin/busybox tail /dev/zero; echo $?")
            #expect(hog.output == "137\n", "what is executed in it is under its limit: \(hog)")
            #expect(try await host.actor("limited").status == "ready", "the container itself lives")
            try await SharedBackend.command(host, "checkpoint", "limited")
            try await SharedBackend.command(host, "restore", "limited")
            #expect(limit(try await inside("main"), "memory", "memory.limit_in_bytes", "memory.max") == "\(64 << 20)")
            try await SharedBackend.command(host, "remove", "limited")
        }
    }

    @Test("a limit of one container is refused by its field where the backend does not declare it")
    func refused() async throws {
        let verbs = try VerbHost(VerbHost.script(#"container_limits = { "memory" },"#))
        try await verbs.use { host in
            let cpu = try await host.request("one") { $0.cpuMillis = 100 }
            let refused = await host.call(ContractMethod.run.path, ContractWire.encode(cpu))
            #expect(
                refused
                    == "spec.containers[0].resources.cpu_millis (container \"main\") is set, and backend \"mine\" enforces of one container: memory; set the actor's own (LIMIT_UNSUPPORTED)"
            )
            #expect(try await host.actors().isEmpty)
            // Between a runtime and its container there is no cgroup of the host's: it declares none.
            let other = try SharedBackend.all.last.map { $0.name == "container" ? try $0.host() : nil } ?? nil
            try await other?.use { host in
                try await host.start()
                let request = try await host.request("one") { $0.memoryBytes = 64 << 20 }
                let words =
                    "spec.containers[0].resources.memory_bytes (container \"main\") is set, and backend \"container\""
                let refused = await host.call(ContractMethod.run.path, ContractWire.encode(request))
                #expect(refused?.hasPrefix(words) == true, "\(refused ?? "it ran")")
                #expect(try await host.actors().isEmpty)
            }
            let memory = try await host.request("one") { $0.memoryBytes = 64 << 20 }
            _ = try await host.run(memory).get()
            try await host.terminate(memory)
        }
    }

    @Test("an actor that the kernel kills for its memory says so", arguments: SharedBackend.all)
    func outOfMemory(_ backend: SharedBackend) async throws {
        try await backend.host().use { host in
            try await host.start()
            var request = try await host.request("late") {
                let wait = "while [ ! -e /data/go ]; do /bin/busybox sleep 0.05; done; exec /bin/busybox tail /dev/zero"
                $0.command = ["/bin/busybox", "sh", "-c", wait]
                $0.readiness = nil
            }
            request.memoryBytes = 64 << 20
            _ = try await host.run(request).get()
            #expect(try await host.actor("late").status == "ready")
            try AtomicFile.write([], to: "\(host.base)/actors/test:late/durable-dir/data/go")
            let failed = try await host.reaches("late", "failed", seconds: 20)
            #expect(failed.reason == "out_of_memory", "\(failed)")
            let words = "container \"main\" was killed: it used more than its memory limit of \(64 << 20) bytes"
            #expect(failed.message == words)
            // Before it is ready: the verb says it, and the actor.
            var early = try await host.request("early") { $0.command = Self.hog }
            early.memoryBytes = 64 << 20
            let refused = await host.call(ContractMethod.run.path, ContractWire.encode(early))
            #expect(refused == "\(words) (OUT_OF_MEMORY)")
            #expect(try await host.actor("early").reason == "out_of_memory")
            // Killed by somebody else it crashed.
            var other = try await host.request("other")
            other.memoryBytes = 64 << 20
            _ = try await host.run(other).get()
            #expect(kill(Int32(try await host.actor("other").pid), SIGKILL) == 0)
            #expect(try await host.reaches("other", "failed", seconds: 20).reason == "crashed")
            for name in ["late", "early", "other"] { try await SharedBackend.command(host, "remove", name) }
        }
    }

    @Test(
        "without an egress gateway there is no way out; with one, and no settings for it, the request is refused",
        arguments: SharedBackend.all
    )
    func egress(_ backend: SharedBackend) async throws {
        try await backend.host(overTCP: true).use { host in
            try await host.start()
            let loopback = host.tcp.replacingOccurrences(of: ":", with: " ")
            let reach = "echo x | /bin/busybox nc -w 2"
            // From the machine it is reached.
            #expect(try await ProgramRun.run("/bin/sh", ["-c", "\(reach) \(loopback)"]).code == 0)
            var request = try await host.request("one")
            _ = try await host.run(request).get()
            #expect(try await SharedBackend.sees(host, "one", "cat /proc/net/route | wc -l") == "1\n", "its head alone")
            let interfaces = try await SharedBackend.sees(host, "one", "tail -n +3 /proc/net/dev | cut -d: -f1")
            #expect(interfaces.split(whereSeparator: \.isWhitespace).map(String.init) == ["lo"])
            for address in ["192.0.2.1 80", "169.254.169.254 80", loopback] {
                let tried = try await SharedBackend.exec(host, "one", "\(reach) \(address)")
                #expect(tried.code != 0, "\(address): \(tried)")
            }
            request.identity = try await host.request("two").identity
            request.egressGateway = "192.0.2.1:443"
            let refused = await host.call(ContractMethod.run.path, ContractWire.encode(request))
            let words = "egress_gateway is \"192.0.2.1:443\", and this host lets no actor out: set egress.trust"
            #expect(refused?.contains(words) == true, "\(refused ?? "it ran")")
            #expect(try await host.actors().count == 1)
            try await SharedBackend.command(host, "remove", "one")
        }
    }
}
