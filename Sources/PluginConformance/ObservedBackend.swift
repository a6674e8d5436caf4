import ActorContract
import HostErrors
import PluginHost
import Synchronization
import SystemLayer

/// A script's backend between the host and the suite: each verb's end is kept, and what it left looked at at once.
final class ObservedBackend: ActorBackend {
    /// How one verb ended.
    struct Ending: Sendable {
        let verb: String
        let outcome: Result<VerbAnswer, HostError>
        /// Names of the programs of the actor that lived when it had answered; of stop and checkpoint alone.
        let alive: [String]
        /// What it was given as state.
        let stateBefore: [UInt8]
        /// Whether it was called once more on what the first call had left.
        let isAgain: Bool
        /// Whether it began in a slot that `prepare` had filled.
        var isWarm = false
    }

    /// What is done to an actor around its next verb of a kind.
    struct Plan: Sendable {
        /// Done just before the script is asked.
        var before: (@Sendable (PreparedActor) -> Void)?
        /// Whether the script is asked again on what is left.
        var again = false
    }

    /// Where an actor's things are, seen when a verb came by.
    struct Place: Sendable {
        var directory = ""
        var cgroup = ""
        var processes: [KeptProcess] = []
        /// As the last verb was given it, with what that verb left.
        var actor: PreparedActor?
    }

    /// One probe that answered ok, and what became of asking once more.
    struct Probed {
        /// What it answered; nil: ok and no more.
        let first: ProbeAnswer?
        /// The same, or why it is no ok.
        let second: Result<ProbeAnswer?, HostError>
    }

    private struct State {
        var probes: [Probed] = []
        var endings: [ActorKey: [Ending]] = [:]
        var plans: [ActorKey: [BackendVerb: Plan]] = [:]
        var places: [ActorKey: Place] = [:]
        var secrets: [(key: ActorKey, text: String)] = []
    }
    private let state = Mutex(State())
    private let inner: ScriptBackend
    private let observer: Observer
    private let layout: CgroupLayout
    private let sabotage: Sabotage

    init(_ inner: ScriptBackend, observer: Observer, layout: CgroupLayout, sabotage: Sabotage) {
        self.sabotage = sabotage
        self.inner = inner
        self.observer = observer
        self.layout = layout
    }

    var description: BackendDescription {
        var description = inner.description
        sabotage.description(&description)
        return description
    }

    /// Every verb's end of an actor, in order.
    func endings(_ key: ActorKey) -> [Ending] { state.withLock { $0.endings[key] ?? [] } }

    /// Where the actor's things are, if a verb ever came by.
    func place(_ key: ActorKey) -> Place? { state.withLock { $0.places[key] } }

    /// What every probe answered, and what it answered when it was asked once more.
    var probes: [Probed] { state.withLock { $0.probes } }

    /// How the verbs about slots ended, which are nobody's.
    func endings(ofSlots verb: BackendVerb) -> [Ending] {
        state.withLock { $0.endings.values.flatMap(\.self) }.filter { $0.verb == verb.rawValue }
    }

    func newest() -> any ActorBackend {
        sabotage.newest()
        return self
    }

    func admit() throws(HostError) { try inner.admit() }

    func circumstances() -> String { inner.circumstances() }

    /// Asks the script about an actor as a host does that was restarted.
    ///
    /// - Returns: what it answered, and the programs that it was told of.
    func recover(_ key: ActorKey) throws(HostError) -> (answer: VerbAnswer, living: [KeptProcess]) {
        guard var actor = state.withLock({ $0.places[key]?.actor }) else {
            throw HostError(.internal, nil, "the actor had no verb yet")
        }
        actor.processes = Self.living(actor.processes)
        var request = VerbRequest()
        request.timeoutMilliseconds = 60_000
        if case .slow(let short) = observer.armed(key, verb: "recover") { request.timeoutMilliseconds = short }
        let outcome = attempt(.recover, actor, request, NoJournal(), NoCancellation(), isAgain: false)
        return (try outcome.get(), actor.processes)
    }

    /// Effects' targets that the journal was given.
    func journalled(_ key: ActorKey) -> [String] {
        state.withLock { state in state.secrets.filter { $0.key == key }.map(\.text) }
    }

    /// Plans the actor's next verb of that kind.
    func plan(_ key: ActorKey, _ verb: BackendVerb, _ plan: Plan) {
        state.withLock { $0.plans[key, default: [:]][verb] = plan }
    }

