public import ActorContract
import Assets
public import HostErrors
import Images
import Snapshots
import Synchronization
import SystemLayer
import Telemetry
import Transfer

/// Run and Restore: ways into `ready`, one path for them and for Start.
extension ActorHost {
    /// Runs an actor until it answers.
    ///
    /// - Returns: the verb's phases; empty when it was a repeat.
    /// - Throws: see `HostErrors.Reason`; the actor is torn down before a failure is reported.
    @discardableResult
    public func run(_ request: RunRequest, context: VerbContext) async throws(HostError) -> [Phase] {
        try await enter(request, restore: nil, context: context)
    }

    /// Restores an actor from a snapshot until it answers.
    ///
    /// - Throws: as `run`; `notFound` without such a snapshot, `dataLoss` when it does not verify,
    ///   `failedPrecondition` when it does not fit this machine.
    @discardableResult
    public func restore(_ request: RestoreRequest, context: VerbContext) async throws(HostError) -> [Phase] {
        var source = RestoreSource(place: request.place, scope: request.scope, isShared: request.shared)
        if request.scope == .dataOnGolden {
            source.golden = .init(uri: request.baseURI, isShared: request.baseShared)
        }
        if source.isExternal { _ = try served() }
        return try await enter(request.run, restore: source, context: context)
    }

    func enter(
        _ request: RunRequest,
        restore: RestoreSource?,
        context: VerbContext,
        again: Bool = false
    ) async throws(HostError) -> [Phase] {
        try refuseWhenDraining()
        // A saved script is read here and not later: what begins now ends with the revision that it began with.
        let newest = try await Offload.run { () throws(HostError) in self.backend.newest() }
        if let restore { try checkScope(restore.scope, by: newest.description) }
        try checkRequest(request, by: newest.description)
        try checkMounts(request, by: newest.description)
        try checkUsers(by: newest.description)
        if request.egressGateway != nil {
            try await Offload.run { () throws(HostError) in try self.checkEgress(request) }
        }
        try await checkBundles(request.spec)
        try newest.admit()
        let verb = again ? "start" : restore == nil ? "run" : "restore"
        let canonical = request.canonicalBytes(hashing: { keyedHash(key: secret, [UInt8]($0.utf8)) })
        let asked = hexadecimal(keyedHash(key: secret, canonical))
        let fingerprint = hexadecimal(keyedHash(key: secret, canonical + [UInt8]((restore?.text ?? "").utf8)))
        let (entry, isNew) = known(request)
        let operation: Operation
        switch await entry.claim(verb) {
        case .success(let claimed): operation = claimed
        case .failure(let error): throw error
        }
        defer { entry.release(operation) }
        let standing = entry.record
        if !isNew, standing.status.isLive, standing.status != .created {
            if standing.fingerprint == fingerprint, standing.status == .ready { return [] }
            throw HostError(
                .failedPrecondition,
                .actorRunning,
                "actor \(entry.key.text) is live (\(standing.status.rawValue)) with another request: stop or terminate it first"
            )
        }
        try refuseOutside(standing)
        let clock = PhaseClock()
        let patience = context.deadline ?? ContinuousClock.now + .milliseconds(context.timeoutMilliseconds)
        let result: Result<any ActorBackend, HostError> = await withTaskCancellationHandler {
            do throws(HostError) {
                var resolved: ResolvedRestore?
                if let restore {
                    resolved = try await clock.measure("manifest_fetch") { () async throws(HostError) in
                        try await Offload.run { () throws(HostError) in
                            try self.resolve(restore, request, newest: newest, operation)
                        }
                    }
                }
                let serving = resolved?.serving ?? newest
                try await occupy(
                    request.slot,
                    for: entry,
                    dialect: request.identity.dialect,
                    operation: operation,
                    until: patience
                )
                try await beginning.enter(verb, operation, until: patience)
                defer { beginning.leave() }
                let isThawed = try await thaw(
                    entry,
                    restore,
                    request: asked,
                    fingerprint: fingerprint,
                    by: serving,
                    operation: operation,
                    clock: clock,
                    context: context
                )
                if isThawed { return .success(serving) }
                await dropClaimed(entry, "it begins anew")
                try await bring(
                    entry,
                    request,
                    serving: serving,
                    fingerprint: fingerprint,
                    resolved: resolved,
                    again: again,
                    operation: operation,
                    clock: clock,
                    context: context
                )
                return .success(serving)
            } catch {
                await settleFailure(entry, error, operation: operation)
                // However a cancelled verb came to its end, that is not why.
                return .failure(operation.isCancelled ? HostError(.cancelled, nil, "the verb was cancelled") : error)
            }
        } onCancel: {
            operation.cancel()
        }
        let serving = try result.get()
        entry.with { $0.request = asked }
        let phases = settle(clock, of: entry)
        let processes = entry.record.processes
        let isolation = IsolationLevel.effective(claim: serving.description.isolation, processes: processes)
        logger.info(
            "verb is done",
            [
                "actor.id": entry.key.text, "verb": verb, "phases": clock.table.text,
                "isolation": isolation.rawValue, "applied": IsolationLevel.common(processes).joined(separator: " "),
                "readiness.tries": "\(entry.with { $0.readinessTries })",
            ]
        )
        return phases
    }

