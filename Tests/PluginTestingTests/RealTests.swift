import Foundation
import Glibc
import SystemLayer
import TestSupport
import Testing
import Threads

@testable import PluginTesting

/// The same files on this machine's real world.
@Suite("plugin test --real", .serialized, .enabled(if: geteuid() == 0))
struct RealTests {
    private static func test(_ image: String) -> String {
        """
        local WEB = {
          name = "web", command = { "/counter" }, image = "\(image)",
          volumes = { { name = "data", path = "/data" } },
        }
        test("it lives", function(t)
          local actor = t:actor { containers = { WEB } }
          t:ok(actor:run())
          t:equal(actor:processes(), { "web" })
          t:workload("web"):write("/data/note", "41")
          local snapshot = t:ok(actor:checkpoint { scope = "data", grace_ms = 2000 })
          t:equal(snapshot.files, { "durable-dir.tar" })
          t:equal(t:ok(snapshot:read "data/note"), "41")
          local again = t:ok(t:slot("slot-2"):restore(actor, snapshot))
          t:equal(t:ok(again:workload("web"):read "/data/note"), "41")
          t:fails(again:workload("web"):read("/var/scratch"), "not_found")
          t:fails(again:checkpoint { scope = "full" }, "unsupported")
          t:ok(again:stop { grace_ms = 2000 })
        end)
        test("it waits", function(t) t:equal(t.clock:elapsed_ms(), 0) end)
        test("it has files", function(t)
          t:actor { containers = { { name = "a", command = { "/a" }, files = { ["/etc/x"] = "1" } } } }
        end)
        test("it is wrong", function(t)
          t:ok(t:actor { containers = { WEB } }:run())
          t:equal(1, 2)
        end)
        """
    }

    @Test("what uses nothing fake runs in both worlds; the rest is skipped, with why")
    func bothWorlds() async throws {
        let image = try await CounterImage.reference()
        let backend = try String(contentsOfFile: "\(Bench.shipped)/backend.lua", encoding: .utf8)
        let bench = try Bench(name: "process", backend: backend, test: Self.test(image))
        let run = try await Self.offPool { bench.run("--real") }
        #expect(run.code == 1)
        #expect(run.text.contains("this machine's world, real clock"))
        #expect(run.text.contains("  ok    it lives"), "\(run.text)")
        #expect(run.text.contains("  skip  it waits: t:clock is fake by its nature"), "\(run.text)")
        #expect(run.text.contains("  skip  it has files: its assets and files are in memory"), "\(run.text)")
        #expect(run.text.contains("backend_test.lua:25  expected 2, got 1"), "\(run.text)")
        #expect(run.text.contains("1 passed, 1 failed, 2 skipped"), "\(run.text)")
        let prefix = "substrate-plugin-\(getpid())-"
        #expect(try DirectoryTree.names(in: "/tmp").filter { $0.hasPrefix(prefix) }.isEmpty)
        #expect(!(TextFile.read("/proc/self/mountinfo") ?? "").contains("/\(prefix)"))
        let fake = bench.run()
        #expect(fake.text.contains("  ok    it lives"), "\(fake.text)")
    }

    /// A suite, how many of its tests run, and why another one does not.
    @Test(
        "suites without images run on this machine, with the tools that it has",
        arguments: [
            (
                "examples/hello", "", 3,
                "stop waits for a program that flushes, and no longer: t:clock is fake by its nature"
            ),
            (
                "examples/bwrap", "tool:bwrap=/usr/bin/bwrap", 5,
                "a bwrap without a flag that is used is refused before anything runs: t:program has rules that only they can follow"
            ),
            (
                "plugins/container", "tool:runc=/usr/sbin/runc", 4,
                "another runtime has other flags: it needs crun: --grant tool:crun="
            ),
        ]
    )
    func suites(_ folder: String, _ grant: String, _ passed: Int, _ skipped: String) async throws {
        if let tool = grant.split(separator: "=").last, !FileManager.default.isExecutableFile(atPath: String(tool)) {
            try Test.cancel("\(tool) is not installed")
        }
        let path = Bench.root.appendingPathComponent(folder).path
        let run = try await Self.offPool { Bench.run([path, "--real"] + (grant.isEmpty ? [] : ["--grant", grant])) }
        #expect(run.code == 0, "\(run.text)")
        #expect(run.text.contains("\(passed) passed, 0 failed, "), "\(run.text)")
        #expect(run.text.contains("  skip  \(skipped)"), "\(run.text)")
        #expect(
            try DirectoryTree.names(in: "/tmp").filter { $0.hasPrefix("substrate-plugin-image-\(getpid())-") } == []
        )
    }

    @Test("a program of this machine does at TERM what the test says, and one that does not is found")
    func standIn() async throws {
        let test = try String(contentsOfFile: "\(Bench.shipped)/backend_test.lua", encoding: .utf8)
        let backend = try String(contentsOfFile: "\(Bench.shipped)/backend.lua", encoding: .utf8)
        let bench = try Bench(name: "process", backend: backend, test: test)
        let run = try await Self.offPool { bench.run("--real", "--only", "2") }
        #expect(run.code == 0 && run.text.contains("1 passed, 0 failed, "), "\(run.text)")
        let hasty = backend.replacingOccurrences(of: "actor.processes, request.grace_ms", with: "actor.processes, 0")
        let broken = try Bench(name: "process", backend: hasty, test: test)
        let lost = try await Self.offPool { broken.run("--real", "--only", "2") }
        #expect(lost.code == 1 && lost.text.contains("expected ok, got not_found"), "\(lost.text)")
    }

    @Test("where no test can run that is no success")
    func nothing() async throws {
        let path = Bench.root.appendingPathComponent("examples/chroot").path
        let run = try await Self.offPool { Bench.run([path, "--real"]) }
        #expect(run.code == 2, "\(run.text)")
        #expect(run.text.contains("it needs chroot: --grant tool:chroot="), "\(run.text)")
        #expect(run.text.contains("--real: 0 of 3 tests ran"), "\(run.text)")
    }

    /// It blocks its thread for what the cooperative pool does.
    private static func offPool(_ body: @escaping @Sendable () -> Bench.Run) async throws -> Bench.Run {
        await onThread("real") { body() }
    }
}