    func perform(
        _ verb: BackendVerb,
        actor: PreparedActor,
        request: VerbRequest,
        log: any EffectLog,
        cancellation: any VerbCancellation
    ) throws(HostError) -> VerbAnswer {
        let key = Self.key(verb, actor)
        let plan = state.withLock { state -> Plan in
            state.places[key, default: Place()].directory = actor.directory
            state.places[key]?.cgroup = actor.cgroup
            return state.plans[key]?.removeValue(forKey: verb) ?? Plan()
        }
        var actor = actor
        if let before = plan.before {
            before(actor)
            // As the script is promised: `actor.processes` holds those that live (lua.md E.2).
            actor.processes = Self.living(actor.processes)
        }
        sabotage.actor(verb, &actor)
        var asked = request
        let fault = observer.armed(key, verb: verb.rawValue)
        if case .slow(let short) = fault { asked.timeoutMilliseconds = min(asked.timeoutMilliseconds, short) }
        let watched = WatchedLog(log) { [self] text in state.withLock { $0.secrets.append((key, text)) } }
        let first = attempt(verb, actor, asked, watched, cancellation, isAgain: false)
        if verb == .probe, case .success(let answer) = first {
            let second = attempt(verb, actor, asked, watched, cancellation, isAgain: true).map(\.probe)
            state.withLock { $0.probes.append(Probed(first: answer.probe, second: second)) }
        }
        // A verb that ends actors is called again on what a killed one left (lua.md D.8); one that begins them is
        // called again by the host's own caller, from an empty slot.
        let endsActors = verb == .stop || verb == .checkpoint
        guard plan.again || (fault == .kill && endsActors), !cancellation.isCancelled else { return try first.get() }
        var left = actor
        left.processes = Self.living(actor.processes)
        let second = attempt(verb, left, request, watched, cancellation, isAgain: true)
        return try plan.again ? first.get() : second.get()
    }

    private static func living(_ processes: [KeptProcess]) -> [KeptProcess] {
        processes.filter {
            guard let handle = ProcessHandle.find(pid: $0.pid, startTime: $0.startTime) else { return false }
            return !handle.hasExited()
        }
    }

    /// Whose a verb is: of one about a slot the slot's, which has no actor.
    static func key(ofSlot slot: String) -> ActorKey { .autumn(atespace: "", name: slot) }

    private static func key(_ verb: BackendVerb, _ actor: PreparedActor) -> ActorKey {
        verb.takesSlot ? key(ofSlot: actor.slot) : actor.identity.key
    }

    private func attempt(
        _ verb: BackendVerb,
        _ actor: PreparedActor,
        _ request: VerbRequest,
        _ log: any EffectLog,
        _ cancellation: any VerbCancellation,
        isAgain: Bool
    ) -> Result<VerbAnswer, HostError> {
        let key = Self.key(verb, actor)
        let killable = KillableVerb(cancellation)
        let flight = Observer.Flight(
            key: key,
            verb: verb.rawValue,
            deadline: .now + .milliseconds(request.timeoutMilliseconds),
            cancellation: killable
        )
        let outcome = Result { () throws(HostError) in
            try observer.flying(flight) { () throws(HostError) in
                var answer = try inner.perform(verb, actor: actor, request: request, log: log, cancellation: killable)
                sabotage.answer(verb, &answer)
                return answer
            }
        }
        var alive: [String] = []
        if case .success = outcome, verb == .stop || verb == .checkpoint {
            alive = Leftovers.living(in: actor.cgroup, layout, known: actor.processes)
        }
        let ending = Ending(
            verb: verb.rawValue,
            outcome: outcome,
            alive: alive,
            stateBefore: actor.state,
            isAgain: isAgain,
            isWarm: actor.prepared != nil
        )
        state.withLock { state in
            state.endings[key, default: []].append(ending)
            if case .success(let answer) = outcome {
                state.places[key]?.processes += answer.processes
                var left = actor
                left.processes = answer.processes
                if let told = answer.state { left.state = told }
                if verb == .run || verb == .restore { state.places[key]?.actor = left }
            }
        }
        return outcome
    }
}

/// For a verb that nobody's journal knows.
private struct NoJournal: EffectLog {
    func begin(_ effect: String, target: String) throws(HostError) -> Int64 { 0 }
    func finish(_ number: Int64, outcome: String, process: KeptProcess?) throws(HostError) {}
}

/// Nobody cancels it.
private struct NoCancellation: VerbCancellation {
    func onCancel(_ action: @escaping @Sendable () -> Void) {}
    var isCancelled: Bool { false }
}

/// Passes effects on, and tells what the journal is given.
private struct WatchedLog: EffectLog {
    let inner: any EffectLog
    let tell: @Sendable (String) -> Void

    init(_ inner: any EffectLog, tell: @escaping @Sendable (String) -> Void) {
        self.inner = inner
        self.tell = tell
    }

    func begin(_ effect: String, target: String) throws(HostError) -> Int64 {
        tell(target)
        return try inner.begin(effect, target: target)
    }

    func finish(_ number: Int64, outcome: String, process: KeptProcess?) throws(HostError) {
        try inner.finish(number, outcome: outcome, process: process)
    }
}