    /// Brings an actor up; a thrown error leaves everything to `settleFailure`.
    private func bring(
        _ entry: ActorEntry,
        _ request: RunRequest,
        serving: any ActorBackend,
        fingerprint: String,
        resolved: ResolvedRestore?,
        again: Bool,
        operation: Operation,
        clock: PhaseClock,
        context: VerbContext
    ) async throws(HostError) {
        let key = entry.key
        var spec = request.spec
        var environments: [String: [EnvironmentEntry]] = [:]
        for index in spec.containers.indices {
            environments[spec.containers[index].name] = spec.containers[index].environment
            spec.containers[index].environment = []
        }
        let bare = spec
        let secrets = environments
        let hasEnvironment = environments.values.contains { !$0.isEmpty }
        // A run has no such phase, but every table has the same columns.
        let obtained = try await clock.measure("download") { () async throws(HostError) in
            guard let resolved else { return ObtainedRestore?.none }
            return try await Offload.run { () throws(HostError) in try self.obtain(resolved, operation) }
        }
        defer {
            for scratch in obtained?.scratch ?? [] { Offload.later { try? DirectoryTree.remove(scratch) } }
        }
        let snapshot = obtained?.snapshot
        let files = resolved?.assets ?? request.assets?.assets[settings.architecture] ?? [:]
        let pause = request.assets?.pauseImage ?? resolved?.manifest.pauseImage ?? ""
        // Nothing of the actor is changed yet: what the backend cannot do here is refused before.
        let probed = try await probed(serving, files, operation, clock)
        try Self.refuse(
            probed.answer,
            verb: resolved == nil ? .run : .restore,
            scope: resolved?.scope,
            cpuMilli: request.spec.containers.map(\.cpuMillis).reduce(request.cpuMilli, max),
            memoryBytes: request.spec.containers.map(\.memoryBytes).reduce(request.memoryBytes, max)
        )
        try refuseCancelled(operation)
        entry.with { $0.environments = secrets }
        let before = entry.record
        let needsTeardown = before.needsTeardown
        if before.warmSlot != nil {
            try await Offload.run { () throws(HostError) in try self.teardown(before) }
        }
        try takeRange(entry, by: serving.description)
        let token = Self.newToken()
        // A runtime that has taken its interface no longer learns of a way out.
        let isCold = request.egressGateway != nil && serving.description.needsInterface
        let warmed = isCold ? nil : takeWarm(serving, probed, pauseImage: pause)
        defer { fillWarm(serving, probed, pauseImage: pause) }
        do throws(HostError) {
            try move(entry, to: .pulling) { record in
                record.identity = request.identity
                record.slot = request.slot
                record.backend = serving.description.name
                record.backendSHA256 = serving.description.sha256
                record.claim = serving.description.isolation
                record.claimedBy = "\(serving.description.path) (\(serving.description.origin))"
                record.fingerprint = fingerprint
                record.spec = bare
                record.assets = files
                record.warmSlot = warmed?.name
                record.tokenSHA256 = SHA256.hex(of: Array(token.utf8))
                record.address = nil
                record.pauseImage = pause.isEmpty ? nil : pause
                record.probed = probed.answer.probed.isEmpty ? nil : probed.answer.probed
                record.sandboxClass = request.assets?.sandboxClass ?? resolved?.manifest.sandboxClass ?? ""
                record.cpuMilli = request.cpuMilli
                record.memoryBytes = request.memoryBytes
                record.egressGateway = request.egressGateway
                record.hasEnvironment = hasEnvironment
                // Start and Restore go on with what the script told last; Run begins anew.
                if resolved == nil, !again { record.state = [] }
                record.needsTeardown = true
            }
        } catch {
            // No record says whose it is.
            if let warmed { discard([warmed]) }
            throw error
        }
        let assets = try await Offload.phase("sandbox_assets", clock) { () throws(HostError) in
            try self.cached(entry.record.assets, for: serving.description) { operation.isCancelled }
        }
        let prepared = try await Offload.phase("oci_unpack", clock) { () throws(HostError) in
            try self.prepare(
                entry.record,
                assets: assets,
                environments: secrets,
                warmed: warmed,
                for: serving.description,
                keepsImages: resolved != nil || again,
                operation
            )
        }
        // Journalled with what the verb leaves.
        entry.with { state in
            state.layers = Dictionary(
                prepared.containers.map { ($0.container.name, $0.layers) },
                uniquingKeysWith: { $1 }
            )
            state.record.defaults = Dictionary(
                prepared.containers.map { ($0.container.name, $0.defaults) },
                uniquingKeysWith: { $1 }
            )
        }
        try refuseCancelled(operation)
        let log = VerbLog(journal: journal, key: key, verb: operation.verb)
        try await Offload.phase("volume_mount", clock) { () throws(HostError) in
            // What a killed host may have left is gone before anything new is made; a new actor has nothing to take down.
            // A warm slot is something new already.
            if needsTeardown || self.hasSurroundings(key) { try self.teardown(key) }
            try self.makeSurroundings(
                entry.record,
                of: serving.description,
                token: token,
                keepRoots: again,
                keepVolumes: again,
                log: log
            )
            try self.openEgress(entry.record, of: serving.description, isAgain: false)
        }
        if let obtained {
            try await Offload.phase("volume_restore", clock) { () throws(HostError) in
                try self.place(obtained, resolved?.scope ?? .data, for: entry.record)
            }
        }
        try refuseCancelled(operation)
        try move(entry, to: resolved == nil ? .starting : .restoring) { record in
            if serving.description.isOutside { record.owesStop = true }
        }
        var ask = VerbRequest()
        ask.timeoutMilliseconds = context.timeoutMilliseconds
        ask.scope = resolved?.scope
        if let snapshot {
            ask.snapshotDirectory = directories(key).restoreState
            ask.snapshotFiles = (snapshot.manifest.snapshotFiles ?? []).sorted()
            ask.snapshotHasVolumes = snapshot.volumesSaved
        }
        let asked = ask
        let answer = try await Offload.phase(resolved == nil ? "run" : "restore", clock) { () throws(HostError) in
            try serving.perform(
                resolved == nil ? .run : .restore,
                actor: prepared,
                request: asked,
                log: log,
                cancellation: operation
            )
        }
        try keep(entry, answer)
        if serving.description.needsInterface { try await reachInterface(entry.record) }
        try refuseCancelled(operation)
        if let scope = resolved?.scope, scope != .data {
            try await freshen(entry, by: serving, operation: operation, clock: clock, context: context)
        }
        let tries = try await clock.measure("readiness", program: true) { () async throws(HostError) in
            try await self.awaitReadiness(entry, operation, until: context.deadline)
        }
        entry.with { $0.readinessTries = tries }
        try refuseCancelled(operation)
        try move(entry, to: .ready, settled: true)
        watchExits(entry)
    }

