import ActorLifecycle
import Glibc
public import HostErrors
import PluginAuthoring
public import PluginOverlays
import PluginProtocol
import Synchronization
import SystemLayer
import Threads

/// The contract suite: real actors of one script on a real host, then faults at every call it makes, and a leak check.
///
/// Needs root, cgroups and namespaces, as the service does. Everything it makes is in a directory of its own and in
/// cgroups of its own, and gone when it returns.
public struct ConformanceSuite: Sendable {
    /// How far it is.
    public struct Progress: Sendable {
        /// `contract`, `faults` or `kills`.
        public let stage: String
        /// How many are done.
        public let done: Int
        /// Of how many.
        public let total: Int
    }

    /// A variable of the host's own environment that no program of an actor may see.
    static let canary = "SUBSTRATE_CONFORMANCE_CANARY"

    /// Done once: another suite of this process may be reading the environment by then.
    private static let plantCanary: Void = { _ = unsafe setenv(canary, "leaked", 1) }()

    private let settings: ConformanceSettings
    private let entry: PluginEntry

    /// Names the script.
    ///
    /// - Parameters:
    ///   - settings: what else it needs.
    ///   - entry: the script.
    public init(_ settings: ConformanceSettings, entry: PluginEntry) {
        self.settings = settings
        self.entry = entry
    }

    /// Every check by name, each with what it shows; some names stand for two that exclude each other.
    public static var checks: [(name: String, shows: String)] { Check.all.map { ($0.name, $0.shows) } }

    /// Runs it; a cancelled task ends it early, with nothing left behind.
    ///
    /// - Parameter progress: told after each step, from any thread.
    /// - Returns: what was found.
    /// - Throws: why it could not be tried: no root, no image, a script that does not load; `cancelled`.
    public func run(
        progress: @escaping @Sendable (Progress) -> Void = { _ in }
    ) async throws(HostError) -> ConformanceReport {
        guard geteuid() == 0 else {
            throw HostError(
                .failedPrecondition,
                .machine,
                "conformance runs real actors, which needs root (namespaces, overlayfs, cgroups): run it with sudo"
            )
        }
        Self.plantCanary
        try? Machine.becomeSubreaper()
        let scratch = try ScratchPlace()
        do throws(HostError) {
            let (settings, entry, path) = (settings, entry, scratch.path)
            let stage = try await onThread("check") { () throws(HostError) in
                var image = settings.image ?? ""
                if image.isEmpty { image = try ProbeImage.build(in: path, companions: settings.companions) }
                return try Stage(settings, entry: entry, image: image, scratch: path)
            }
            let report = await run(stage, progress)
            await stage.close()
            scratch.remove()
            if Task.isCancelled {
                throw HostError(.cancelled, nil, "the suite was interrupted; nothing is left behind")
            }
            return report
        } catch {
            scratch.remove()
            throw error
        }
    }

    private func run(_ stage: Stage, _ progress: @escaping @Sendable (Progress) -> Void) async -> ConformanceReport {
        let clock = ContinuousClock.now
        let settings = self.settings
        var report = ConformanceReport()
        report.backend = stage.descriptor.name
        report.path = entry.path
        report.sha256 = entry.sha256
        report.scopes = stage.descriptor.scopes
        let named = Check.all.filter { settings.only.isEmpty || settings.only.contains($0.name) }
        let checks = named.filter { $0.applies(to: stage.descriptor) }
        // A name is skipped only when no check of that name applies.
        report.skipped = Set(named.map(\.name)).subtracting(checks.map(\.name)).sorted()
        let results = await each(checks, "contract", progress) { check, number in
            guard check.isWarm else { return await Self.perform(check, stage) }
            return await Self.performWarm(check, number, stage, settings)
        }
        report.contract = results.map(\.outcome)
        report.leaks = results.flatMap(\.leaks)
        let wantsFaults = settings.faults && (settings.only.isEmpty || !settings.only.isDisjoint(with: Self.faultNames))
        if wantsFaults, !Task.isCancelled { await inject(stage, &report, progress) }
        let spent = (ContinuousClock.now - clock).components
        report.milliseconds = spent.seconds * 1000 + spent.attoseconds / 1_000_000_000_000_000
        return report
    }

    /// What faults and kills can bring up.
    public static let faultNames: Set<String> = [
        "swallowed-fault", "changed-status", "trap-on-fault", "next-verb-fails",
    ]

