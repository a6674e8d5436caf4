public import ActorContract

/// Requests → bytes, for our own clients; the identity's key decides the dialect.
extension ContractWire {
    /// Encodes a Run.
    public static func encode(_ run: RunRequest) -> [UInt8] {
        let dialect = run.identity.dialect
        var message = start(.run, run.identity, run.slot, run.spec)
        if let assets = run.assets { message.add(assets, dialect) }
        if dialect == .autumn { addLimits(run, to: &message) }
        return message.encoded()
    }

    /// Encodes a Checkpoint, whose workload goes without its environment.
    public static func encode(_ checkpoint: CheckpointRequest) -> [UInt8] {
        let dialect = checkpoint.identity.dialect
        var spec = checkpoint.spec
        for index in spec.containers.indices { spec.containers[index].environment = [] }
        var message = start(.checkpoint, checkpoint.identity, checkpoint.slot, spec)
        message.add(checkpoint.place, shared: false, dialect)
        message.add("scope", checkpoint.scope.number)
        return message.encoded()
    }

    /// Encodes a Restore, in the later of autumn's variants.
    public static func encode(_ restore: RestoreRequest) -> [UInt8] {
        let dialect = restore.run.identity.dialect
        var message = start(.restore, restore.run.identity, restore.run.slot, restore.run.spec)
        message.add(restore.place, shared: dialect == .autumn && restore.shared, dialect)
        message.add("scope", restore.scope.number)
        guard dialect == .autumn else { return message.encoded() }
        if !restore.baseURI.isEmpty {
            var base = WireMessage(.restoreConfiguration)
            base.add("snapshot_uri", restore.baseURI)
            if restore.baseShared { base.add("sharing", Int32(2)) }
            message.add("base_config", .bytes(base.encoded()))
        }
        if let assets = restore.run.assets { message.add(assets, dialect) }
        addLimits(restore.run, to: &message)
        return message.encoded()
    }

    /// Encodes a Terminate.
    public static func encode(_ terminate: TerminateRequest) -> [UInt8] {
        start(.terminate, terminate.identity, terminate.slot, terminate.spec).encoded()
    }

    /// Encodes an UploadPausedCheckpoint.
    public static func encode(_ upload: UploadPausedCheckpointRequest) -> [UInt8] {
        var message = WireMessage(.autumnUpload)
        message.add(upload.identity)
        message.add("local_snapshot_name", upload.snapshotName)
        message.add("destination_snapshot_uri", upload.destinationURI)
        if let scope = upload.scope { message.add("desired_scope", scope.number) }
        message.add("keep_local", upload.keepLocal)
        return message.encoded()
    }

    /// Encodes a PruneLocalCheckpoints.
    public static func encode(_ prune: PruneLocalCheckpointsRequest) -> [UInt8] {
        var message = WireMessage(.autumnPrune)
        message.add(prune.identity)
        return message.encoded()
    }

    private static func start(
        _ method: ContractMethod,
        _ identity: ActorIdentity,
        _ slot: String,
        _ spec: WorkloadSpec
    ) -> WireMessage {
        let dialect = identity.dialect
        // Terminate exists in autumn alone, and is encoded as autumn whatever the key says.
        var message = WireMessage(method.schema(dialect) ?? .autumnTerminate)
        message.add("target_ateom_uid", slot)
        if method.schema(dialect) != nil { message.add(identity) }
        message.add(spec, method.schema(dialect) == nil ? .autumn : dialect)
        return message
    }

    private static func addLimits(_ run: RunRequest, to message: inout WireMessage) {
        if let address = run.egressGateway { message.add("egress_gateway") { $0.add("address", address) } }
        message.add("cpu_milli", run.cpuMilli)
        message.add("memory_bytes", run.memoryBytes)
    }
}
