import ActorContract
import HostErrors
import LaunchProtocol
import PluginProtocol
import Synchronization
import SystemLayer
import Telemetry

/// Answers the host calls of one verb of one actor: looks the row up, checks verb and handle, does it.
///
/// Used by the verb's thread alone.
final class Broker {
    let verb: BackendVerb
    let actor: PreparedActor
    let request: VerbRequest
    let effects: any EffectLog
    let companions: Companions
    let layout: CgroupLayout
    let required: [Protection]
    let deadline: ContinuousClock.Instant
    let cancellation: any VerbCancellation
    /// Programs that outlive the verb.
    private(set) var kept: [KeptProcess]
    private var table: [KeptProcess]
    /// What the last call that failed was answered.
    private(set) var refusal: (status: String, reason: String)?

    init(
        verb: BackendVerb,
        actor: PreparedActor,
        request: VerbRequest,
        effects: any EffectLog,
        companions: Companions,
        layout: CgroupLayout,
        required: [Protection],
        deadline: ContinuousClock.Instant,
        cancellation: any VerbCancellation
    ) {
        self.verb = verb
        self.actor = actor
        self.request = request
        self.effects = effects
        self.companions = companions
        self.layout = layout
        self.required = required
        self.deadline = deadline
        self.cancellation = cancellation
        kept = actor.processes
        table = actor.processes
    }

    /// The live programs by name, as handles of this verb.
    var handles: [String: PluginHandle] {
        var handles: [String: PluginHandle] = [:]
        for (index, process) in table.enumerated() {
            handles[process.name] = PluginHandle(index: UInt32(index), generation: 1)
        }
        return handles
    }

    /// Answers one call.
    ///
    /// - Throws: when the supervisor called what its own checks should have refused: it is not believed any further.
    func answer(_ function: String, _ arguments: PluginValue) throws(HostError) -> ReplyFrame {
        guard let row = HostFunction.named(function) else {
            throw HostError(.internal, .plugin, "plugin protocol: unknown function \(function)")
        }
        guard row.verbs.contains(verb.rawValue) else {
            throw HostError(.internal, .notGranted, "\(row.name) cannot be called in \(verb.rawValue)")
        }
        guard case .map(let fields) = arguments else {
            throw HostError(.internal, .plugin, "plugin protocol: \(row.name) takes one table")
        }
        switch row.name {
        case "workload.start": return try startWorkload(fields)
        case "process.stop": return try stopProcesses(fields)
        default: return ReplyFrame(status: "unsupported", values: [.text("\(row.name) is not served yet")])
        }
    }

    private func startWorkload(_ fields: [String: PluginValue]) throws(HostError) -> ReplyFrame {
        guard case .text(let name)? = fields["container"] else {
            throw HostError(.internal, .plugin, "plugin protocol: workload.start: container is no text")
        }
        guard let prepared = actor.containers.first(where: { $0.container.name == name }) else {
            return refuse("not_found", "the actor has no container \"\(name)\"")
        }
        guard !kept.contains(where: { $0.name == name }) else {
            return refuse("already_running", "container \"\(name)\" was started")
        }
        if cancellation.isCancelled { return refuse("cancelled", "the verb was cancelled") }
        let start = WorkloadStart(
            actor: actor,
            prepared: prepared,
            confine: fields["confine"] ?? .null,
            companions: companions,
            layout: layout,
            required: required
        )
        let number = try effects.begin("workload.start", target: name)
        do throws(HostError) {
            let process = try start.perform()
            kept.append(process)
            table.append(process)
            try effects.finish(number, outcome: "ok", process: process)
            return ReplyFrame(
                status: "ok",
                values: [.handle(PluginHandle(index: UInt32(table.count - 1), generation: 1))]
            )
        } catch {
            try effects.finish(number, outcome: "\(error.code)", process: nil)
            switch error.code {
            case .resourceExhausted: return refuse("storage_full", error.message)
            case .invalidArgument, .failedPrecondition: return refuse("unsupported", error.message)
            case .notFound: return refuse("not_found", error.message)
            default: return refuse("failed", error.message)
            }
        }
    }

    private func stopProcesses(_ fields: [String: PluginValue]) throws(HostError) -> ReplyFrame {
        var grace = request.graceMilliseconds
        if case .integer(let given)? = fields["grace_ms"] { grace = given }
        var named: [KeptProcess] = []
        for handle in Self.handles(in: fields["process"] ?? .null) {
            // A handle is of this verb or it is not one: the table knows.
            guard handle.generation == 1, Int(handle.index) < table.count else {
                throw HostError(.internal, .plugin, "plugin protocol: a handle that this verb never had")
            }
            named.append(table[Int(handle.index)])
        }
        let number = try effects.begin("process.stop", target: named.map(\.name).sorted().joined(separator: ","))
        let ended = ProgramTime.wait {
            ProcessStop.perform(named, graceMilliseconds: grace, deadline: deadline)
        }
        try effects.finish(number, outcome: ended ? "ok" : "timeout", process: nil)
        kept.removeAll { process in named.contains(process) }
        return ended ? ReplyFrame(status: "ok", values: []) : refuse("timeout", "a program could not be ended in time")
    }

    private static func handles(in value: PluginValue) -> [PluginHandle] {
        switch value {
        case .handle(let handle): [handle]
        case .list(let list): list.flatMap(handles)
        case .map(let map): map.sorted { $0.key < $1.key }.flatMap { handles(in: $0.value) }
        default: []
        }
    }

    private func refuse(_ status: String, _ reason: String) -> ReplyFrame {
        refusal = (status, reason)
        return ReplyFrame(status: status, values: [.text(reason)])
    }
}
