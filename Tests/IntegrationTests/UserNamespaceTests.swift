import ActorContract
import ActorLifecycle
import ContractWire
import Foundation
import GRPCTransport
import Glibc
import HostErrors
import SystemLayer
import TestSupport
import Testing

@testable import substrate_host

/// Actors whose root is nobody of this machine, from the operator's setting to what is on disk.
@Suite(
    "User namespaces",
    .serialized,
    .timeLimit(.minutes(3)),
    .enabled(if: TestMachine.needs(TestMachine.isRoot), "actors are confined as root only")
)
struct UserNamespaceTests {
    /// Somewhere that no other test of this machine is.
    private static func someFirst() -> UInt32 { 65_536 * UInt32.random(in: 2_000...20_000) }

    /// The first ids of the user namespaces of this machine's processes that are among those ranges.
    private func ranges(from first: UInt32) throws -> [UInt32: Set<Int32>] {
        var found: [UInt32: Set<Int32>] = [:]
        for name in try DirectoryTree.names(in: "/proc") {
            guard let pid = Int32(name) else { continue }
            let fields = (TextFile.read("/proc/\(name)/uid_map") ?? "").split { $0 == " " || $0 == "\n" }
            guard fields.count == 3, fields[0] == "0", fields[2] == "65536", let start = UInt32(fields[1]),
                start >= first, start < first + 65_536 * 1_024
            else { continue }
            // Who has ended is reaped by whoever its parent is, now that its host was killed.
            let state = (TextFile.read("/proc/\(name)/stat") ?? ") Z").split(separator: ")").last ?? " Z"
            if state.hasPrefix(" Z") { continue }
            #expect(TextFile.read("/proc/\(name)/gid_map") == TextFile.read("/proc/\(name)/uid_map"))
            found[start, default: []].insert(pid)
        }
        return found
    }

    private func exec(_ host: TestHost, _ actor: String, _ script: String) async throws -> String {
        let run = try await ProgramRun.run(
            TestMachine.host,
            ["exec", "--connect", host.unix, actor, "--", "sh", "-c", script]
        )
        #expect(run.code == 0, "\(run.error)\n\(host.log)")
        return run.output
    }

    private func done(_ host: TestHost, _ words: String...) async throws {
        let run = try await ProgramRun.run(TestMachine.host, words + ["--connect", host.unix])
        #expect(run.code == 0, "\(words): \(run.error)\n\(host.log)")
    }

    /// The owners of everything below the actors' durable volumes and writable roots.
    private func owners(_ host: TestHost) throws -> Set<UInt32> {
        var owners: Set<UInt32> = []
        for actor in try DirectoryTree.names(in: "\(host.base)/actors") {
            for part in ["durable-dir", "roots", "logs", "exits"] {
                let walk = FileManager.default.enumerator(atPath: "\(host.base)/actors/\(actor)/\(part)")
                while let name = walk?.nextObject() as? String {
                    var about = stat()
                    guard unsafe lstat("\(host.base)/actors/\(actor)/\(part)/\(name)", &about) == 0 else { continue }
                    owners.insert(about.st_uid)
                    owners.insert(about.st_gid)
                }
            }
        }
        return owners
    }

