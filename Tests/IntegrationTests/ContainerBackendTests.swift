import ActorContract
import ContractWire
import Foundation
import GRPCTransport
import Glibc
import SystemLayer
import TestSupport
import Testing

@testable import substrate_host

/// The shipped container backend on real runtimes, through the binary.
@Suite(
    "The container backend",
    .serialized,
    .enabled(if: TestMachine.needs(TestMachine.isRoot), "containers are made as root only")
)
struct ContainerBackendTests {
    /// Tools by the name that the script gives them, and where Debian has them.
    static let runtimes = [("runc", "/usr/sbin/runc"), ("crun", "/usr/bin/crun")]
        .filter { TestMachine.needs($0.1) }

    private func with(
        _ runtime: (name: String, path: String),
        _ arguments: [String] = [],
        _ body: (TestHost) async throws -> Void
    ) async throws {
        let grant = ["--grant", "tool:\(runtime.name)=\(runtime.path)"]
        try await TestHost.with(backend: "container", arguments: grant + arguments, body)
    }

    private func exec(_ host: TestHost, _ script: String) async throws -> ProgramRun {
        let words = ["exec", "--connect", host.unix, "one", "--", "sh", "-c", script]
        return try await ProgramRun.run(TestMachine.host, words)
    }

    @Test("counts, keeps its data over a checkpoint, goes on in another slot", arguments: runtimes)
    func lifecycle(_ name: String, _ path: String) async throws {
        try await with((name, path)) { host in
            _ = try await host.run(try await host.request("one")).get()
            #expect(try await CounterProbe.data(host, "one") == 1)
            #expect(try await CounterProbe.data(host, "one") == 2)
            let saved = try await host.command("checkpoint", "one", "--scope", "data")
            #expect(saved.code == 0, "\(saved.error)\n\(host.log)")
            let restored = try await host.command("restore", "one", "--slot", "slot-other")
            #expect(restored.code == 0, "\(restored.error)\n\(host.log)")
            #expect(try await CounterProbe.data(host, "one") == 3)
            #expect(try await host.actor("one").slot == "slot-other")
            #expect(try await host.command("logs", "one").output.contains("data starts at 2"))
            #expect(try await host.command("checkpoint", "one", "--scope", "full").code != 0)
            #expect(try await host.actor("one").status == "ready", "a refused scope changes nothing")
            #expect(try await host.command("stop", "one").code == 0)
        }
    }

    @Test("a workload is confined as the request and the contract have it", arguments: runtimes)
    func confined(_ name: String, _ path: String) async throws {
        try await with((name, path)) { host in
            _ = try await host.run(try await host.request("one")).get()
            func sees(_ script: String) async throws -> String {
                let run = try await exec(host, script)
                #expect(run.code == 0, "\(script): \(run.error)\n\(host.log)")
                return run.output
            }
            let status = try await sees(
                "while read k v; do case $k in CapBnd:|CapEff:|NoNewPrivs:|Seccomp:) echo $k$v;; esac; done < /proc/1/status"
            )
            #expect(status.contains("CapBnd:0000000020000420\n") && status.contains("CapEff:0000000020000420\n"))
            #expect(status.contains("NoNewPrivs:1\n") && status.contains("Seccomp:2\n"), "\(status)")
            #expect(try await sees("cat /run/ate/actor-id") == "one")
            #expect(try await sees("echo x > /run/ate/actor-id || echo refused").hasSuffix("refused\n"))
            #expect(try await sees("cat /proc/sys/kernel/hostname") == "actor\n")
            #expect(try await sees("echo 1 > /proc/sys/kernel/sysrq || echo refused").hasSuffix("refused\n"))
            #expect(try await sees("head -c 1 /proc/kcore | wc -c") == "0\n")
            let own = try await exec(host, "unshare -U true; exit 7")
            #expect(own.code == 7 && own.error.contains("unshare"), "\(own)")
        }
    }

