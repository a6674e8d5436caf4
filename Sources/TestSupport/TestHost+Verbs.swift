public import ActorContract
public import ContractWire
public import GRPCTransport
import Glibc
import HostErrors
import SystemLayer

extension TestHost {
    /// What a verb was answered.
    public typealias Answer = Result<[UInt8], RPCStatus>

    /// A request that runs the counter, or what `change` makes of it.
    ///
    /// - Parameters:
    ///   - name: the actor's.
    ///   - change: of its one container.
    /// - Returns: the request.
    /// - Throws: when the counter's image does not build.
    public func request(_ name: String, _ change: (inout Container) -> Void = { _ in }) async throws -> RunRequest {
        var container = Container()
        container.name = "main"
        container.image = try await CounterImage.reference()
        container.command = ["/counter"]
        container.readiness = ReadinessProbe(path: "/readyz", port: 8080)
        container.volumeMounts = [VolumeMount(name: "data", mountPath: "/data")]
        change(&container)
        var spec = WorkloadSpec()
        spec.containers = [container]
        spec.volumes = [Volume(name: "data", source: .durableDirectory)]
        var assets = SandboxAssets()
        assets.sandboxClass = backend
        let key = ActorKey.autumn(atespace: "test", name: name)
        let identity = ActorIdentity(key: key, uid: "uid-\(name)", templateNamespace: "test", template: "counter")
        return RunRequest(identity: identity, slot: "slot-\(name)", spec: spec, assets: assets)
    }

    /// Calls a method.
    ///
    /// - Parameters:
    ///   - path: its full name.
    ///   - bytes: the request.
    /// - Returns: the failure, with its reason behind it, or nil.
    public func call(_ path: String, _ bytes: [UInt8]) async -> String? {
        guard let client = try? client else { return "there is no host" }
        guard case .failure(let status) = await client.unary(path, bytes).0 else { return nil }
        return status.message + (StatusDetails.reason(status.details).map { " (\($0.rawValue))" } ?? "")
    }

    /// Calls a method of the host's own service.
    ///
    /// - Parameters:
    ///   - method: which.
    ///   - request: its request.
    ///   - answer: the type of its answer.
    /// - Returns: the answer.
    /// - Throws: the `RPCStatus` of a failure.
    public func call<Reply: HostMessage>(
        _ method: HostMethod,
        _ request: some HostMessage,
        as answer: Reply.Type
    ) async throws -> Reply {
        try Reply(decoding: try await client.unary(method.path, request.encoded()).0.get())
    }

    /// Run.
    ///
    /// - Parameters:
    ///   - request: what to run.
    ///   - timeout: nil takes as long as it takes.
    /// - Returns: the answer.
    /// - Throws: when no host was started.
    public func run(_ request: RunRequest, timeout: Duration? = nil) async throws -> Answer {
        try await client.unary(ContractMethod.run.path, ContractWire.encode(request), timeout: timeout).0
    }

    /// Terminate, which must succeed.
    ///
    /// - Parameter request: what was run.
    /// - Throws: the `RPCStatus` of a failure.
    public func terminate(_ request: RunRequest) async throws {
        let terminate = TerminateRequest(identity: request.identity, slot: request.slot, spec: WorkloadSpec())
        _ = try await client.unary(ContractMethod.terminate.path, ContractWire.encode(terminate)).0.get()
    }

    /// What the host says about all actors.
    ///
    /// - Returns: all.
    /// - Throws: the `RPCStatus` of a failure.
    public func actors() async throws -> [HostMessages.Actor] {
        try await call(.list, HostMessages.ListRequest(), as: HostMessages.ListResponse.self).actors
    }

    /// What it says about one.
    ///
    /// - Parameter name: its name or key.
    /// - Returns: it.
    /// - Throws: the `RPCStatus` of a failure.
    public func actor(_ name: String) async throws -> HostMessages.Actor {
        try await call(.get, HostMessages.GetRequest(actor: name), as: HostMessages.Actor.self)
    }

    /// Opens a loopback port into an actor's 8080.
    ///
    /// - Parameter name: its name or key.
    /// - Returns: the loopback port.
    /// - Throws: the `RPCStatus` of a failure.
    public func publish(_ name: String) async throws -> Int {
        let request = HostMessages.PublishRequest(actor: name, port: 8080)
        return try await call(.publish, request, as: HostMessages.PublishResponse.self).port
    }

    /// Waits until an actor has a status.
    ///
    /// - Parameters:
    ///   - name: its name or key.
    ///   - status: the status's word.
    ///   - seconds: how long.
    /// - Returns: it.
    /// - Throws: `TestFailure` with the status that it has.
    @discardableResult
    public func reaches(_ name: String, _ status: String, seconds: Int = 5) async throws -> HostMessages.Actor {
        var last = "not there"
        do {
            return try await eventually("\(name) is \(status)", seconds: seconds) {
                guard let actor = try? await self.actor(name) else { return nil }
                last = "\(actor.status) \(actor.reason) \(actor.message)"
                return actor.status == status ? actor : nil
            }
        } catch let error as TestFailure {
            throw TestFailure("\(error); it is \(last)\n\(log)")
        }
    }

    /// Runs `substrate-host stop` as a process of its own.
    ///
    /// - Parameter name: the actor's.
    /// - Returns: its exit code and how long it took.
    /// - Throws: when it does not start.
    public func stopFromOutside(_ name: String) async throws -> (code: Int32, took: Duration) {
        let clock = ContinuousClock.now
        let stop = try await command("stop", name)
        return (stop.code, ContinuousClock.now - clock)
    }
}
