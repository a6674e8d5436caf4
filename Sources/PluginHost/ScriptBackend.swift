public import ActorContract
public import HostErrors
public import LaunchProtocol
public import PluginOverlays
public import PluginProtocol
public import SystemLayer
public import Telemetry

/// A backend that is a script: each verb asks a fresh supervisor, and the host does what it asks for and may have.
public final class ScriptBackend: ActorBackend {
    /// What the script says that it is, checked.
    public let description: BackendDescription
    private let descriptor: PluginDescriptor
    private let entry: PluginEntry
    private let script: ScriptLoad
    private let pool: SupervisorPool
    private let companions: Companions
    private let layout: CgroupLayout
    private let required: [Protection]
    private let grants: Grants
    private let settings: [String: PluginValue]
    private let logger: Logger
    private let world: any World
    private let handlers: [BoundHandler]
    private let observer: (any CallObserver)?

    /// Loads a script in a supervisor that offers no host function.
    ///
    /// - Parameters:
    ///   - entry: the script.
    ///   - pool: where its supervisors come from.
    ///   - companions: the host's own programs.
    ///   - layout: where cgroups are.
    ///   - required: what must be applied to every workload that the launcher starts, or it does not start.
    ///   - grants: what the operator lets it do; nil: the defaults of where it came from.
    ///   - config: the operator's settings of the script, as written.
    ///   - assets: where it finds the assets of packs.
    ///   - logger: gets what the script prints and its traps.
    /// - Throws: what is wrong with the script, with file and line.
    public convenience init(
        entry: PluginEntry,
        pool: SupervisorPool,
        companions: Companions,
        layout: CgroupLayout,
        required: [Protection] = [],
        grants: Grants? = nil,
        config: [String: String] = [:],
        assets: AssetShelf? = nil,
        logger: Logger
    ) throws(HostError) {
        try self.init(
            entry: entry,
            pool: pool,
            companions: companions,
            layout: layout,
            required: required,
            grants: grants,
            config: config,
            logger: logger,
            world: Machinery(shelf: assets)
        )
    }

    /// The same over another world, or watched.
    ///
    /// - Parameters:
    ///   - entry: the script.
    ///   - pool: where its supervisors come from.
    ///   - companions: the host's own programs.
    ///   - layout: where cgroups are.
    ///   - required: what must be applied to every workload that the launcher starts, or it does not start.
    ///   - grants: what the operator lets it do; nil: the defaults of where it came from.
    ///   - config: the operator's settings of the script, as written.
    ///   - logger: gets what the script prints and its traps.
    ///   - descriptor: what a supervisor said of this very script before; nil asks one.
    ///   - world: what stands behind the handlers.
    ///   - handlers: what stands behind the rows.
    ///   - observer: told of every call.
    /// - Throws: what is wrong with the script, with file and line.
    package init(
        entry: PluginEntry,
        pool: SupervisorPool,
        companions: Companions,
        layout: CgroupLayout,
        required: [Protection] = [],
        grants: Grants? = nil,
        config: [String: String] = [:],
        logger: Logger,
        descriptor: PluginDescriptor? = nil,
        world: any World = Machinery(),
        handlers: [BoundHandler] = HostFunctions.all,
        observer: (any CallObserver)? = nil
    ) throws(HostError) {
        self.world = world
        self.handlers = handlers
        self.observer = observer
        self.entry = entry
        script = ScriptLoad(entry)
        self.pool = pool
        self.companions = companions
        self.layout = layout
        self.required = required
        self.grants = grants ?? (entry.origin == "shipped" ? .shipped : .standard)
        self.logger = logger
        let descriptor = if let descriptor { descriptor } else { try Self.descriptor(entry, pool: pool) }
        self.descriptor = descriptor
        settings = try descriptor.settings(config)
        description = descriptor.description(of: entry)
        for warning in descriptor.warnings {
            logger.warning("plugin", ["plugin.name": entry.name, "plugin.warning": warning])
        }
    }

    /// Asks a supervisor what a script is; nothing of the host is offered to it.
    ///
    /// - Throws: what is wrong with the script, with file and line.
    public static func describe(_ entry: PluginEntry, pool: SupervisorPool) throws(HostError) -> BackendDescription {
        try descriptor(entry, pool: pool).description(of: entry)
    }

    /// The same with every field that only scripts and their operators care about.
    ///
    /// - Throws: what is wrong with the script, with file and line.
    public static func descriptor(_ entry: PluginEntry, pool: SupervisorPool) throws(HostError) -> PluginDescriptor {
        if case .broken(let cause) = entry.state {
            let place = cause.contains(entry.path) ? "" : "\(entry.path): "
            throw HostError(.failedPrecondition, .plugin, "backend \"\(entry.name)\" is broken: \(place)\(cause)")
        }
        let supervisor = try pool.take()
        var buffer = FrameBuffer()
        // Loading is pure and short: its own budgets end it; the seconds are for a machine under load.
        let value = try ScriptLoad(entry).perform(in: supervisor, &buffer, until: ContinuousClock.now + .seconds(2))
        return try PluginDescriptor(value, entry: entry)
    }

