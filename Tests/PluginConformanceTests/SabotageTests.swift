import ActorContract
import Foundation
import PluginOverlays
import Synchronization
import SystemLayer
import TestSupport
import Testing

@testable import PluginConformance

/// A good script over a runtime that errs: each check that looks at the workload can fail.
@Suite("sabotage", .enabled(if: TestMachine.needs(TestMachine.isRoot), "actors run as root only"))
struct SabotageTests {
    struct Case: Sendable {
        let check: String
        /// A part of what it says.
        let says: String
        let sabotage: Sabotage
        /// Whether the script is hello, which has no snapshots.
        var isHello = false

        init(_ check: String, _ says: String, _ sabotage: Sabotage) {
            (self.check, self.says, self.sabotage) = (check, says, sabotage)
        }

        init(_ check: String, _ says: String, _ actor: @escaping @Sendable (BackendVerb, inout PreparedActor) -> Void) {
            self.init(check, says, Sabotage(actor: actor))
        }

        init(_ check: String, _ says: String, describing: @escaping @Sendable (inout BackendDescription) -> Void) {
            self.init(check, says, Sabotage(description: describing))
        }
    }

    static let cases = [
        Case("changed-command", "the program was given") { _, actor in
            actor.containers[0].container.command.removeAll { $0.isEmpty }
        },
        Case("changed-environment", "the program sees") { _, actor in
            actor.containers[0].container.environment.removeAll { $0.value.isEmpty || $0.value.contains("=") }
        },
        Case("host-environment", "reached it") { _, actor in
            actor.containers[0].container.environment.append(
                EnvironmentEntry(name: ConformanceSuite.canary, value: "leaked")
            )
        },
        Case("no-identity", "/run/ate/actor-id says \"somebody\"") { _, actor in
            let path = "\(ActorDirectories(actor.directory).identity)/actor-id"
            try? AtomicFile.write(Array("somebody".utf8), to: path, mode: 0o644)
        },
        Case("no-volume", "the file in it reads") { _, actor in actor.volumes["deep"] = nil },
        Case("volume-not-shared", "") { _, actor in
            // The second container has another volume at the same place.
            guard actor.containers.count > 1 else { return }
            let other = ActorDirectories(actor.directory).volume("other")
            try? DirectoryTree.make(other)
            actor.volumes["other"] = other
            actor.containers[1].container.volumeMounts[0].name = "other"
        },
        Case("dirty-root", "what the first life wrote to its root is still there") { _, actor in mark(actor) },
        Case("root-lost", "what it wrote to its root is gone") { verb, actor in
            guard verb == .run else { return }
            let upper = ActorDirectories(actor.directory).upper("web")
            try? DirectoryTree.remove("\(upper)/mark")
        },
        Case("wrong-scope", "/var/scratch survived; a data restore finds the volumes and nothing else") { verb, actor in
            guard verb == .restore else { return }
            let upper = ActorDirectories(actor.directory).upper("web")
            try? DirectoryTree.make("\(upper)/var", mode: 0o755)
            try? AtomicFile.write(Array("x".utf8), to: "\(upper)/var/scratch")
        },
        Case("volume-lost", "after a restore the volume reads") { verb, actor in
            guard verb == .restore, let data = actor.volumes["data"] else { return }
            try? DirectoryTree.remove("\(data)/count")
        },
        Case("restore-spoils-the-snapshot", "the volume reads \"other") { verb, actor in
            guard verb == .restore, let data = actor.volumes["data"] else { return }
            try? AtomicFile.write(Array("other\n".utf8), to: "\(data)/file")
        },
        Case("environment-lost-on-restore", "the program sees \"\n") { verb, actor in
            if verb == .restore { actor.containers[0].container.environment = [] }
        },
        Case("sees-others-files", "the other one sees /mine") { _, actor in mark(actor, "mine") },
        Case("container-memory-open", "has 32 MiB and used 64") { _, actor in
            actor.containers[0].container.memoryBytes = 0
        },
        Case("memory-unlimited", "is in no cgroup that holds the limit", unlimited("memory")),
        Case("not-reachable", "") { _, actor in
            // A namespace that is nobody's: the launcher joins it, and the host asks in vain.
            actor.containers[0].container.environment.append(EnvironmentEntry(name: "COUNTER_PORT", value: "8081"))
        },
        Case("never-ready", "run failed with") { _, actor in
            actor.containers[0].container.command = ["/bin/sh", "-c", "exit 3"]
        },
        Case("early-end-unseen", "run answered ok") { _, actor in actor.containers[0].container.command = ["/counter"]
        },
        Case("unknown-program", "run answered ok") { _, actor in actor.containers[0].container.command = ["/counter"] },
        Case("end-unseen", "the actor is ready") { _, actor in actor.containers[0].container.command = ["/counter"] },
        Case("output-lost", "the log has no line of \"web\"") { _, actor in
            let script = actor.containers[0].container.command[2]
            actor.containers[0].container.command[2] = script.replacingOccurrences(of: " prints", with: " says")
        },
        Case("needs-a-volume", "") { _, actor in
            if actor.volumes.isEmpty { actor.containers[0].container.command = ["/no/such/program"] }
        },
        Case("odd-names", "") { _, actor in actor.containers[0].container.name = "x" },
        Case("june-key", "\"side\" never started") { _, actor in
            if actor.directory.split(separator: ":").count > 2 { actor.containers.removeLast() }
        },
        Case("full-scope-accepted", "it was accepted") { $0.scopes.append(.full) },
        dataScope(),
        Case(
            "crash-unseen",
            "the actor is ready",
            Sabotage(answer: { verb, answer in
                if verb == .run, !answer.processes.isEmpty {
                    answer.processes[answer.processes.count - 1].name = "helper"
                }
            })
        ),
        Case("half-run-survives", "run answered ok") { _, actor in actor.containers.removeLast() },
        Case("spoilt-by-failure", "", failsLater()),
        Case("stubborn-survives", "still in the cgroup, never stopped") { verb, actor in
            if verb == .stop { actor.processes.removeAll { $0.name == "web" } }
        },
        Case("run-disturbs-the-living", "", onceMore(2, waits: false)),
        Case("repeat-runs-again", "", onceMore(2)),
        Case("repeat-restores-again", "", onceMore(3)),
        Case("repeat-checkpoints-again", "has no scope data", forgetfulAfterCheckpoint()),
        Case("many-containers", "\"c8\" never started") { _, actor in actor.containers.removeLast() },
        Case("sees-others-processes", "the other one finds it in /proc") { _, actor in
            actor.containers[0].container.command.append("first-of-a")
        },
        Case("sees-the-host", "it lists") { _, actor in
            actor.volumes["host"] = "/etc"
            actor.containers[0].container.volumeMounts.append(VolumeMount(name: "host", mountPath: "/work"))
        },
        Case("cpu-unlimited", "is in no cgroup that holds the limit", unlimited("cpu")),
        Case("shares-ports", "", oneNetwork()),
        Case("stop-reaches-others", "", greedyStop()),
        Case("one-in-a-slot", "does not answer", greedyStop()),
        Case("wrong-order", "run starts mid, alpha, zeta") { _, actor in actor.containers.reverse() },
    ]

