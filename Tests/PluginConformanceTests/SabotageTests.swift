import ActorContract
import Foundation
import SystemLayer
import TestSupport
import Testing

@testable import PluginConformance

/// A good script over a runtime that errs: each check that looks at the workload can fail.
@Suite("sabotage", .serialized, .enabled(if: TestMachine.needs(TestMachine.isRoot), "actors run as root only"))
struct SabotageTests {
    struct Case: CustomTestStringConvertible, Sendable {
        let check: String
        let sabotage: Sabotage
        var testDescription: String { check }

        init(_ check: String, _ actor: @escaping @Sendable (BackendVerb, inout PreparedActor) -> Void) {
            self.check = check
            sabotage = Sabotage(actor: actor)
        }

        init(_ check: String, describing: @escaping @Sendable (inout BackendDescription) -> Void) {
            self.check = check
            sabotage = Sabotage(description: describing)
        }
    }

    static let cases = [
        Case("changed-command") { _, actor in actor.containers[0].container.command.removeAll { $0.isEmpty } },
        Case("changed-environment") { _, actor in
            actor.containers[0].container.environment.removeAll { $0.value.isEmpty || $0.value.contains("=") }
        },
        Case("host-environment") { _, actor in
            actor.containers[0].container.environment.append(
                EnvironmentEntry(name: ConformanceSuite.canary, value: "leaked")
            )
        },
        Case("no-identity") { _, actor in
            let path = "\(ActorDirectories(actor.directory).identity)/actor-id"
            try? AtomicFile.write(Array("somebody".utf8), to: path, mode: 0o644)
        },
        Case("no-volume") { _, actor in actor.volumes["deep"] = nil },
        Case("volume-not-shared") { _, actor in
            // The second container has another volume at the same place.
            guard actor.containers.count > 1 else { return }
            let other = ActorDirectories(actor.directory).volume("other")
            try? DirectoryTree.make(other)
            actor.volumes["other"] = other
            actor.containers[1].container.volumeMounts[0].name = "other"
        },
        Case("dirty-root") { _, actor in mark(actor) },
        Case("root-lost") { verb, actor in
            guard verb == .run else { return }
            let upper = ActorDirectories(actor.directory).upper("web")
            try? DirectoryTree.remove("\(upper)/mark")
        },
        Case("wrong-scope") { verb, actor in
            guard verb == .restore else { return }
            let upper = ActorDirectories(actor.directory).upper("web")
            try? DirectoryTree.make("\(upper)/var", mode: 0o755)
            try? AtomicFile.write(Array("x".utf8), to: "\(upper)/var/scratch")
        },
        Case("volume-lost") { verb, actor in
            guard verb == .restore, let data = actor.volumes["data"] else { return }
            try? DirectoryTree.remove("\(data)/count")
        },
        Case("restore-spoils-the-snapshot") { verb, actor in
            guard verb == .restore, let data = actor.volumes["data"] else { return }
            try? AtomicFile.write(Array("other\n".utf8), to: "\(data)/file")
        },
        Case("environment-lost-on-restore") { verb, actor in
            if verb == .restore { actor.containers[0].container.environment = [] }
        },
        Case("sees-others-files") { _, actor in mark(actor, "mine") },
        Case("memory-unlimited") { _, actor in actor.cgroup += "-not" },
        Case("not-reachable") { _, actor in
            // A namespace that is nobody's: the launcher joins it, and the host asks in vain.
            actor.containers[0].container.environment.append(EnvironmentEntry(name: "COUNTER_PORT", value: "8081"))
        },
        Case("never-ready") { _, actor in actor.containers[0].container.command = ["/bin/sh", "-c", "exit 3"] },
        Case("early-end-unseen") { _, actor in actor.containers[0].container.command = ["/counter"] },
        Case("unknown-program") { _, actor in actor.containers[0].container.command = ["/counter"] },
        Case("end-unseen") { _, actor in actor.containers[0].container.command = ["/counter"] },
        Case("output-lost") { _, actor in
            let script = actor.containers[0].container.command[2]
            actor.containers[0].container.command[2] = script.replacingOccurrences(of: " prints", with: " says")
        },
        Case("needs-a-volume") { _, actor in
            if actor.volumes.isEmpty { actor.containers[0].container.command = ["/no/such/program"] }
        },
        Case("odd-names") { _, actor in actor.containers[0].container.name = "x" },
        Case("june-key") { _, actor in
            if actor.directory.split(separator: ":").count > 2 { actor.containers.removeLast() }
        },
        Case("full-scope-accepted") { $0.scopes.append(.full) },
        Case("wrong-order") { _, actor in actor.containers.reverse() },
    ]

