import ActorContract
import ContractWire
import Foundation
import Glibc
import SystemLayer
import TestSupport
import Testing

@testable import substrate_host

/// The first criu that goes with this kernel.
private let goodProgram = ["/usr/local/sbin/criu", "/usr/sbin/criu"]
    .first { path in
        unsafe access(path, X_OK) == 0 && (try? ProgramRun.wait(path, ["check"], patience: 30))?.code == 0
    }

/// The memory of the shipped container backend's actors, on a real runtime and a real criu, through the binary.
@Suite(
    "The memory of containers",
    .serialized,
    .enabled(if: TestMachine.needs(TestMachine.isRoot), "containers are made as root only"),
    .enabled(if: TestMachine.needs("/usr/sbin/runc"), "no runc: .ci/install test"),
    // In CI, too: which criu goes with a kernel is for the kernel to say, and .ci/install has built the newest.
    .enabled(if: goodProgram != nil, "no criu that passes its own check: .ci/install test"),
    .timeLimit(.minutes(5))
)
struct ContainerMemoryTests {
    private static let runtime = ["--grant", "tool:runc=/usr/sbin/runc", "--grant", "restore"]
    private static var grants: [String] { runtime + ["--grant", "tool:criu=\(goodProgram ?? "")"] }

    private func counts(_ host: TestHost, _ actor: String = "one") async throws -> String {
        try CounterClient.count(try await host.publish(actor))
    }

    private func done(_ host: TestHost, _ words: String...) async throws {
        let run = try await ProgramRun.run(TestMachine.host, words + ["--connect", host.unix])
        try #require(run.code == 0, "\(words): \(run.error)\n\(host.log)")
    }

    private func sees(_ host: TestHost, _ script: String) async throws -> String {
        try await SharedBackend.sees(host, "one", script)
    }

    @Test("the truth table: full keeps memory and data, in another slot and after the host's death; data keeps data")
    func scopes() async throws {
        let host = try TestHost(backend: "container", arguments: Self.grants, stopsActors: false)
        try await host.use { host in
            try await host.start()
            _ = try await host.run(try await host.request("one")).get()
            #expect(try await counts(host) == "memory=1 data=1")
            #expect(try await counts(host) == "memory=2 data=2")
            let token = try await sees(host, "cat /run/ate/token")
            try await done(host, "checkpoint", "one", "--scope", "full")
            #expect(try await host.actor("one").status == "paused")
            try await done(host, "restore", "one", "--slot", "slot-other")
            #expect(try await counts(host) == "memory=3 data=3")
            #expect(try await sees(host, "cat /run/ate/actor-id") == "one")
            #expect(try await sees(host, "cat /run/ate/token") != token, "the identity is not new")
            try await done(host, "checkpoint", "one", "--scope", "full")
            try await host.kill()
            try await host.start()
            try await done(host, "restore", "one")
            #expect(try await counts(host) == "memory=4 data=4")
            #expect(try await host.command("logs", "one").output.contains("GET "), "nobody reads its output")
            // The host is another one again, and the container is not.
            try await host.kill()
            try await host.start()
            try await host.reaches("one", "ready")
            #expect(try await counts(host) == "memory=5 data=5")
            try await done(host, "checkpoint", "one", "--scope", "data")
            try await done(host, "restore", "one")
            #expect(try await counts(host) == "memory=1 data=6")
            try await done(host, "stop", "one")
            try await done(host, "remove", "one")
        }
    }