    /// Takes a limit away once it was written.
    static func unlimited(_ limit: String) -> Sabotage {
        Sabotage { _, actor in
            let group = Cgroup.open(layout: CgroupLayout.detect(), name: actor.cgroup)
            let files =
                limit == "cpu"
                ? [("cpu.max", "max"), ("cpu.cfs_quota_us", "-1")]
                : [
                    ("memory.max", "max"), ("memory.swap.max", "max"), ("memory.memsw.limit_in_bytes", "-1"),
                    ("memory.limit_in_bytes", "-1"),
                ]
            for directory in group.directories {
                for (file, text) in files { try? TextFile.write(text, to: "\(directory)/\(file)") }
            }
        }
    }

    /// Puts every actor into the network of the first.
    static func oneNetwork() -> Sabotage {
        let first = Shared<String?>(nil)
        return Sabotage { _, actor in
            let mine = actor.networkNamespace
            actor.networkNamespace = first.value.withLock { kept in
                if kept == nil { kept = mine }
                return kept
            }
        }
    }

    /// A stop that ends everybody's programs.
    static func greedyStop() -> Sabotage {
        let all = Shared<[KeptProcess]>([])
        return Sabotage(
            actor: { verb, _ in
                guard verb == .stop else { return }
                for process in all.value.withLock({ $0 }) {
                    ProcessHandle.find(pid: process.pid, startTime: process.startTime)?.signal(9)
                }
            },
            answer: { verb, answer in
                let processes = answer.processes
                if verb == .run { all.value.withLock { $0 += processes } }
            }
        )
    }

