public import ActorContract
public import HostErrors

extension ContractWire {
    /// Decodes and validates a Run, but for its assets: see `Validation.assets`.
    public static func decodeRun(_ bytes: [UInt8], dialect: Dialect) throws(HostError) -> RunRequest {
        try run(from: message(bytes, .run, dialect), dialect)
    }

    /// Decodes and validates a Checkpoint.
    public static func decodeCheckpoint(
        _ bytes: [UInt8],
        dialect: Dialect
    ) throws(HostError) -> CheckpointRequest {
        let message = try message(bytes, .checkpoint, dialect)
        let common = try common(message, dialect)
        let scope = try Validation.scope(message.number32("scope"), use: .checkpoint, dialect: dialect)
        let place = try Validation.place(message.rawPlace(dialect), dialect: dialect)
        try Validation.workload(common.spec, dialect: dialect)
        return CheckpointRequest(
            identity: common.identity,
            slot: common.slot,
            spec: common.spec,
            place: place,
            scope: scope
        )
    }

    /// Decodes and validates a Restore, but for its assets: see `Validation.assets`.
    public static func decodeRestore(_ bytes: [UInt8], dialect: Dialect) throws(HostError) -> RestoreRequest {
        let message = try message(bytes, .restore, dialect)
        let common = try common(message, dialect)
        let scope = try Validation.scope(message.number32("scope"), use: .restore, dialect: dialect)
        let place = try Validation.place(message.rawPlace(dialect), dialect: dialect)
        var run = RunRequest(identity: common.identity, slot: common.slot, spec: common.spec)
        if dialect == .autumn { try takeAutumn(message, into: &run) }
        try Validation.workload(common.spec, dialect: dialect)
        var request = RestoreRequest(run: run, place: place, scope: scope)
        guard dialect == .autumn else { return request }
        request.shared = message.message("external_config")?.number32("sharing") == 2
        (request.baseURI, request.baseShared) = try base(message.bytes("base_config"))
        try Validation.base(request.baseURI, isPresent: message.has("base_config"), scope: scope)
        return request
    }

    /// Decodes and validates a Terminate (autumn).
    public static func decodeTerminate(_ bytes: [UInt8]) throws(HostError) -> TerminateRequest {
        let common = try common(message(bytes, .terminate, .autumn), .autumn)
        // How the workload is laid out no longer matters: it is going.
        return TerminateRequest(identity: common.identity, slot: common.slot, spec: common.spec)
    }

    /// Decodes and validates an UploadPausedCheckpoint (autumn).
    public static func decodeUploadPausedCheckpoint(
        _ bytes: [UInt8]
    ) throws(HostError) -> UploadPausedCheckpointRequest {
        let message = try message(bytes, .uploadPausedCheckpoint, .autumn)
        let identity = message.identity(.autumn)
        try Validation.identity(identity)
        let name = message.string("local_snapshot_name")
        try Validation.resourceName(name, at: "local_snapshot_name")
        let uri = message.string("destination_snapshot_uri")
        try Validation.externalPrefix(uri, at: "destination_snapshot_uri", dialect: .autumn)
        let number = message.number32("desired_scope")
        let scope: SnapshotScope? =
            switch number {
            case 0: nil
            case 1: .full
            case 2: .data
            default:
                throw HostError(.invalidArgument, nil, "desired_scope: invalid snapshot scope: \(number)")
            }
        return UploadPausedCheckpointRequest(
            identity: identity,
            snapshotName: name,
            destinationURI: uri,
            scope: scope,
            keepLocal: message.integer("keep_local") != 0
        )
    }

    /// Decodes and validates a PruneLocalCheckpoints (autumn).
    public static func decodePruneLocalCheckpoints(
        _ bytes: [UInt8]
    ) throws(HostError) -> PruneLocalCheckpointsRequest {
        let identity = try message(bytes, .pruneLocalCheckpoints, .autumn).identity(.autumn)
        try Validation.identity(identity)
        return PruneLocalCheckpointsRequest(identity: identity)
    }

    static func run(from message: WireMessage, _ dialect: Dialect) throws(HostError) -> RunRequest {
        let common = try common(message, dialect)
        var run = RunRequest(identity: common.identity, slot: common.slot, spec: common.spec)
        if dialect == .autumn { try takeAutumn(message, into: &run) } else { run.assets = message.assets(.june) }
        try Validation.workload(common.spec, dialect: dialect)
        return run
    }

    private static func message(
        _ bytes: [UInt8],
        _ method: ContractMethod,
        _ dialect: Dialect
    ) throws(HostError) -> WireMessage {
        guard let schema = method.schema(dialect) else {
            throw HostError(.unimplemented, .verbUnsupported, "\(method.rawValue) is not a method of \(dialect)")
        }
        return try WireDecoder.decode(bytes, as: schema)
    }

    private typealias Common = (identity: ActorIdentity, slot: String, spec: WorkloadSpec)

    /// The first three steps of every check, in the contract's order: who, where, which containers.
    private static func common(_ message: WireMessage, _ dialect: Dialect) throws(HostError) -> Common {
        let identity = message.identity(dialect)
        try Validation.identity(identity)
        let slot = message.string("target_ateom_uid")
        try Validation.slot(slot, dialect: dialect)
        let spec = try message.workload(dialect)
        try Validation.containerNames(spec, dialect: dialect)
        return (identity, slot, spec)
    }

    /// What autumn's Run and Restore have beyond June's.
    private static func takeAutumn(_ message: WireMessage, into run: inout RunRequest) throws(HostError) {
        run.assets = message.assets(.autumn)
        run.cpuMilli = message.integer("cpu_milli")
        run.memoryBytes = message.integer("memory_bytes")
        if let gateway = message.message("egress_gateway") {
            let address = gateway.string("address")
            _ = try GatewayAddress(address)
            run.egressGateway = address
        }
        try Validation.limits(memoryBytes: run.memoryBytes, cpu: run.cpuMilli, at: "")
    }

    /// Restore's field 12 in either of its forms: a message begins with 0x0A, which no URI does.
    ///
    /// A URI alone does not say that it is shared.
    private static func base(_ bytes: [UInt8]) throws(HostError) -> (uri: String, isShared: Bool) {
        guard let first = bytes.first else { return ("", false) }
        // A message that holds only `sharing` begins with that field's tag.
        if first == 0x0A || first == 0x10 {
            do throws(HostError) {
                let base = try WireDecoder.decode(bytes, as: .restoreConfiguration)
                return (base.string("snapshot_uri"), base.number32("sharing") == 2)
            } catch { throw HostError(error.code, nil, "base_config: \(error.message)") }
        }
        guard !bytes.contains(0), let uri = String(validating: bytes, as: UTF8.self) else {
            throw HostError(.invalidArgument, nil, "base_config: must be valid UTF-8 without NUL bytes")
        }
        return (uri, false)
    }
}