    @Test("one full snapshot wakes twice, each time as it was: its root, its filter, its capabilities, its clock")
    func twice() async throws {
        try await TestHost.with(backend: "container", arguments: Self.grants) { host in
            _ = try await host.run(try await host.request("one")).get()
            #expect(try await counts(host) == "memory=1 data=1")
            // Of the image's: one file is gone, one directory is another, and one file is new.
            _ = try await sees(
                host,
                "rm /bin/wget && rm -r /etc && mkdir /etc && echo x > /etc/new"
            )
            let (files, state) = (
                "ls /etc; cat /etc/new; [ -e /bin/wget ] || echo gone",
                "while read k v; do case $k in CapBnd:|CapEff:|NoNewPrivs:|Seccomp:|Uid:) echo $k $v;; esac; done < /proc/1/status"
            )
            let before = (try await sees(host, files), try await sees(host, state))
            #expect(before.0 == "new\nx\ngone\n" && before.1.contains("Seccomp: 2\n"), "\(before)")
            try await done(host, "checkpoint", "one", "--name", "first", "--scope", "full")
            for _ in 0..<2 {
                try await done(host, "restore", "one", "--from", "first")
                #expect(try await counts(host) == "memory=2 data=2")
                #expect(try await sees(host, files) == before.0)
                #expect(try await sees(host, state) == before.1)
                #expect(
                    try await sees(host, "head -c 1 /proc/kcore | wc -c; cat /proc/sys/kernel/hostname") == "0\nactor\n"
                )
                try await done(host, "stop", "one")
            }
        }
    }

    @Test("what cannot be saved is told in the words of who could not, and runs on")
    func connected() async throws {
        try await TestHost.with(backend: "container", arguments: Self.grants) { host in
            _ = try await host.run(try await host.request("one")).get()
            #expect(try await counts(host) == "memory=1 data=1")
            let talk = Task {
                try await SharedBackend.exec(host, "one", "sleep 600 | busybox nc 127.0.0.1 8080")
            }
            // 01 is an established connection, 1F90 its port here.
            try await eventually("the workload has a connection") {
                let table = try? await sees(host, "cat /proc/net/tcp")
                return table?.contains(":1F90 0100007F:") == true ? () : nil
            }
            let saved = try await host.command("checkpoint", "one", "--scope", "full")
            #expect(saved.code != 0 && saved.error.contains("tcp-established"), "\(saved)")
            #expect(try await host.actor("one").status == "ready")
            _ = try await SharedBackend.exec(host, "one", "busybox killall sleep")
            _ = try await talk.value
            #expect(try await counts(host) == "memory=2 data=2")
            try await done(host, "stop", "one")
        }
    }

    @Test("where memory cannot be kept a full checkpoint is refused before anything changes, with the reason")
    func refused() async throws {
        let place = try ScratchDirectory("criu")
        let failing = "\(place.path)/criu"
        try "#!/bin/sh\necho 'Error (criu/vdso.c:1): vdso: Unexpected rt vDSO area bounds' >&2\nexit 1\n"
            .write(toFile: failing, atomically: false, encoding: .utf8)
        _ = unsafe chmod(failing, 0o755)
        let (program, runc) = (goodProgram ?? "", "tool:runc=/usr/sbin/runc")
        let cases = [
            ([], "--grant tool:criu="),
            (["tool:criu=\(program)"], "--grant restore"),
            (["restore", "tool:criu=\(failing)"], "criu check: Error (criu/vdso.c:1): vdso: Unexpected rt vDSO"),
        ]
        for (more, words) in cases {
            let grants = ([runc] + more).flatMap { ["--grant", $0] }
            try await TestHost.with(backend: "container", arguments: grants) { host in
                _ = try await host.run(try await host.request("one")).get()
                #expect(try await counts(host) == "memory=1 data=1")
                let saved = try await host.command("checkpoint", "one", "--scope", "full")
                #expect(saved.code != 0 && saved.error.contains(words), "\(saved)")
                #expect(try await host.actor("one").status == "ready", "a refused scope changes nothing")
                #expect(try await counts(host) == "memory=2 data=2")
                // Who names no scope is given what there is.
                try await done(host, "checkpoint", "one")
                try await done(host, "restore", "one")
                #expect(try await counts(host) == "memory=1 data=3")
                try await done(host, "stop", "one")
            }
        }
    }
}