    /// A runtime that ends the living when the host looks for the newest revision for the n-th time.
    static func onceMore(_ number: Int, waits: Bool = true) -> Sabotage {
        let seen = Shared<(processes: [KeptProcess], cgroup: String, count: Int)>(([], "", 0))
        return Sabotage(
            actor: { _, actor in
                let cgroup = actor.cgroup
                seen.value.withLock { $0.cgroup = cgroup }
            },
            answer: { _, answer in
                let processes = answer.processes
                seen.value.withLock { $0.processes = processes }
            },
            newest: {
                let (processes, cgroup, count) = seen.value.withLock { seen in
                    seen.count += 1
                    return seen
                }
                guard count == number else { return }
                for process in processes {
                    ProcessHandle.find(pid: process.pid, startTime: process.startTime)?.signal(9)
                }
                let group = Cgroup.open(layout: CgroupLayout.detect(), name: cgroup)
                let deadline = ContinuousClock.now + .seconds(5)
                while waits, ContinuousClock.now < deadline,
                    group.directories.contains(where: { FileManager.default.fileExists(atPath: $0) })
                {
                    usleep(2000)
                }
            }
        )
    }

    /// A runtime in which every Run after the first one fails.
    static func failsLater() -> Sabotage {
        let count = Shared(0)
        return Sabotage { verb, actor in
            guard verb == .run else { return }
            let number = count.value.withLock { count in
                count += 1
                return count
            }
            if number > 1 { actor.containers[0].container.command = ["/no/such/program"] }
        }
    }

    /// A backend that knows no snapshot any more once it has made one.
    static func forgetfulAfterCheckpoint() -> Sabotage {
        let isOver = Shared(false)
        return Sabotage(
            answer: { verb, _ in if verb == .checkpoint { isOver.value.withLock { $0 = true } } },
            description: { description in
                if isOver.value.withLock({ $0 }) { description.scopes = [] }
            }
        )
    }

    /// A backend without snapshots that says it has some.
    static func dataScope() -> Case {
        var one = Case("data-scope-accepted", "it was refused with") { $0.scopes.append(.data) }
        one.isHello = true
        return one
    }

    /// Checks that the scripts below break.
    static let byScripts: Set<String> = [
        "unwatched", "not-cancellable", "stop-waits-for-run", "changes-between-loads", "checkpoint-needs-everybody",
        "not-idempotent-checkpoint", "stop-needs-anybody", "cpu-limit-ignored", "memory-limit-ignored", "secret-in-log",
        "container-cpu-limit-ignored", "container-memory-limit-ignored",
        "secret-in-journal", "unneeded-grant", "missing-grant",
    ]

    /// What the verbs of one sabotage know of each other.
    final class Shared<Value: Sendable>: Sendable {
        let value: Mutex<Value>
        init(_ value: Value) { self.value = Mutex(value) }
    }

