public import ActorContract
public import HostErrors
public import LaunchProtocol
public import PluginOverlays
import PluginProtocol
import Synchronization
public import SystemLayer
public import Telemetry

/// A backend that is a script: each verb asks a fresh supervisor, and the host does what it asks for and may have.
public final class ScriptBackend: ActorBackend {
    /// What the script says that it is, checked.
    public let description: BackendDescription
    private let entry: PluginEntry
    private let pool: SupervisorPool
    private let companions: Companions
    private let layout: CgroupLayout
    private let required: [Protection]
    private let logger: Logger

    /// Loads a script in a supervisor that offers no host function.
    ///
    /// `required` is what must be applied to every workload that the launcher starts, or it does not start.
    /// - Throws: what is wrong with the script, with file and line.
    public init(
        entry: PluginEntry,
        pool: SupervisorPool,
        companions: Companions,
        layout: CgroupLayout,
        required: [Protection] = [],
        logger: Logger
    ) throws(HostError) {
        self.entry = entry
        self.pool = pool
        self.companions = companions
        self.layout = layout
        self.required = required
        self.logger = logger
        description = try Self.describe(entry, pool: pool)
    }

    /// Asks a supervisor what a script is; nothing of the host is offered to it.
    ///
    /// - Throws: what is wrong with the script, with file and line.
    public static func describe(_ entry: PluginEntry, pool: SupervisorPool) throws(HostError) -> BackendDescription {
        if case .broken(let cause) = entry.state {
            throw HostError(
                .failedPrecondition,
                .plugin,
                "backend \"\(entry.name)\" is broken: \(entry.path): \(cause)"
            )
        }
        let supervisor = try pool.take()
        var buffer = FrameBuffer()
        // Loading is pure and short: its own budgets end it; the second is for a machine under load.
        let value = try load(entry, into: supervisor, &buffer, until: ContinuousClock.now + .seconds(2))
        return try Descriptor.read(value, entry: entry)
    }

    private static func load(
        _ entry: PluginEntry,
        into supervisor: SupervisorProcess,
        _ buffer: inout FrameBuffer,
        until deadline: ContinuousClock.Instant
    ) throws(HostError) -> PluginValue {
        let file = entry.path.split(separator: "/").last.map(String.init) ?? entry.name
        try supervisor.send(.load(name: entry.name, file: file, source: entry.source), until: deadline)
        switch try supervisor.receive(&buffer, until: deadline) {
        case .descriptor(let value): return value
        case .trap(let trap): throw HostError(.internal, .plugin, trap.message, context: ["plugin.trap": trap.code])
        default: throw HostError(.internal, .plugin, "plugin protocol: a descriptor was expected")
        }
    }

    /// Performs one verb in a supervisor of its own.
    public func perform(
        _ verb: BackendVerb,
        actor: PreparedActor,
        request: VerbRequest,
        log: any EffectLog,
        cancellation: any VerbCancellation
    ) throws(HostError) -> VerbAnswer {
        guard description.verbs.contains(verb.rawValue) else {
            throw HostError(
                .failedPrecondition,
                .verbUnsupported,
                "backend \"\(description.name)\" has no \(verb.rawValue)"
            )
        }
        let supervisor = try pool.take()
        // Gone when the verb is answered, whoever still holds it.
        defer { supervisor.end() }
        cancellation.onCancel { supervisor.kill() }
        let deadline = ContinuousClock.now + .milliseconds(request.timeoutMilliseconds)
        let broker = Broker(
            verb: verb,
            actor: actor,
            request: request,
            effects: log,
            companions: companions,
            layout: layout,
            required: required,
            deadline: deadline,
            cancellation: cancellation
        )
        do throws(HostError) {
            return try converse(supervisor, broker, verb: verb, actor: actor, request: request, deadline: deadline)
        } catch {
            // What the verb started and nobody will hear of is ended here, and reaped: no handle goes to the caller.
            let started = broker.kept.filter { !actor.processes.contains($0) }
            _ = ProcessStop.perform(started, graceMilliseconds: 0, deadline: .now)
            if cancellation.isCancelled { throw HostError(.cancelled, nil, "the verb was cancelled") }
            throw error
        }
    }

