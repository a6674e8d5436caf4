import ContractWire
import Foundation
import SystemLayer
import TestSupport
import Testing

@Suite(
    "A saved backend is what the next Run uses",
    .enabled(if: TestMachine.needs(TestMachine.isRoot), "confining actors needs root")
)
struct OverlayFollowTests {
    /// A backend that says which revision of it carries out a verb.
    private static func script(_ revision: Int, more: String = "") -> String {
        """
        return {
          name = "turn", api = 1, isolation = "kernel-shared", scopes = { "data" }, \(more)
          needs = { "workload.start", "process.stop" },
          run = function(actor)
            print("run by \(revision)")
            for _, container in ipairs(actor.containers) do
              try(host.workload.start { container = container.name })
            end
            return "ok"
          end,
          stop = function(actor, request)
            print("stop by \(revision)")
            return host.process.stop(actor.processes, request.grace_ms)
          end,
          checkpoint = function(actor, request)
            print("checkpoint by \(revision)")
            return host.process.stop(actor.processes, request.grace_ms)
          end,
          restore = function(actor)
            print("restore by \(revision)")
            for _, container in ipairs(actor.containers) do
              try(host.workload.start { container = container.name })
            end
            return "ok"
          end,
        }
        """
    }

    private func host(_ text: String = script(1)) throws -> TestHost {
        try TestHost(backend: "turn", script: text, arguments: ["--json"])
    }

    private func file(_ host: TestHost) -> String { "\(host.scratch)/overlay/turn.lua" }

    /// Saves as most editors do: another file, renamed over the old one.
    private func save(_ text: String, _ host: TestHost) throws {
        try text.write(toFile: file(host), atomically: true, encoding: .utf8)
    }

    private func listed(_ host: TestHost) async throws -> HostMessages.Backend {
        let all = try await host.call(.backends, HostMessages.BackendsRequest(), as: HostMessages.BackendsResponse.self)
        return try #require(all.backends.first { $0.name == "turn" })
    }

    /// Whether the log has a line with all of these.
    private func logged(_ host: TestHost, _ words: String...) -> Bool {
        host.log.split(separator: "\n").contains { line in words.allSatisfy(line.contains) }
    }

