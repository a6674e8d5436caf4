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
        test("it has no image", function(t) t:actor { containers = { { name = "a", command = { "/a" } } } } end)
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
        #expect(run.text.contains("  skip  it has no image: container \"a\" names no image"), "\(run.text)")
        #expect(run.text.contains("backend_test.lua:23  expected 2, got 1"), "\(run.text)")
        #expect(run.text.contains("1 passed, 1 failed, 2 skipped"), "\(run.text)")
        let prefix = "substrate-plugin-\(getpid())-"
        #expect(try DirectoryTree.names(in: "/tmp").filter { $0.hasPrefix(prefix) }.isEmpty)
        #expect(!(TextFile.read("/proc/self/mountinfo") ?? "").contains("/\(prefix)"))
        let fake = bench.run()
        #expect(fake.text.contains("  ok    it lives"), "\(fake.text)")
    }

    /// It blocks its thread for what the cooperative pool does.
    private static func offPool(_ body: @escaping @Sendable () -> Bench.Run) async throws -> Bench.Run {
        await onThread("real") { body() }
    }
}