    /// Leaves a file in the root of the first container, as a runtime does that uses an old one.
    @Sendable static func mark(_ actor: PreparedActor, _ name: String = "mark") {
        guard let first = actor.containers.first else { return }
        let upper = ActorDirectories(actor.directory).upper(first.container.name)
        try? AtomicFile.write(Array("old\n".utf8), to: "\(upper)/\(name)")
    }

    @Test("the check fails, and nothing is left", arguments: cases)
    func fails(_ one: Case) async throws {
        let report = try await Fixture.report(
            try Fixture.entry("process", in: Fixture.shipped),
            only: [one.check],
            sabotage: one.sabotage
        )
        #expect(report.failures.map(\.name) == [one.check], "\(report.lines(report: nil))")
    }

    @Test("a limit that is taken and not enforced is found")
    func limits() async throws {
        let scratch = try ScratchDirectory("conform")
        let script = """
            return {
              name = "unlimited", api = 1, isolation = "kernel-shared", needs = { "workload.start" },
              run = function(actor)
                for _, container in ipairs(actor.containers) do
                  try(host.workload.start { container = container.name })
                end
                return "ok"
              end,
              stop = function() return "ok" end,
            }
            """
        let entry = try Fixture.entry("unlimited", script: script, in: scratch)
        let names: Set = ["cpu-limit-ignored", "memory-limit-ignored"]
        let good = try await Fixture.report(entry, only: names)
        #expect(good.conforms && good.contract.count == 2, "\(good.lines(report: nil))")
        let bad = try await Fixture.report(
            entry,
            only: names,
            sabotage: Sabotage(description: { $0.enforces = ["cpu", "memory"] })
        )
        #expect(Set(bad.failures.map(\.name)) == names, "\(bad.lines(report: nil))")
    }

    @Test("what a script says too much, needs too much or is not granted is found")
    func words() async throws {
        let scratch = try ScratchDirectory("conform")
        let script = """
            return {
              name = "wordy", api = 1, isolation = "kernel-shared",
              needs = { "workload.start", "process.stop", "file.write", "clock.left" },
              run = function(actor)
                local secret = actor.containers[1].env.TOKEN or "none"
                print("the token is " .. secret)
                try(host.file.write(actor.dirs.work .. "/" .. secret, "x"))
                for _, container in ipairs(actor.containers) do
                  try(host.workload.start { container = container.name })
                end
                return "ok"
              end,
              stop = function(actor, request) return host.process.stop(actor.processes, request.grace_ms) end,
            }
            """
        let entry = try Fixture.entry("wordy", script: script, in: scratch)
        let names: Set = ["secret-in-log", "secret-in-journal", "unneeded-grant", "secret-in-state", "missing-grant"]
        let report = try await Fixture.report(entry, only: names)
        #expect(
            Set(report.failures.map(\.name)) == ["secret-in-log", "secret-in-journal", "unneeded-grant"],
            "\(report.lines(report: nil))"
        )
        let tool = """
            return {
              name = "tooled", api = 1, isolation = "none", needs = { "process.run" }, tools = { tool = "required" },
              run = function(actor) return host.process.run { program = actor.tools.tool, args = {} } end,
              stop = function() return "ok" end,
            }
            """
        let other = try await Fixture.report(
            try Fixture.entry("tooled", script: tool, in: scratch),
            only: ["missing-grant"]
        )
        #expect(other.failures.map(\.name) == ["missing-grant"], "\(other.lines(report: nil))")
    }
}