    @Test("the next Run takes the save at once; a live actor keeps its own revision for every verb")
    func save() async throws {
        try await host().use { host in
            try await host.start()
            let (first, second) = (try await host.request("first"), try await host.request("second"))
            _ = try await host.run(first).get()
            #expect(logged(host, "run by 1"))
            let before = try await listed(host)
            try save(Self.script(2, more: #"enforces = { "pids" },"#), host)
            _ = try await host.run(second).get()
            #expect(logged(host, "run by 2"), "\(host.log)")
            let after = try await listed(host)
            #expect(after.state == "ok" && after.sha256 != before.sha256)
            #expect(logged(host, "backend changed", before.sha256, after.sha256, file(host), "enforces (none) -> pids"))
            #expect(try await host.command("checkpoint", "first").code == 0)
            #expect(logged(host, "checkpoint by 1"))
            #expect(!logged(host, "checkpoint by 2"))
            let restored = try await host.command("restore", "first")
            #expect(restored.code == 0, "\(restored.error)\n\(host.log)")
            #expect(logged(host, "restore by 2"), "a Restore is a new life, and takes the newest")
            try await host.terminate(first)
            try await host.terminate(second)
            #expect(logged(host, "stop by 2"))
            #expect(!logged(host, "stop by 1"))
        }
    }

    @Test("a broken save leaves the last good revision serving, listed as stale with the reason")
    func brokenSave() async throws {
        try await host().use { host in
            try await host.start()
            let good = try await listed(host)
            try save("return {\n  name = = 3 }", host)
            let request = try await host.request("a")
            _ = try await host.run(request).get()
            #expect(logged(host, "run by 1"))
            let stale = try await listed(host)
            #expect(stale.state == "stale")
            #expect(stale.sha256 == good.sha256)
            #expect(stale.error.contains("turn.lua:2:"), "\(stale.error)")
            #expect(logged(host, "backend is stale", "turn.lua:2:"))
            let printed = try await host.command("backends")
            #expect(printed.output.contains("turn: its last good revision serves on; as saved: "))
            try FileManager.default.removeItem(atPath: file(host))
            let gone = try await listed(host)
            #expect(gone.state == "stale" && gone.error == "\(file(host)) is gone")
            try save(Self.script(3), host)
            #expect(try await listed(host).state == "ok")
            try await host.terminate(request)
            _ = try await host.run(request).get()
            #expect(logged(host, "run by 3"))
            #expect(logged(host, "stop by 1"))
            try await host.terminate(request)
        }
    }

    @Test("a live actor keeps its revision, modules included, over a kill of the host and a save meanwhile")
    func restart() async throws {
        let host = try host(
            #"local m = require "m"\#n"# + Self.script(1).replacing("checkpoint by 1", with: "\" .. m .. \"")
        )
        try DirectoryTree.make("\(host.scratch)/overlay/lib", mode: 0o755)
        try #"return "module of 1""#.write(
            toFile: "\(host.scratch)/overlay/lib/m.lua",
            atomically: true,
            encoding: .utf8
        )
        try await host.use { host in
            try await host.start()
            let (old, new) = (try await host.request("old"), try await host.request("new"))
            _ = try await host.run(old).get()
            let kept = try DirectoryTree.names(in: "\(host.base)/revisions")
            #expect(kept.count == 1)
            try await host.kill()
            try save(Self.script(2), host)
            try FileManager.default.removeItem(atPath: "\(host.scratch)/overlay/lib/m.lua")
            try await host.start()
            #expect(try DirectoryTree.names(in: "\(host.base)/revisions") == kept)
            _ = try await host.run(new).get()
            #expect(logged(host, "run by 2"))
            let checkpoint = try await host.command("checkpoint", "old")
            #expect(checkpoint.code == 0, "\(checkpoint.error)")
            #expect(logged(host, "module of 1"), "\(host.log)")
            try await host.terminate(old)
            try await host.terminate(new)
            try await host.kill()
            try await host.start()
            #expect(try DirectoryTree.names(in: "\(host.base)/revisions").isEmpty, "no actor needs one any more")
        }
    }

    @Test("every way in which an editor saves is one save")
    func editors() async throws {
        try await host().use { host in
            try await host.start()
            let path = file(host)
            let swap = "\(host.scratch)/overlay/.turn.lua.swp"
            let ways: [(String, (String) throws -> Void)] = [
                ("truncate and write", { try $0.write(toFile: path, atomically: false, encoding: .utf8) }),
                (
                    "swap file and backup",
                    { text in
                        try "b0VIM".write(toFile: swap, atomically: false, encoding: .utf8)
                        _ = unsafe rename(path, path + "~")
                        try text.write(toFile: path, atomically: false, encoding: .utf8)
                        try FileManager.default.removeItem(atPath: path + "~")
                        try FileManager.default.removeItem(atPath: swap)
                    }
                ),
                (
                    "in two writes",
                    { text in
                        let handle = try #require(FileHandle(forWritingAtPath: path))
                        try handle.truncate(atOffset: 0)
                        try handle.write(contentsOf: Data(text.utf8.prefix(100)))
                        try handle.write(contentsOf: Data(text.utf8.dropFirst(100)))
                        try handle.close()
                    }
                ),
            ]
            for (number, (name, way)) in ways.enumerated() {
                try way(Self.script(number + 10))
                let request = try await host.request("a\(number)")
                _ = try await host.run(request).get()
                #expect(logged(host, "run by \(number + 10)"), "\(name)")
                try await host.terminate(request)
            }
            #expect(!logged(host, ".swp"))
            // The thread that follows saw the same saves: none of them left the backend other than it is.
            #expect(try await listed(host).state == "ok")
        }
    }

    @Test("the operator's settings reach the verbs, typed, with the defaults of a later save")
    func settings() async throws {
        func script(_ more: String) -> String {
            Self.script(1, more: "config = { size = { type = \"integer\" }, \(more) },").replacing(
                "print(\"run by 1\")",
                with: "print(\"size \" .. actor.config.size + 1 .. \" \" .. tostring(actor.config.fast))"
            )
        }
        let host = try TestHost(
            backend: "turn",
            script: script(""),
            arguments: ["--json", "--config", "/tmp/substrate-settings-\(getpid()).yaml"]
        )
        let file = "/tmp/substrate-settings-\(getpid()).yaml"
        defer { try? FileManager.default.removeItem(atPath: file) }
        try "backends: { turn: { config: { size: 41 } } }\n".write(toFile: file, atomically: false, encoding: .utf8)
        try await host.use { host in
            try await host.start()
            let request = try await host.request("a")
            try save(script("fast = { type = \"boolean\", default = true }"), host)
            _ = try await host.run(request).get()
            #expect(logged(host, "size 42 true"), "\(host.log)")
            try save(script("must = { type = \"string\" }"), host)
            let stale = try await listed(host)
            #expect(stale.state == "stale" && stale.error.contains("backends.turn.config.must is missing"))
            try await host.terminate(request)
        }
    }

    @Test("a save is logged when nobody runs anything, and a new file is listed")
    func nobodyRuns() async throws {
        try await host().use { host in
            try await host.start()
            try save(Self.script(2), host)
            try await eventually("the save is logged") { logged(host, "backend changed", "turn") ? () : nil }
            try Self.script(1).replacing("\"turn\"", with: "\"other\"").write(
                toFile: "\(host.scratch)/overlay/other.lua",
                atomically: true,
                encoding: .utf8
            )
            try await eventually("the new file is logged") { logged(host, "backend is new", "other.lua") ? () : nil }
        }
    }
}