    /// Leaves a file in the root of the first container, as a runtime does that uses an old one.
    @Sendable static func mark(_ actor: PreparedActor, _ name: String = "mark") {
        guard let first = actor.containers.first else { return }
        let upper = ActorDirectories(actor.directory).upper(first.container.name)
        try? AtomicFile.write(Array("old\n".utf8), to: "\(upper)/\(name)")
    }

    @Test("each check fails, by its name alone, and nothing is left")
    func fails() async throws {
        // Most of their time is a wait for what never comes.
        try await Fixture.together(Self.cases) { one in
            let hello = PluginSource.overlay("\(TestMachine.checkout)/examples")
            let report = try await Fixture.report(
                one.isHello ? try Fixture.entry("hello", in: hello) : try Fixture.entry("process", in: Fixture.shipped),
                only: [one.check],
                sabotage: one.sabotage
            )
            let lines = report.lines(report: nil)
            #expect(report.failures.map(\.name) == [one.check], "\(one.check): \(lines)")
            #expect(
                report.failures.allSatisfy { one.says.isEmpty || $0.text.contains(one.says) },
                "\(one.check): \(lines)"
            )
        }
    }

    @Test("a script that does nothing, one that changes, and one that breaks when somebody is gone are found")
    func scripts() async throws {
        let scratch = try ScratchDirectory("conform")
        let silent = """
            return { name = "silent", api = 1, isolation = "none", needs = {},
              run = function() return "ok" end, stop = function() return "ok" end }
            """
        let names: Set = ["unwatched", "not-cancellable", "stop-waits-for-run"]
        let report = try await Fixture.report(try Fixture.entry("silent", script: silent, in: scratch), only: names)
        #expect(Set(report.failures.map(\.name)) == names, "\(report.lines(report: nil))")
        // The order of a table's fields is another one in every Lua state.
        let fickle = """
            local wanted = {}
            for _, name in ipairs { "workload.start", "process.stop", "process.wait", "file.write", "clock.left", "clock.sleep" } do
              wanted[name] = true
            end
            local needs = {}
            for name in pairs(wanted) do needs[#needs + 1] = name end
            return { name = "fickle", api = 1, isolation = "none", needs = needs,
              run = function() return "ok" end, stop = function() return "ok" end }
            """
        let second = try await Fixture.report(
            try Fixture.entry("fickle", script: fickle, in: scratch),
            only: ["changes-between-loads"]
        )
        #expect(second.failures.map(\.name) == ["changes-between-loads"], "\(second.lines(report: nil))")
        let strict = """
            local function start(actor)
              for _, container in ipairs(actor.containers) do
                try(host.workload.start { container = container.name })
              end
              return "ok"
            end
            local function stop(actor, request)
              for _, container in ipairs(actor.containers) do
                try(host.process.stop(actor.processes[container.name], request.grace_ms))
              end
              return "ok"
            end
            return { name = "strict", api = 1, isolation = "none", scopes = { "data" },
              needs = { "workload.start", "process.stop" },
              run = start, stop = stop, checkpoint = stop, restore = start }
            """
        let breaks: Set = ["checkpoint-needs-everybody", "not-idempotent-checkpoint", "stop-needs-anybody"]
        let third = try await Fixture.report(try Fixture.entry("strict", script: strict, in: scratch), only: breaks)
        #expect(Set(third.failures.map(\.name)) == breaks, "\(third.lines(report: nil))")
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
        let names: Set = [
            "cpu-limit-ignored", "memory-limit-ignored", "container-cpu-limit-ignored",
            "container-memory-limit-ignored",
        ]
        let good = try await Fixture.report(entry, only: names)
        #expect(good.conforms && good.contract.count == 4, "\(good.lines(report: nil))")
        let bad = try await Fixture.report(
            entry,
            only: names,
            sabotage: Sabotage(description: { described in
                described.enforces = ["cpu", "memory"]
                described.containerLimits = ["cpu", "memory"]
            })
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
