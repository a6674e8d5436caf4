import ActorContract
import ContractWire
import Foundation
import GRPCTransport
import Glibc
import SystemLayer
import TestSupport
import Testing

/// Fields of the language that only a whole host shows: logs, snapshot files, a network of the backend's, things outside.
@Suite(
    "what scripts are given and may answer, through the binary",
    .serialized,
    .enabled(if: TestMachine.needs(TestMachine.isRoot), "programs are confined as root only")
)
struct BackendFieldTests {
    /// A backend over the tool `sh`.
    private func script(_ more: String = "", run: String, result: String = "nil", rest: String = "") -> String {
        """
        local function sh(actor, text, more)
          local spec = { program = actor.tools.sh, args = { "-c", text } }
          for key, value in pairs(more or {}) do spec[key] = value end
          return spec
        end
        local function main(actor, text)
          try(host.process.start(sh(actor, text, { name = "main", keep = true, log = "main" })))
        end
        return {
          name = "mine", api = 1, isolation = "none", image = "none", \(more)
          tools = { sh = "required", door = "optional" },
          needs = { "process.run", "process.start", "process.stop" },
          run = function(actor, request)
            \(run)
            return "ok", \(result)
          end,
          \(rest)
        }
        """
    }

    private static let stop = """
        stop = function(actor, request) return host.process.stop(actor.processes, request.grace_ms) end,
        """

    private func host(_ script: String, _ grants: String...) throws -> TestHost {
        let options = (["tool:sh=/bin/sh"] + grants).flatMap { ["--grant", $0] }
        return try TestHost(backend: "mine", script: script, arguments: options)
    }

    private func request(_ host: TestHost, _ change: (inout Container) -> Void = { _ in }) async throws -> RunRequest {
        try await host.request("one") { container in
            container.image = ""
            container.readiness = nil
            change(&container)
        }
    }

    @Test("a container's log holds what its program, its helpers and its tools printed, and what they appended")
    func logs() async throws {
        let run = """
            try(host.process.run(sh(actor, "echo ran", { log = "main" })))
            try(host.process.run(sh(actor, "echo appended >> " .. actor.dirs.logs .. "/main.log")))
            local helper = { name = "helper", keep = true, log = "main" }
            try(host.process.start(sh(actor, "echo helper; exec sleep 600", helper)))
            main(actor, "echo own; exec sleep 600")
            """
        try await host(script(run: run, rest: Self.stop)).use { host in
            try await host.start()
            _ = try await host.run(try await request(host)).get()
            try await eventually("all four lines are there") {
                let lines = try await host.command("logs", "one").output.split(separator: "\n").sorted()
                return lines == ["appended", "helper", "own", "ran"] ? () : nil
            }
        }
    }

    @Test("what checkpoint leaves in snapshot.dir is verified and given to restore, read-only, and no volume is saved")
    func snapshotFiles() async throws {
        let rest = """
            scopes = { "data" },
            checkpoint = function(actor, request)
              try(host.process.run(sh(actor, "printf 41 > " .. request.snapshot.dir .. "/memory")))
              try(host.process.stop(actor.processes, request.grace_ms))
              return "ok", { volumes_saved = true }
            end,
            restore = function(actor, request)
              local dir = request.snapshot.dir
              local done = try(host.process.run(sh(actor, "cat " .. dir .. "/memory; echo x > " .. dir .. "/x", {
                exit_codes = "any",
              })))
              main(actor, "echo " .. done.stdout .. " " .. table.concat(request.snapshot.files, ",") .. " "
                .. tostring(request.snapshot.volumes_saved) .. " " .. tostring(done.code ~= 0) .. "; exec sleep 600")
              return "ok"
            end,
            \(Self.stop)
            """
        let run = "main(actor, \"echo up; exec sleep 600\")"
        try await host(script(run: run, rest: rest)).use { host in
            try await host.start()
            _ = try await host.run(try await request(host)).get()
            let saved = try await host.command("checkpoint", "one")
            #expect(saved.code == 0, "\(saved.error)")
            let restored = try await host.command("restore", "one")
            #expect(restored.code == 0, "\(restored.error)")
            try await eventually("the restored program has printed") {
                try await host.command("logs", "one").output == "41 memory true true\n" ? () : nil
            }
            #expect(try await host.command("stop", "one").code == 0)
            // One byte of another, and no script sees it.
            let places = ActorDirectories("\(host.base)/actors/test:one")
            let names = try DirectoryTree.names(in: places.snapshots)
            try "42".write(toFile: "\(places.snapshots)/\(names[0])/memory", atomically: false, encoding: .utf8)
            let spoilt = try await host.command("restore", "one")
            #expect(spoilt.code == 1 && spoilt.error.contains("memory has other bytes"), "\(spoilt.error)")
        }
    }