    /// Refuses a need, a tool or a device that nobody granted, with how to grant it in the log.
    public func admit() throws(HostError) {
        guard let refusal = grants.refusal(of: descriptor, file: entry.fileName) else { return }
        logger.error("plugin grants", ["plugin.name": entry.name, "plugin.text": refusal])
        let first = refusal.split(separator: "\n").first.map(String.init) ?? refusal
        throw HostError(.failedPrecondition, .notGranted, first)
    }

    /// The revision, the settings, the grants, the kernel, and each tool and device as it is on disk now.
    public func circumstances() -> String {
        var lines = ["revision \(description.sha256)", "kernel \(Machine.kernel())"]
        lines += settings.sorted { $0.key < $1.key }.map { "config \($0.key) \(ValueCodec.encode($0.value))" }
        lines += grants.names.map { "grant \($0)" }
        lines += secrets.map { "secret \($0) \(FileIdentity.of($0))" }
        if grants.toolUser != 0 { lines.append("tool user \(grants.toolUser)") }
        for (name, path) in tools.merging(devices, uniquingKeysWith: { first, _ in first }).sorted(by: {
            $0.key < $1.key
        }) {
            lines.append("tool \(name) \(path) \(FileIdentity.of(path))")
        }
        return lines.joined(separator: "\n")
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
        try admit()
        let spare = try pool.take(for: script)
        let supervisor = spare.process
        // Gone when the verb is answered, whoever still holds it.
        defer { supervisor.end() }
        cancellation.onCancel { supervisor.kill() }
        let context = VerbContext(
            verb: verb.rawValue,
            actor: actor,
            request: request,
            effects: log,
            companions: companions,
            layout: layout,
            required: required,
            deadline: world.now() + .milliseconds(request.timeoutMilliseconds),
            cancellation: cancellation,
            grants: grants,
            file: entry.fileName,
            modules: ScriptLoad.order(entry),
            secrets: secrets,
            world: world
        )
        let broker = Broker(context, needs: descriptor.needs, handlers: handlers, observer: observer)
        do throws(HostError) {
            let answer = try converse(spare, broker, verb: verb)
            try context.waitForFilters(of: answer.processes, descriptor.isolation)
            if let failure = context.keptFailure { throw failure }
            let leaked = context.room.finish(keeping: answer.processes, client: answer.client)
            if !leaked.isEmpty {
                logger.warning(
                    "programs ended with the verb that started them",
                    [
                        "plugin.name": entry.name, "plugin.verb": verb.rawValue,
                        "plugin.leaked_handles": "\(leaked.count)",
                        "plugin.programs": leaked.map { $0.words(context.place) }.sorted().joined(separator: ", "),
                    ]
                )
            }
            return answer
        } catch {
            context.room.finish(keeping: [], client: nil)
            // What the verb started and nobody will hear of is ended here, and reaped: no handle goes to the caller.
            _ = ProcessStop.perform(kept: context.kept.filter { !actor.processes.contains($0) }, world: world)
            if cancellation.isCancelled { throw HostError(.cancelled, nil, "the verb was cancelled") }
            throw error
        }
    }