    private func settleFailure(_ entry: ActorEntry, _ error: HostError, operation: Operation) async {
        let status = entry.record.status
        if status == .created {
            // Nothing was begun: the name is free again.
            _ = registry.withLock { $0.removeValue(forKey: entry.key) }
            return
        }
        guard [.pulling, .starting, .restoring].contains(status) else { return }
        await payOutside(entry, operation.verb)
        defer { repeatOutside(entry) }
        // That nobody waits any more cancels too, but a program that was not ready by then has failed.
        let isLate = error.reason == .readinessTimeout
        if !isLate, operation.isCancelled || error.code == .cancelled {
            await end(entry, as: .stopped, message: "cancelled")
        } else {
            await end(entry, as: .failed, reason: Self.reason(of: error, while: status), message: error.message)
        }
    }

    func refuseCancelled(_ operation: Operation) throws(HostError) {
        if operation.isCancelled { throw HostError(.cancelled, nil, "the verb was cancelled") }
    }

    private func prepare(
        _ record: ActorRecord,
        assets: [String: String],
        environments: [String: [EnvironmentEntry]],
        warmed: WarmPool.Slot?,
        for described: BackendDescription,
        keepsImages: Bool,
        _ operation: Operation
    ) throws(HostError) -> PreparedActor {
        var actor = surrounded(record, by: described)
        actor.assets = assets
        actor.state = record.state
        actor.probed = record.probed ?? []
        if let warmed {
            actor.prepared = warmed.prepared
            actor.processes = warmed.processes
        }
        var containers = record.spec.containers
        for index in containers.indices { containers[index].environment = environments[containers[index].name] ?? [] }
        actor.containers =
            described.needsImage
            ? try prepareImages(of: containers, record.identity, keepsImages: keepsImages, operation)
            : containers.map { PreparedContainer(container: $0, layers: []) }
        return actor
    }

    /// Keeps what a verb left running: in the journal, and as handles to watch.
    private func keep(_ entry: ActorEntry, _ answer: VerbAnswer) throws(HostError) {
        var record = entry.record
        record.processes = answer.processes
        if let state = answer.state { record.state = state }
        if !answer.address.isEmpty { record.address = answer.address }
        let written = record
        try FailPoint.reach("\(entry.verb).keep.before")
        try journal.put(written)
        try FailPoint.reach("\(entry.verb).keep.after")
        var handles: [String: ProcessHandle] = [:]
        for process in answer.processes {
            if let handle = ProcessHandle.find(pid: process.pid, startTime: process.startTime) {
                handles[process.name] = handle
            }
        }
        let found = handles
        entry.with { state in
            state.record = written
            state.handles = found
        }
    }
}
