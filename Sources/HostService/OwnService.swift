import ActorContract
public import ActorLifecycle
public import ContractWire
public import GRPCTransport
import HostErrors
public import Telemetry

/// `substrate.host.v1.Host`: what the command line talks to.
public struct OwnService: Sendable {
    let host: ActorHost
    let handlers: Handlers
    let executions = Executions()
    let backends: @Sendable () -> [HostMessages.Backend]

    /// Makes the service.
    ///
    /// - Parameters:
    ///   - host: what it calls.
    ///   - backends: what was found, from where.
    ///   - logger: for failures.
    public init(host: ActorHost, backends: @escaping @Sendable () -> [HostMessages.Backend], logger: Logger) {
        self.host = host
        self.backends = backends
        handlers = Handlers(logger: logger)
    }

    /// Its methods by HTTP/2 path.
    public var methods: [String: Method] {
        var methods: [String: Method] = [:]
        for method in HostMethod.allCases {
            switch method {
            case .watch: methods[method.path] = .serverStream { await watch($0, $1, $2) }
            case .logs: methods[method.path] = .serverStream { await logs($0, $1, $2) }
            case .exec: methods[method.path] = .serverStream { await exec($0, $1, $2) }
            default:
                methods[method.path] = .unary { context, bytes in
                    await handlers.reply(context) { () async throws(HostError) in
                        (try await answer(method, context, bytes), [])
                    }
                }
            }
        }
        return methods
    }

    private func answer(_ method: HostMethod, _ context: CallContext, _ bytes: [UInt8]) async throws(HostError)
        -> [UInt8]
    {
        let verb = Handlers.verb(context, otherwise: 60_000)
        switch method {
        case .list:
            _ = try HostMessages.ListRequest(decoding: bytes)
            return HostMessages.ListResponse(actors: host.list().map(message)).encoded()
        case .get:
            let key = try host.resolve(try HostMessages.GetRequest(decoding: bytes).actor)
            return message(try host.get(key)).encoded()
        case .start:
            let key = try host.resolve(try HostMessages.StartRequest(decoding: bytes).actor)
            try await host.start(key, context: verb)
            return message(try host.get(key)).encoded()
        case .stop:
            let request = try HostMessages.StopRequest(decoding: bytes)
            let key = try host.resolve(request.actor)
            var context = verb
            if request.graceMs > 0 { context.graceMilliseconds = request.graceMs }
            try await host.stop(key, context: context)
            return message(try host.get(key)).encoded()
        case .remove:
            let key = try host.resolve(try HostMessages.RemoveRequest(decoding: bytes).actor)
            try await host.remove(key, context: verb)
            return HostMessages.RemoveResponse().encoded()
        case .backends:
            _ = try HostMessages.BackendsRequest(decoding: bytes)
            return HostMessages.BackendsResponse(backends: backends()).encoded()
        case .publish:
            let request = try HostMessages.PublishRequest(decoding: bytes)
            let key = try host.resolve(request.actor)
            let port = try await host.publish(key, port: request.port, hostPort: request.hostPort)
            return HostMessages.PublishResponse(host: "127.0.0.1", port: port).encoded()
        case .forget:
            let request = try HostMessages.ForgetRequest(decoding: bytes)
            host.forget(try host.resolve(request.actor), port: request.port)
            return HostMessages.ForgetResponse().encoded()
        case .stats:
            let key = try host.resolve(try HostMessages.StatsRequest(decoding: bytes).actor)
            let used = try await host.statistics(key)
            var response = HostMessages.StatsResponse(
                memoryBytes: used.memoryBytes ?? -1,
                cpuNs: used.cpuNanoseconds ?? -1,
                pids: used.pids ?? -1,
                source: used.source.rawValue
            )
            response.egressConnections = used.egress?.connections ?? -1
            response.egressRefused = used.egress?.refused ?? -1
            response.egressBytesOut = used.egress?.bytesOut ?? -1
            response.egressBytesIn = used.egress?.bytesIn ?? -1
            return response.encoded()
        case .metrics:
            _ = try HostMessages.MetricsRequest(decoding: bytes)
            return HostMessages.MetricsResponse(text: host.metricsText()).encoded()
        case .checkpointActor: return try await checkpoint(bytes, verb)
        case .restoreActor: return try await restore(bytes, verb)
        case .execInput: return try await execInput(try HostMessages.ExecInputRequest(decoding: bytes))
        case .watch, .logs, .exec: throw HostError(.internal, nil, "\(method.rawValue) is a stream")
        }
    }

    private func checkpoint(_ bytes: [UInt8], _ verb: VerbContext) async throws(HostError) -> [UInt8] {
        let request = try HostMessages.CheckpointActorRequest(decoding: bytes)
        let key = try host.resolve(request.actor)
        let record = try host.get(key)
        let named = SnapshotScope(rawValue: request.scope)
        guard let scope = request.scope.isEmpty ? try await host.widestScope(of: record) : named else {
            throw HostError(.invalidArgument, nil, "scope is \"\(request.scope)\": scopes are full and data")
        }
        let name = request.name.isEmpty ? "\(key.name)-\(WallClock.nanoseconds() / 1_000_000)" : request.name
        guard name.utf8.count <= 255, !name.hasPrefix("."), !name.contains("/"), !name.utf8.contains(0) else {
            throw HostError(
                .invalidArgument,
                nil,
                "name is \"\(name)\": a snapshot's name has no slash and begins with no dot"
            )
        }
        try await host.checkpoint(
            CheckpointRequest(
                identity: record.identity,
                slot: record.slot,
                spec: record.spec,
                place: .local(name),
                scope: scope
            ),
            context: verb
        )
        return HostMessages.CheckpointActorResponse(snapshot: name, scope: scope.rawValue).encoded()
    }

    private func restore(_ bytes: [UInt8], _ verb: VerbContext) async throws(HostError) -> [UInt8] {
        let request = try HostMessages.RestoreActorRequest(decoding: bytes)
        let key = try host.resolve(request.actor)
        try await host.restore(
            key,
            snapshot: request.snapshot.isEmpty ? nil : request.snapshot,
            slot: request.slot.isEmpty ? nil : request.slot,
            context: verb
        )
        return message(try host.get(key)).encoded()
    }

    func message(_ record: ActorRecord) -> HostMessages.Actor {
        let live = record.status == .ready
        return HostMessages.Actor(
            actor: record.identity.key.text,
            uid: record.identity.uid,
            slot: record.slot,
            backend: record.backend,
            status: record.status.rawValue,
            reason: record.reason.rawValue,
            pid: Int(live ? record.processes.first?.pid ?? 0 : 0),
            address: live ? record.address ?? "169.254.17.2" : "",
            published: host.ports(record.identity.key).map {
                HostMessages.Published(host: "127.0.0.1", port: $0.hostPort, actorPort: $0.actorPort)
            },
            sinceUnixMs: record.sinceMilliseconds,
            phases: record.phases.map { HostMessages.Phase(name: $0.name, ms: $0.milliseconds, program: $0.program) },
            isolation: live
                ? IsolationLevel.effective(
                    claim: record.claim ?? host.backendDescription.isolation,
                    processes: record.processes
                )
                .rawValue : "",
            sandboxClass: record.sandboxClass,
            message: record.message,
            snapshots: record.snapshot.isEmpty ? [] : [record.snapshot],
            containers: record.spec.containers.map(\.name),
            applied: live ? IsolationLevel.common(record.processes) : [],
            claim: record.claim ?? "",
            claimedBy: record.claimedBy ?? "",
            tokenSHA256: record.tokenSHA256 ?? ""
        )
    }
}