    private func converse(
        _ supervisor: SupervisorProcess,
        _ broker: Broker,
        verb: BackendVerb,
        actor: PreparedActor,
        request: VerbRequest,
        deadline: ContinuousClock.Instant
    ) throws(HostError) -> VerbAnswer {
        var buffer = FrameBuffer()
        _ = try Self.load(entry, into: supervisor, &buffer, until: min(deadline, ContinuousClock.now + .seconds(2)))
        let values = VerbValues(actor: actor, request: request, verb: verb)
        try supervisor.send(
            .verb(
                name: verb.rawValue,
                actor: values.actorValue(broker.handles),
                request: values.requestValue,
                functions: description.needs,
                deadlineMilliseconds: request.timeoutMilliseconds
            ),
            until: deadline
        )
        var calls = 0
        var lines = 0
        while true {
            // 200 ms past the deadline the supervisor is killed (lua §D.3).
            switch try supervisor.receive(&buffer, until: deadline + .milliseconds(200)) {
            case .call(let function, let arguments, let line):
                calls += 1
                guard calls <= 100_000 else {
                    supervisor.kill()
                    throw HostError(
                        .resourceExhausted,
                        .plugin,
                        "\(entry.name): more than 100,000 host calls in one verb"
                    )
                }
                guard description.needs.contains(where: { HostFunction.named($0)?.versionedName == function }) else {
                    supervisor.kill()
                    throw HostError(
                        .internal,
                        .notGranted,
                        "\(entry.name): \(function) was called (line \(line)) and is not in needs"
                    )
                }
                try supervisor.send(
                    .reply(try broker.answer(function, arguments)),
                    until: deadline + .milliseconds(200)
                )
            case .log(let text, let line):
                lines += 1
                guard lines <= 10_000 else {
                    supervisor.kill()
                    throw HostError(
                        .resourceExhausted,
                        .plugin,
                        "\(entry.name): more than 10,000 printed lines in one verb"
                    )
                }
                logger.info("plugin", ["plugin.name": entry.name, "plugin.line": "\(line)", "plugin.text": text])
            case .trap(let trap):
                let code: HostError.Code = trap.code.hasPrefix("budget.") ? .resourceExhausted : .internal
                logger.error(
                    "plugin trap",
                    ["plugin.name": entry.name, "plugin.trap": trap.code, "plugin.text": trap.message]
                )
                // The supervisor chose the words: it may have chosen none.
                let first = trap.message.split(separator: "\n").first.map(String.init) ?? "trap \(trap.code)"
                throw HostError(code, .plugin, first, context: ["plugin.trap": trap.code])
            case .answer(let status, let result):
                return try settle(status, result, broker)
            case .descriptor:
                supervisor.kill()
                throw HostError(.internal, .plugin, "plugin protocol: a second descriptor")
            }
        }
    }

    private func settle(_ status: String, _ result: PluginValue, _ broker: Broker) throws(HostError) -> VerbAnswer {
        guard let known = PluginStatus(rawValue: status) else {
            throw HostError(.internal, .plugin, "\(entry.name) answered the unknown status \"\(status)\"")
        }
        guard known == .ok else {
            let reason: String = if case .text(let text) = result { text } else { status }
            // What the host refused and the script only passed on is no mistake of the script.
            if broker.refusal?.status == status, broker.refusal?.reason == reason {
                throw HostError(known.code, nil, reason, context: ["plugin.name": entry.name])
            }
            throw HostError(known.code, .plugin, "\(entry.name): \(reason)", context: ["plugin.status": status])
        }
        var answer = VerbAnswer()
        answer.processes = broker.kept
        if case .map(let fields) = result {
            if let state = fields["state"] { answer.state = ValueCodec.encode(state) }
            answer.volumesSaved = fields["volumes_saved"] == .boolean(true)
        }
        return answer
    }
}
