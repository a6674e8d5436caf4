import TestSupport
import Testing

@testable import PluginConformance

/// Backends with one mistake each: the suite names it.
@Suite("broken backends", .enabled(if: TestMachine.needs(TestMachine.isRoot), "actors run as root only"))
struct BrokenTests {
    /// One broken backend: the checks that must fail, and the verb in whose calls faults show it.
    struct Golden: Sendable {
        let name: String
        let caught: Set<String>
        var faults: Set<String> = []
        /// Tools that the operator grants: name → path.
        var tools: [String: String] = [:]
        /// A part of the line that people read.
        let says: String
    }

    static let golden = [
        Golden(
            name: "leaks-a-process",
            caught: ["leaks-a-process", "stop-needs-everybody"],
            says: "after stop: \"side\", started at lib/good.lua:6 still in the cgroup, never stopped"
        ),
        Golden(
            name: "wrong-scope",
            caught: ["wrong-scope"],
            says: "a full restore goes on where the program was"
        ),
        Golden(
            name: "swallowed-fault",
            caught: ["swallowed-fault", "unknown-program"],
            faults: ["run"],
            says:
                "workload.start → storage_full at swallowed-fault.lua:8, yet run answered \"ok\": \"web\" never started"
        ),
        Golden(
            name: "forgets-a-container",
            caught: ["forgets-a-container", "restore-forgets-a-container"],
            says: "\"side\" and \"third\" never started"
        ),
        Golden(
            name: "not-idempotent-stop",
            caught: ["not-idempotent-stop", "stop-needs-everybody", "stop-needs-anybody"],
            faults: ["stop"],
            says: "called again on what the first stop left, it answered: not-idempotent-stop: web does not run"
        ),
        Golden(
            name: "state-lost",
            caught: ["state-lost"],
            says: "run answers state.first, restore does not: it is nil in every later verb"
        ),
        Golden(name: "no-grace", caught: ["no-grace", "snapshot-too-early"], says: "was not asked to end"),
        Golden(
            name: "wrong-order",
            caught: ["wrong-order"],
            says: "the spec says zeta, alpha, mid, run starts mid, alpha, zeta"
        ),
        Golden(name: "secret-in-state", caught: ["secret-in-state"], says: "run answered it in state"),
        Golden(
            name: "changed-status",
            caught: ["changed-status"],
            faults: ["run"],
            says:
                "workload.start → storage_full at changed-status.lua:8, and run answered \"failed\": the cause is hidden"
        ),
        Golden(
            name: "checkpoint-leaves-running",
            caught: ["checkpoint-leaves-running", "checkpoint-waits-for-ever"],
            says: "after checkpoint: \"side\", started at lib/good.lua:6 and \"web\""
        ),
        Golden(
            name: "exec-changed-command",
            caught: ["exec-changed-command"],
            says: "the program was given []"
        ),
        Golden(
            name: "exec-wrong-container",
            caught: ["exec-wrong-container"],
            says: "in \"side\" it finds the files of \"web\""
        ),
        Golden(name: "exec-environment", caught: ["exec-environment"], says: "the program sees \"\n\""),
        Golden(
            name: "exec-harms-the-actor",
            caught: ["exec-harms-the-actor", "exec-changed-command", "exec-environment", "exec-wrong-container"],
            says: ""
        ),
        Golden(
            name: "leaked-handle",
            caught: ["leaked-handle"],
            says: "exec started /bin/sh (line 9), did not keep it and never waited for it"
        ),
        Golden(
            name: "stats-nonsense",
            caught: ["stats-nonsense"],
            says: "cpu_ns was 1, and after some work it is 1"
        ),
        Golden(name: "probe-changes", caught: ["probe-changes"], says: "probed differs from call to call"),
        Golden(
            name: "recover-denies-the-living",
            caught: ["recover-denies-the-living"],
            says: "recover answered: recover-denies-the-living: main is gone"
        ),
        Golden(
            name: "recover-revives-the-dead",
            caught: ["recover-revives-the-dead"],
            tools: ["sh": "/bin/sh"],
            says: "recover answered ok, and no program of the actor lives"
        ),
        Golden(name: "never-warm", caught: ["never-warm", "warm-differs"], says: "never-warm: not now"),
        Golden(
            name: "restored-not-stoppable",
            caught: ["restored-not-stoppable", "state-lost"],
            says: "checkpoint answered: restored-not-stoppable: nobody knows who is first"
        ),
        Golden(
            name: "recover-hides-the-cause",
            caught: ["changed-status"],
            faults: ["recover"],
            tools: ["sh": "/bin/sh"],
            says: "and recover answered \"failed\": the cause is hidden"
        ),
        Golden(
            name: "probe-hides-the-cause",
            caught: ["changed-status"],
            faults: ["probe"],
            tools: ["sh": "/bin/sh"],
            says: "and probe answered \"unsupported\": the cause is hidden"
        ),
        Golden(
            name: "prepare-swallows-a-fault",
            caught: ["swallowed-fault"],
            faults: ["prepare"],
            tools: ["sh": "/bin/sh"],
            says: "yet prepare answered \"ok\": \"keeper\" never started"
        ),
        Golden(name: "warm-differs", caught: ["warm-differs"], says: "\"side\" never started"),
    ]

    /// What each of them gets right, asked beside: a check that failed everybody would tell nothing.
    static let right: Set<String> = ["changed-command", "root-lost", "secret-in-log"]

    @Test("each is caught, by the names of the checks that it breaks and by no others")
    func caught() async throws { try await Fixture.together(Self.golden, Self.caught) }

    private static func caught(_ golden: Golden) async throws {
        let report = try await Fixture.report(
            try Fixture.entry(golden.name, in: Fixture.broken),
            only: golden.caught.union(right),
            faults: golden.faults,
            tools: golden.tools
        )
        let lines = report.lines(report: nil)
        #expect(Set(report.failures.map(\.name)) == golden.caught, "\(golden.name): \(lines)")
        #expect(report.failures.contains { $0.text.contains(golden.says) }, "\(golden.name): \(lines)")
        #expect(!report.conforms, "\(golden.name)")
        let script = "\(golden.name).lua:"
        for failure in report.failures where failure.text.contains(script) {
            #expect(failure.line.map { failure.text.contains("\(script)\($0)") } ?? true, "\(failure)")
        }
    }

    @Test("every broken backend has its golden line")
    func complete() throws {
        let names = try PluginNames.of(Fixture.broken)
        #expect(names == Self.golden.map(\.name).sorted())
        #expect(names.count >= 10)
    }

    /// What only a broken host could fail: a script has no part in it, and no sabotage below one.
    private static let hosts: Set<String> = []

    @Test("every check fails for some broken backend or runtime")
    func everyCheckCanFail() {
        var shown = Self.golden.reduce(into: Set<String>()) { $0.formUnion($1.caught) }
        shown.formUnion(SabotageTests.cases.map(\.check))
        shown.formUnion(SabotageTests.byScripts)
        #expect(Set(ConformanceSuite.checks.map(\.name)).subtracting(shown) == Self.hosts)
    }
}