    @Test("each live actor has a range of its own, exec is in it, a new host finds it again, and nothing is left")
    func live() async throws {
        let first = Self.someFirst()
        let options = ["--user-namespace", "--first-id", "\(first)", "--require", "user-namespaces"]
        try await TestHost.with(arguments: options + ["--mount", "/usr/share:/share"]) { host in
            for name in ["one", "two"] { _ = try await host.run(try await host.request(name)).get() }
            let before = try ranges(from: first)
            #expect(Set(before.keys) == [first, first + 65_536], "\(before)")
            #expect(before.values.allSatisfy { $0.count >= 2 }, "init and the workload: \(before)")
            let outcome = try await host.command("get", "one", "--json")
            #expect(outcome.output.contains("\"user-namespaces\""), "\(outcome.output)")
            let seen = try await exec(
                host,
                "one",
                """
                id -u; id -g; while read a b c; do echo $a $b $c; done < /proc/self/uid_map
                ls -lnd /share /run/ate/actor-id | while read mode links user rest; do echo $user; done
                echo mine > /data/mine && echo x > /root.txt && busybox kill -0 1 && echo reached; cat /run/ate/actor-id
                """
            )
            #expect(seen == "0\n0\n0 \(first) 65536\n0\n0\nreached\none", "\(seen)")
            #expect(try owners(host) == [0])
            // The capability counts for nothing in a network that is the machine's root's: its low ports are open.
            #expect(try await exec(host, "one", "busybox httpd -p 80 -h /tmp && echo listens") == "listens\n")
            try await host.kill()
            try await host.start()
            #expect(try ranges(from: first) == before)
            #expect(
                try await exec(host, "two", "while read a b c; do echo $b; done < /proc/self/uid_map")
                    == "\(first + 65_536)\n"
            )
            try await done(host, "stop", "one")
            let after = try ranges(from: first)
            #expect(Set(after.keys) == [first + 65_536], "\(after), before \(before)")
            _ = try await host.run(try await host.request("three")).get()
            #expect(Set(try ranges(from: first).keys) == [first, first + 65_536], "what is free is given again")
            for name in ["two", "three"] { try await done(host, "stop", name) }
            #expect(try ranges(from: first).isEmpty)
        }
    }

    @Test("a snapshot taken with the setting is restored without it, and the other way round")
    func snapshots() async throws {
        let first = Self.someFirst()
        let place = try ScratchDirectory("users")
        let file = "\(place.path)/substrate.yaml"
        func say(_ on: Bool) throws {
            let text = "user_namespace: \(on)\nfirst_id: \(first)\n"
            try text.write(toFile: file, atomically: true, encoding: .utf8)
        }
        try say(true)
        let host = try TestHost(arguments: ["--config", file])
        try await host.use { host in
            try await host.start()
            _ = try await host.run(try await host.request("one")).get()
            for (turn, on) in [true, false, true].enumerated() {
                #expect(Set(try ranges(from: first).keys) == (on ? [first] : []))
                let script =
                    "echo line >> /data/log; cat /data/log; ls -ln /data/log | while read a b u g r; do echo $u $g; done"
                let lines = String(repeating: "line\n", count: turn + 1)
                #expect(try await exec(host, "one", script) == lines + "0 0\n")
                #expect(try owners(host) == [0])
                try await done(host, "checkpoint", "one", "--scope", "data")
                #expect(try ranges(from: first).isEmpty)
                try await host.kill()
                try say(!on)
                try await host.start()
                try await done(host, "restore", "one")
            }
            #expect(try await CounterProbe.data(host, "one") == 1)
        }
    }

    @Test("ids that are somebody's already, and a backend that gives none, are refused by name")
    func refused() async throws {
        let ranges = IDRanges(first: 100_000)
        #expect(ranges.clash("# nobody\na:65536:34464\n\nb:67208864:1\nbroken:x:y") == nil)
        #expect(ranges.clash("a:65536:34465\n") == "a:65536:34465")
        #expect(ranges.clash("b:67208863:10") == "b:67208863:10")
        #expect(ranges.clash("c:1:18446744073709551615") == nil || ranges.clash("c:1:4294967295") != nil)
        let script = """
            return { name = "odd", api = 1, isolation = "none", image = "none", network = "none", needs = { "clock.sleep" },
              run = function() return "ok" end, stop = function() return "ok" end }
            """
        try await TestHost.with(backend: "odd", script: script, arguments: ["--user-namespace"]) { host in
            let answer = try await host.run(try await host.request("one"))
            guard case .failure(let status) = answer else {
                Issue.record("it ran")
                return
            }
            #expect(status.code == HostError.Code.failedPrecondition.rawValue)
            #expect(status.message.contains("user_namespace cannot be given: backend \"odd\""), "\(status)")
        }
        let base = "/tmp/substrate-users-\(UUID().uuidString)"
        let outcome = try await ProgramRun.run(
            TestMachine.host,
            ["--backend=process", "--base-dir", base, "--require", "user-namespaces"]
        )
        #expect(outcome.code != 0)
        #expect(
            outcome.error.contains(
                "--require user-namespaces: missing: no workload gets one; serve with --user-namespace"
            ),
            "\(outcome.error)"
        )
        let beyond = try await ProgramRun.run(TestMachine.host, ["--backend=process", "--first-id", "1000"])
        #expect(beyond.code == 2 && beyond.error.contains("--first-id"), "\(beyond)")
    }
}