    /// Executes in the container; by its namespaces themselves where the runtime may not.
    private func enter(_ host: TestHost, _ name: String, _ first: UInt32, _ script: String) async throws -> ProgramRun {
        guard name == "runc" else { return try await exec(host, script) }
        let inside = try DirectoryTree.names(in: "/proc").first { pid in
            let map = (TextFile.read("/proc/\(pid)/uid_map") ?? "").split { $0 == " " || $0 == "\n" }
            let status = TextFile.read("/proc/\(pid)/status") ?? ""
            return map == ["0", "\(first)", "65536"] && status.contains("\nNSpid:\t\(pid)\t1\n")
        }
        let words = ["-t", try #require(inside), "-a", "-S", "0", "-G", "0", "/bin/busybox", "sh", "-c"]
        return try await ProgramRun.run("/usr/bin/nsenter", words + ["export PATH=/bin; \(script)"])
    }

    @Test("with user_namespace root inside is nobody here, and what is on disk stays root's", arguments: runtimes)
    func userNamespace(_ name: String, _ path: String) async throws {
        let place = try ScratchDirectory("container-users")
        let first = 65_536 * UInt32.random(in: 2_000...20_000)
        let file = "\(place.path)/substrate.yaml"
        func say(_ on: Bool) throws {
            try """
            require: [\(on ? "user-namespaces" : "")]
            first_id: \(first)
            backends: { container: { grants: [tool:\(name)=\(path)], config: { user_namespace: \(on) } } }
            """
            .write(toFile: file, atomically: true, encoding: .utf8)
        }
        try say(true)
        let options = ["--config", file, "--mount", "/usr/share:/share:ro"]
        let host = try TestHost(backend: "container", arguments: options)
        try await host.use { host in
            try await host.start()
            _ = try await host.run(try await host.request("one")).get()
            let script = """
                while read a b c; do echo $a $b $c; done < /proc/self/uid_map; ls -ldn /share /run/ate/token / | cut -c 1-40
                echo mine > /data/mine && echo x > /root.txt && cat /run/ate/actor-id; ls /sys/fs/cgroup
                """
            if name == "runc" {
                let version = try await ProgramRun.run(path, ["--version"]).output
                let entered = try await exec(host, "true")
                #expect((entered.code == 0) != version.contains("version 1.1."), "\(entered)")
                if entered.code != 0 { #expect(entered.error.contains("use 1.2 or newer, or crun"), "\(entered)") }
            }
            let seen = try await enter(host, name, first, script)
            #expect(seen.output.hasPrefix("0 \(first) 65536\n"), "\(seen)\n\(host.log)")
            #expect(seen.output.hasSuffix("one"), "\(seen)")
            let rows = seen.output.split(separator: "\n").dropFirst().prefix(3)
            #expect(rows.allSatisfy { $0.split(separator: " ").dropFirst(2).first == "0" }, "\(seen)")
            let actor = "\(host.base)/actors/test:one"
            for name in ["durable-dir/data/mine", "roots/main/upper/root.txt"] {
                var about = stat()
                #expect(
                    unsafe stat("\(actor)/\(name)", &about) == 0 && about.st_uid == 0 && about.st_gid == 0,
                    "\(name)"
                )
            }
            let low = try await enter(host, name, first, "busybox httpd -p 80 -h /tmp && echo listens")
            #expect(low.output == "listens\n", "\(low)")
            #expect(try await CounterProbe.data(host, "one") == 1)
            #expect(try await host.command("checkpoint", "one", "--scope", "data").code == 0, "\(host.log)")
            // The other way round, and there again.
            for on in [false, true] {
                try await host.kill()
                try say(on)
                try await host.start()
                let restored = try await host.command("restore", "one")
                #expect(restored.code == 0, "\(restored.error)\n\(host.log)")
                let map = try await enter(host, on ? name : "", first, "cat /proc/self/uid_map /data/mine")
                #expect(map.output.contains("\(first)") == on && map.output.hasSuffix("mine\n"), "\(map)")
                #expect(try await CounterProbe.data(host, "one") == (on ? 3 : 2))
                #expect(try await host.command("checkpoint", "one", "--scope", "data").code == 0, "\(host.log)")
            }
        }
    }

    @Test("what the operator relies on and a runtime does not apply keeps the actor from running, by name")
    func required() async throws {
        guard let runtime = Self.runtimes.first else { return }
        try await with(runtime, ["--require", "landlock"]) { host in
            guard case .failure(let status) = try await host.run(try await host.request("one")) else {
                Issue.record("it ran without Landlock")
                return
            }
            #expect(
                status.message.contains("--require landlock: not applied to a container that a runtime makes"),
                "\(status)"
            )
        }
        try await with(runtime, ["--user-namespace", "--first-id", "700000000"]) { host in
            guard case .failure(let status) = try await host.run(try await host.request("one")) else {
                Issue.record("it ran without a user namespace")
                return
            }
            #expect(status.message.contains("user_namespace is set and the script asks for none"), "\(status)")
        }
    }

    @Test("the containers live in the actor's cgroup, under its limits", arguments: runtimes)
    func limited(_ name: String, _ path: String) async throws {
        try await with((name, path)) { host in
            var request = try await host.request("one")
            request.memoryBytes = 96 << 20
            _ = try await host.run(request).get()
            let pid = try await host.actor("one").pid
            let mine = TextFile.read("/proc/\(pid)/cgroup") ?? ""
            let children = (TextFile.read("/proc/\(pid)/task/\(pid)/children") ?? "").split(separator: " ")
            for child in children {
                let theirs = TextFile.read("/proc/\(child)/cgroup") ?? ""
                #expect(theirs == mine, "a runtime moved its container out")
            }
            #expect(mine.split(separator: "\n").contains { $0.hasSuffix("/test:one") || $0.contains("/test:one/") })
        }
    }

    @Test("an actor outlives its host, output and all, and its end is seen by the next one", arguments: runtimes)
    func survives(_ name: String, _ path: String) async throws {
        let grant = ["--grant", "tool:\(name)=\(path)"]
        let host = try TestHost(backend: "container", arguments: grant, stopsActors: false)
        try await host.use { host in
            try await host.start()
            _ = try await host.run(try await host.request("one")).get()
            #expect(try await CounterProbe.data(host, "one") == 1)
            try await host.kill()
            try await host.start()
            try await host.reaches("one", "ready")
            #expect(try await CounterProbe.data(host, "one") == 2)
            #expect(try await host.command("logs", "one").output.contains("GET "))
            let actor = try await host.actor("one")
            kill(Int32(actor.pid), SIGKILL)
            let failed = try await host.reaches("one", "failed")
            #expect(failed.reason == "crashed", "\(failed)")
            _ = try await host.command("remove", "one")
        }
    }

    @Test("without a runtime nothing is begun, and the words say how to grant one")
    func ungranted() async throws {
        try await TestHost.with(backend: "container") { host in
            let answer = try await host.run(try await host.request("one"))
            guard case .failure(let status) = answer else {
                Issue.record("it ran")
                return
            }
            #expect(status.message.contains("--grant tool:runc=/usr/sbin/runc"), "\(status)")
            #expect(try await host.actors().isEmpty)
        }
    }
}