    @Test("programs that a script says are held are refused: this host keeps none frozen")
    func held() async throws {
        let rest = """
            scopes = { "data" },
            checkpoint = function(actor, request)
              if request.may_hold ~= false then return "failed", "it may" end
              return "ok", { held = true }
            end,
            restore = function() return "ok" end,
            \(Self.stop)
            """
        try await host(script(run: "main(actor, \"exec sleep 600\")", rest: rest)).use { host in
            try await host.start()
            _ = try await host.run(try await request(host)).get()
            let refused = try await host.command("checkpoint", "one")
            #expect(refused.code == 1)
            #expect(
                refused.error.contains("checkpoint answered held, and request.may_hold is false"),
                "\(refused.error)"
            )
            #expect(try await host.actor("one").status == "ready", "a failed checkpoint leaves it as it was")
        }
    }

    @Test(
        "network = \"backend\": readiness and published ports go to the address that run answered",
        .enabled(if: TestMachine.needs("/usr/bin/busybox"))
    )
    func ownNetwork() async throws {
        let port = try Loopback.freePort()
        let run = """
            if actor.network then return "failed", "the host made a network" end
            main(actor, "exec sleep 600")
            """
        let text = script("network = \"backend\",", run: run, result: "{ address = \"127.0.0.1\" }", rest: Self.stop)
        try await host(text).use { host in
            try await host.start()
            let pages = "\(host.scratch)/pages"
            try DirectoryTree.make(pages, mode: 0o755)
            try "here".write(toFile: "\(pages)/readyz", atomically: false, encoding: .utf8)
            // What runs elsewhere, as far as the host knows.
            var plan = SpawnPlan(
                program: "/usr/bin/busybox",
                arguments: ["busybox", "httpd", "-f", "-p", "127.0.0.1:\(port)", "-h", pages]
            )
            plan.environment = ["PATH=/usr/bin"]
            let server = try spawn(plan)
            defer {
                _ = server.signal(SIGKILL)
                _ = server.wait()
            }
            let asked = try await request(host) { container in
                container.readiness = ReadinessProbe(path: "/readyz", port: Int32(port), timeoutSeconds: 20)
            }
            _ = try await host.run(asked).get()
            #expect(try await host.actor("one").address == "127.0.0.1")
            let request = HostMessages.PublishRequest(actor: "one", port: Int(port))
            let opened = try await host.call(.publish, request, as: HostMessages.PublishResponse.self).port
            let page = "http://127.0.0.1:\(opened)/readyz"
            let got = try await ProgramRun.run("/usr/bin/busybox", ["wget", "-q", "-O", "-", page])
            #expect(got.output == "here", "\(got.error)")
            #expect(try await host.command("get", "one").output.contains("  address    127.0.0.1\n"))
        }
    }

    @Test("tool_user: programs run as that user without capabilities, and the actor's directories are his")
    func toolUser() async throws {
        let run = """
            local work, logs = actor.dirs.work, actor.dirs.logs
            local text = "id -u; id -G; grep CapEff /proc/self/status; echo x > " .. work .. "/mine && echo wrote; "
              .. "echo appended >> " .. logs .. "/main.log; (: > " .. logs .. "/other) 2>/dev/null || echo kept out"
            local done = try(host.process.run(sh(actor, text)))
            main(actor, "echo " .. done.stdout:gsub("%s+", " ") .. "; id -u; exec sleep 600")
            """
        let scratch = try ScratchDirectory("user")
        let settings = "\(scratch.path)/substrate.yaml"
        try "backends: { mine: { tool_user: 65534 } }\n".write(toFile: settings, atomically: false, encoding: .utf8)
        let text = script(run: run, rest: Self.stop)
        let options = ["--grant", "tool:sh=/bin/sh", "--config", settings]
        try await TestHost.with(backend: "mine", script: text, arguments: options) { host in
            _ = try await host.run(try await request(host)).get()
            let expected = ["65534", "65534 65534 CapEff: 0000000000000000 wrote kept out", "appended"]
            try await eventually("its programs have said who they are") {
                let lines = try await host.command("logs", "one").output.split(separator: "\n").map(String.init)
                return lines.sorted() == expected.sorted() ? () : nil
            }
            let shown = try await ProgramRun.run(TestMachine.host, ["config", "show", "--config", settings])
            #expect(shown.output.contains("backends.mine.tool_user"), "\(shown.output)")
            #expect(try await host.command("stop", "one").code == 0)
        }
    }

    @Test("outside = true: after a failed run stop is asked until it answers ok, and nothing of the actor runs before")
    func outside() async throws {
        let rest = """
            stop = function(actor)
              print("grace " .. tostring(actor.name))
              local status, why = host.process.run { program = actor.tools.door, args = {} }
              if status ~= "ok" then return "failed", "still there" end
              return "ok"
            end,
            """
        let text = script("outside = true,", run: "if actor.name then return \"failed\", \"half made\" end", rest: rest)
        let scratch = try ScratchDirectory("door")
        let door = "\(scratch.path)/door"
        func set(_ code: Int) throws {
            try "#!/bin/sh\nexit \(code)\n".write(toFile: door, atomically: true, encoding: .utf8)
            try #require(unsafe chmod(door, 0o755) == 0)
        }
        try set(1)
        try await host(text, "tool:door=\(door)").use { host in
            try await host.start()
            let asked = try await request(host)
            guard case .failure(let first) = try await host.run(asked) else { throw TestFailure("it ran") }
            #expect(first.message.contains("half made"), "\(first.message)")
            guard case .failure(let second) = try await host.run(asked) else { throw TestFailure("it ran") }
            #expect(second.message.contains("made outside for test/one is not gone yet"), "\(second.message)")
            #expect(try await host.command("remove", "one").code == 1)
            // A host that comes back owes it still.
            try await host.kill()
            try await host.start()
            guard case .failure(let third) = try await host.run(asked) else { throw TestFailure("it ran") }
            #expect(third.message.contains("is not gone yet"), "\(third.message)")
            try set(0)
            try await eventually("stop has answered ok", seconds: 40) {
                guard case .failure(let later) = try await host.run(asked) else { throw TestFailure("it ran") }
                return later.message.contains("half made") ? () : nil
            }
            #expect(try await host.command("remove", "one").code == 0)
        }
    }
}
