import Dispatch
package import HostErrors
import Synchronization
import SystemLayer
public import Telemetry

/// Keeps spare supervisors ready, so that a verb pays no start.
public final class SupervisorPool: Sendable {
    fileprivate struct State {
        var spares: [SpareSupervisor] = []
        var starting = 0
        /// What spares load ahead of the verb that takes them.
        var script: ScriptLoad?
        /// The key of what the last verb asked for.
        var asked = ""
        var next: UInt32 = 0
        var isClosed = false
    }
    private let state = Mutex(State())
    private static let pauseMilliseconds = 30
    /// For a load that its own budgets do not end, as on a machine under load.
    private static let loadPatience = Duration.seconds(2)
    /// What surrounds every supervisor here beside its filter.
    public let confinement: SupervisorConfinement
    private let start: @Sendable (UInt32) throws(HostError) -> SupervisorProcess
    private let groups: SupervisorGroups?
    private let size: Int
    private let logger: Logger
    private let queue = DispatchQueue(label: "substrate.spares")
    /// The first uid of the range that no account of a distribution uses (above `nobody` and systemd's dynamic users).
    private static let firstIdentity: UInt32 = 2_000_000_000
    /// Below them, for a supervisor that is only tried.
    static let trialIdentity: UInt32 = firstIdentity - 1

    /// Makes a pool; spares start in the background, a moment later.
    ///
    /// - Parameters:
    ///   - program: the supervisor's executable.
    ///   - size: how many spares to keep.
    ///   - confinement: what surrounds each; that it cannot be had later is a failure of the verb.
    ///   - logger: told when a spare cannot be started.
    public convenience init(
        program: String,
        size: Int = 2,
        confinement: SupervisorConfinement = .detect(),
        logger: Logger
    ) {
        self.init(program: program, size: size, confinement: confinement, tests: false, logger: logger)
    }

    /// The same, of supervisors that load an author's tests in the place of a backend.
    package init(program: String, size: Int, confinement: SupervisorConfinement, tests: Bool, logger: Logger) {
        let groups = SupervisorGroups(confinement)
        self.groups = groups
        self.confinement = confinement
        self.size = size
        self.logger = logger
        start = { identity throws(HostError) in
            try SupervisorProcess.start(
                program: program,
                identity: identity,
                confinement: confinement,
                groups: groups,
                tests: tests
            )
        }
        if size > 0 {
            logger.info("supervisors are confined", ["supervisor.confinement": confinement.applied])
            if let missing = confinement.missing {
                logger.warning("supervisors lack a wall", ["supervisor.missing": missing.what, "mend": missing.mend])
            }
        }
        // A host that begins needs its processors to get to listening.
        refill(after: Self.pauseMilliseconds)
    }

    /// A pool whose supervisors somebody else makes, without spares unless it is asked for some.
    init(
        size: Int = 0,
        logger: Logger,
        start: @escaping @Sendable (UInt32) throws(HostError) -> SupervisorProcess
    ) {
        groups = nil
        confinement = .detect(layout: CgroupLayout())
        self.size = size
        self.logger = logger
        self.start = start
        refill()
    }

    /// A spare without a script, or a fresh one when there is none.
    package func take() throws(HostError) -> SupervisorProcess { try take(for: nil).process }

    /// A spare that has loaded a script or nothing yet, or a fresh one when there is none.
    ///
    /// - Parameter script: what the verb needs; nil: what has loaded nothing.
    /// - Returns: the supervisor; the caller loads the script unless it is in it.
    /// - Throws: `resourceExhausted` when none can be started.
    package func take(for script: ScriptLoad?) throws(HostError) -> SpareSupervisor {
        let (spare, dead, stale) = state.withLock { state in
            // One that died waiting is no spare, wherever it stands; without this it would keep a place for ever.
            let dead = state.spares.filter { $0.process.handle.hasExited() }
            state.spares.removeAll { $0.process.handle.hasExited() }
            let stale = state.note(script)
            let index =
                state.spares.lastIndex { $0.loaded != nil && $0.loaded == script?.key }
                ?? state.spares.lastIndex { $0.loaded == nil }
            return (index.map { state.spares.remove(at: $0) }, dead.map(\.process), stale)
        }
        for one in stale { one.end() }
        for one in dead {
            let (status, words) = one.obituary
            logger.warning(
                "a spare supervisor died waiting",
                [
                    "process.pid": "\(one.handle.pid)", "process.status": "\(status.map { "\($0)" } ?? "unknown")",
                    "words": words,
                ]
            )
        }
        // While a spare is left the next one waits until this verb is over, as a rule: a start costs its processor.
        refill(after: state.withLock { $0.spares.isEmpty } ? 0 : Self.pauseMilliseconds)
        if let spare { return spare }
        return SpareSupervisor(try start(identity()))
    }

    /// Ends all spares, and every supervisor that still lives in a cgroup of this pool.
    ///
    /// Blocks until the kernel let go of their cgroups.
    public func close() {
        let spares = state.withLock { state in
            defer { state.spares = [] }
            state.starting = size
            state.isClosed = true
            return state.spares
        }
        for spare in spares { spare.process.kill() }
        groups?.close()
    }

    private func identity() -> UInt32 {
        state.withLock { state in
            state.next = (state.next + 1) % 100_000
            return Self.firstIdentity + state.next
        }
    }

    private func refill(after milliseconds: Int = 0) {
        let missing = state.withLock { state in
            let missing = max(0, size - state.spares.count - state.starting)
            state.starting += missing
            return missing
        }
        for _ in 0..<missing {
            queue.asyncAfter(deadline: .now() + .milliseconds(milliseconds)) { [self] in
                guard !state.withLock({ $0.isClosed }) else { return }
                let made: SpareSupervisor?
                do throws(HostError) {
                    var spare = SpareSupervisor(try start(identity()))
                    if let script = state.withLock({ $0.script }) {
                        try spare.load(script, until: .now + Self.loadPatience)
                    }
                    made = spare
                } catch {
                    logger.warning("a spare supervisor cannot be started", ["error": error.message])
                    made = nil
                }
                let (isClosed, fits) = state.withLock { state in
                    state.starting -= 1
                    // What verbs ask for may have become known, or changed, while it was made.
                    let fits = state.script == nil || made?.loaded == state.script?.key
                    if let made, fits, !state.isClosed { state.spares.append(made) }
                    return (state.isClosed, fits)
                }
                // Nobody will ever take it.
                if isClosed || !fits { made?.process.end() }
                // Without another try the pool would be one short until the next verb.
                if !isClosed, made == nil || !fits { refill(after: made == nil ? 1000 : 0) }
            }
        }
    }
}

extension SupervisorPool.State {
    /// Learns what verbs ask for.
    ///
    /// What spares load changes with the second verb in a row that asks for something else: one verb of an actor that
    /// keeps an older revision changes nothing.
    /// - Returns: the spares that are of no use any more, taken out.
    fileprivate mutating func note(_ wanted: ScriptLoad?) -> [SupervisorProcess] {
        guard let wanted else { return [] }
        defer { asked = wanted.key }
        guard script?.key != wanted.key, script == nil || asked == wanted.key else { return [] }
        script = wanted
        let stale = spares.filter { $0.loaded != nil && $0.loaded != wanted.key }.map(\.process)
        spares.removeAll { $0.loaded != nil && $0.loaded != wanted.key }
        return stale
    }
}