    private func inject(
        _ stage: Stage,
        _ report: inout ConformanceReport,
        _ progress: @escaping @Sendable (Progress) -> Void
    ) async {
        report.hasFaults = true
        let faults = Faults(stage: stage)
        var calls: [Observer.Call]
        do { calls = try await faults.record() } catch {
            let text = (error as? Finding)?.text ?? (error as? HostError)?.message ?? "\(error)"
            report.faultFailures = [
                ConformanceReport.Failure(
                    name: "no-plain-life",
                    text: "run, checkpoint, restore and stop must work before faults can be injected: \(text)",
                    mend: ""
                )
            ]
            report.faults = 1
            return
        }
        if let verbs = settings.faultVerbs { calls = calls.filter { verbs.contains($0.verb) } }
        let before = settings.countsDescriptors ? await Self.descriptors() : [:]
        let injections = Faults.injections(calls)
        let perCall = calls.map { call in
            injections.count { $0.call.verb == call.verb && $0.call.number == call.number }
        }
        report.calls = calls.count
        report.kinds = (perCall.min() ?? 0)...(perCall.max() ?? 0)
        report.faults = injections.count
        report.kills = calls.count
        let found = await each(injections, "faults", progress) { injection, number in
            await faults.perform(injection, number: number)
        }
        let kills = calls.map { Faults.Injection(call: $0, fault: .kill) }
        let foundByKill = await each(kills, "kills", progress) { kill, number in
            await faults.perform(kill, number: injections.count + number)
        }
        report.unmet = (found + foundByKill).count(where: \.isUnmet)
        report.faults -= found.count(where: \.isUnmet)
        report.kills -= foundByKill.count(where: \.isUnmet)
        report.faultFailures = found.compactMap(\.failure).filter { $0.name != "leaks" }
        report.killFailures = foundByKill.compactMap(\.failure).filter { $0.name != "leaks" }
        report.leaks += (found + foundByKill).compactMap(\.failure).filter { $0.name == "leaks" }
        if settings.countsDescriptors { report.leaks += await Self.grown(since: before) }
    }

    /// The descriptors of a host at rest: its spare supervisors have three each, and come a moment after a verb.
    private static func descriptors() async -> [String: Int] {
        try? await Task.sleep(for: .milliseconds(150))
        return Leftovers.descriptors()
    }

    /// What this process has more of than before, when that does not go away by itself.
    private static func grown(since before: [String: Int]) async -> [ConformanceReport.Failure] {
        var more: [String] = []
        // Supervisors are reaped beside: a busy machine takes its time.
        for _ in 0..<100 {
            let now = await descriptors()
            more = now.filter { $0.value > before[$0.key, default: 0] }.map {
                "\($0.value - before[$0.key, default: 0]) more of \($0.key)"
            }.sorted()
            if more.isEmpty { return [] }
        }
        return [
            ConformanceReport.Failure(
                name: "leaks",
                text: "after all faults the host holds descriptors: \(more.joined(separator: ", ")): a bug of the host",
                mend: ""
            )
        ]
    }

    /// One check on a host of its own that keeps a slot warm.
    private static func performWarm(
        _ check: Check,
        _ number: Int,
        _ cold: Stage,
        _ settings: ConformanceSettings
    ) async -> (outcome: ConformanceReport.Outcome, leaks: [ConformanceReport.Failure]) {
        let warm: Stage
        do throws(HostError) {
            warm = try await onThread("check") { () throws(HostError) in
                let scratch = "\(cold.scratch)/warm-\(number)"
                try DirectoryTree.make(scratch)
                return try Stage(settings, entry: cold.entry, image: cold.image, scratch: scratch, warmSlots: 1)
            }
        } catch {
            var outcome = ConformanceReport.Outcome(name: check.name, shows: check.shows)
            outcome.failure = ConformanceReport.Failure(name: check.name, text: error.message, line: nil, mend: "")
            return (outcome, [])
        }
        var result = await perform(check, warm)
        await warm.close()
        result.leaks += warm.host.cgroupsLeft().map { path in
            ConformanceReport.Failure(
                name: "leaks",
                text: "after \(check.name): cgroup \(path) is left: a bug of the host, not of the script",
                mend: ""
            )
        }
        return result
    }

    /// One check from its first actor to its last.
    private static func perform(
        _ check: Check,
        _ stage: Stage
    ) async -> (outcome: ConformanceReport.Outcome, leaks: [ConformanceReport.Failure]) {
        let trial = Trial(stage, name: check.name)
        var outcome = ConformanceReport.Outcome(name: check.name, shows: check.shows)
        do { try await check.body(trial) } catch {
            // A verb that fails where it must not is a finding like any other.
            let text = (error as? Finding)?.text ?? (error as? HostError)?.message ?? "\(error)"
            outcome.failure = ConformanceReport.Failure(
                name: check.name,
                text: text,
                line: (error as? Finding)?.line,
                mend: check.mend
            )
        }
        let leaks = await trial.finish().map { line in
            ConformanceReport.Failure(
                name: "leaks",
                text: "after \(check.name): \(line) is left: a bug of the host, not of the script",
                mend: ""
            )
        }
        return (outcome, leaks)
    }

    /// Runs them side by side, and keeps their order; a cancelled task begins no more of them.
    private func each<Item: Sendable, Result: Sendable>(
        _ items: [Item],
        _ stage: String,
        _ progress: @escaping @Sendable (Progress) -> Void,
        _ body: @escaping @Sendable (Item, Int) async -> Result
    ) async -> [Result] {
        await withTaskGroup(of: (Int, Result).self) { group in
            var results: [Int: Result] = [:]
            var next = 0
            while next < min(settings.width, items.count) {
                let number = next
                group.addTask { (number, await body(items[number], number)) }
                next += 1
            }
            while let (number, result) = await group.next() {
                results[number] = result
                progress(Progress(stage: stage, done: results.count, total: items.count))
                if next < items.count, !Task.isCancelled {
                    let number = next
                    group.addTask { (number, await body(items[number], number)) }
                    next += 1
                }
            }
            return items.indices.compactMap { results[$0] }
        }
    }
}