    private func converse(
        _ taken: SpareSupervisor,
        _ broker: Broker,
        verb: BackendVerb
    ) throws(HostError) -> VerbAnswer {
        let context = broker.context
        // The supervisor is a process of this machine, whatever the world of the handlers is.
        let deadline = ContinuousClock.now + .milliseconds(context.request.timeoutMilliseconds)
        var spare = taken
        try spare.load(script, until: min(deadline, ContinuousClock.now + .seconds(2)))
        let supervisor = spare.process
        let values = VerbValues(
            actor: context.actor,
            request: context.request,
            verb: verb,
            tools: tools,
            devices: devices,
            config: settings,
            network: descriptor.network,
            layout: context.layout
        )
        try supervisor.send(
            .verb(
                name: verb.rawValue,
                actor: values.actorValue(context.handles),
                request: values.requestValue,
                functions: broker.functions,
                deadlineMilliseconds: context.request.timeoutMilliseconds
            ),
            until: deadline
        )
        var calls = 0
        var lines = 0
        while true {
            // 200 ms past the deadline the supervisor is killed (lua §D.3).
            switch try supervisor.receive(&spare.buffer, until: deadline + .milliseconds(200)) {
            case .call(let function, let arguments, let line):
                calls += 1
                do throws(HostError) {
                    guard calls <= 100_000 else { throw Self.tooManyCalls(entry.name) }
                    let began = ContinuousClock.now
                    let answer = try broker.answer(function, arguments, line: line)
                    logger.log(
                        .debug,
                        "plugin call",
                        CallTrace.fields(
                            entry.name,
                            verb.rawValue,
                            function,
                            arguments,
                            context.place.label(line),
                            answer,
                            since: began
                        )
                    )
                    try supervisor.send(answer, until: deadline + .milliseconds(200))
                } catch {
                    supervisor.kill()
                    throw error
                }
            case .release(let handle, let line):
                calls += 1
                do throws(HostError) {
                    guard calls <= 100_000 else { throw Self.tooManyCalls(entry.name) }
                    let answer = try broker.release(handle, line: line)
                    try supervisor.send(answer, until: deadline + .milliseconds(200))
                } catch {
                    supervisor.kill()
                    throw error
                }
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
                logger.info(
                    "plugin",
                    ["plugin.name": entry.name, "plugin.line": context.place.label(line), "plugin.text": text]
                )
            case .trap(let trap): throw failure(trap)
            case .answer(let status, let result): return try settle(status, result, broker)
            case .descriptor:
                supervisor.kill()
                throw HostError(.internal, .plugin, "plugin protocol: a second descriptor")
            }
        }
    }

    private static func tooManyCalls(_ name: String) -> HostError {
        HostError(.resourceExhausted, .plugin, "\(name): more than 100,000 host calls in one verb")
    }

    /// The granted tools that the script asked for.
    private var tools: [String: String] { grants.tools.filter { descriptor.tools[$0.key] != nil } }

    /// The files that the operator named for the script's settings of type secret.
    private var secrets: [String] {
        settings.sorted { $0.key < $1.key }.compactMap { name, value in
            guard descriptor.config[name]?.type == "secret", case .text(let path) = value else { return nil }
            return path
        }
    }

    /// The granted devices that the script asked for.
    private var devices: [String: String] { grants.devices.filter { descriptor.devices[$0.key] != nil } }

    private func failure(_ trap: TrapFrame) -> HostError {
        let code: HostError.Code = trap.code.hasPrefix("budget.") ? .resourceExhausted : .internal
        logger.error(
            "plugin trap",
            ["plugin.name": entry.name, "plugin.trap": trap.code, "plugin.text": trap.message]
        )
        // The supervisor chose the words: it may have chosen none.
        let first = trap.message.split(separator: "\n").first.map(String.init) ?? "trap \(trap.code)"
        return HostError(code, .plugin, first, context: ["plugin.trap": trap.code])
    }

    /// The program that exec answered, which goes on when the verb has ended.
    private func client(_ value: PluginValue?, _ context: VerbContext) throws(HostError) -> KeptProcess {
        guard case .handle(let handle)? = value, case .live(let process) = context.processes.find(handle),
            let program = process.handle, process.isClient
        else {
            throw HostError(
                .internal,
                .plugin,
                "\(entry.name): exec answered a process that has not the caller's streams: start it with stdio = \"client\""
            )
        }
        return KeptProcess(
            name: process.name,
            pid: program.pid,
            startTime: program.startTime,
            nonce: "",
            leaf: process.leafName
        )
    }

    private func settle(_ status: String, _ result: PluginValue, _ broker: Broker) throws(HostError) -> VerbAnswer {
        let checked: PluginValue
        do throws(ArgumentFault) {
            checked = try AnswerCheck.check(
                status,
                result,
                verb: broker.context.verb,
                network: descriptor.network,
                mayHold: broker.context.request.mayHold
            )
        } catch {
            throw HostError(.internal, .plugin, "plugin protocol: \(error.message)")
        }
        guard let known = PluginStatus(rawValue: status) else {
            throw HostError(.internal, .plugin, "\(entry.name) answered the unknown status \"\(status)\"")
        }
        guard known == .ok else {
            let reason: String = if case .text(let text) = checked { text } else { status }
            // What the host refused and the script only passed on is no mistake of the script.
            if broker.refusal?.status == status, broker.refusal?.reason == reason {
                throw HostError(
                    known.code,
                    nil,
                    reason,
                    context: ["plugin.name": entry.name, "plugin.status": status]
                )
            }
            throw HostError(known.code, .plugin, "\(entry.name): \(reason)", context: ["plugin.status": status])
        }
        var answer = VerbAnswer(checked, kept: broker.context.kept)
        if broker.context.verb == "exec", case .map(let fields) = checked {
            answer.client = try client(fields["process"], broker.context)
        }
        return answer
    }
}
