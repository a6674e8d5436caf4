import ActorContract
import ActorNetwork
import Glibc
import HostErrors
import Synchronization
import SystemLayer
import Telemetry
import Transfer

/// Held pauses: after a full local checkpoint the programs are frozen, not ended, and a restore of that very snapshot
/// thaws them.
extension ActorHost {
    /// Whether a checkpoint's programs may be held, as far as can be told before it.
    func mayHold(_ entry: ActorEntry, _ target: CheckpointTarget, by described: BackendDescription) -> Bool {
        guard pauses.budget > 0, target.uri == nil, target.scope == .full, !described.isOutside,
            entry.with({ !$0.request.isEmpty }), !MemoryPressure.isShort()
        else { return false }
        return (memory(of: entry.record) ?? .max) <= pauses.budget
    }

    private func memory(of record: ActorRecord) -> Int64? {
        Cgroup.usage(layout: layout, name: cgroupName(record)).memoryBytes
    }

    /// Cuts the network of an actor, or gives it back: what it is told after its snapshot it must not have heard.
    func cut(_ isCut: Bool, _ record: ActorRecord, of described: BackendDescription) throws(HostError) {
        guard described.needsInterface else { return }
        try ActorNamespace.cut(isCut, at: slotDirectories(record).network)
    }

    /// Stops an actor's programs where they are; blocks.
    ///
    /// - Returns: whether all of them are there and stand still.
    func freeze(_ entry: ActorEntry) -> Bool {
        let handles = entry.with { Array($0.handles.values) }
        guard !handles.isEmpty else { return false }
        let cgroup = Cgroup.open(layout: layout, name: cgroupName(entry.record))
        do throws(SyscallError) { try cgroup.freeze() } catch {
            logger.warning("a paused actor is not held", ["actor.id": entry.key.text, "error": "\(error)"])
            return false
        }
        return handles.allSatisfy { !$0.hasExited() }
    }

    /// Lets an actor go on that was to be held; blocks.
    func release(_ record: ActorRecord, of described: BackendDescription) throws(HostError) {
        let cgroup = Cgroup.open(layout: layout, name: cgroupName(record))
        try openEgress(record, of: described, isAgain: true)
        try Self.system { () throws(SyscallError) in try cgroup.thaw() }
        try cut(false, record, of: described)
    }

    /// Pauses an actor whose programs are frozen.
    func hold(_ entry: ActorEntry) async {
        let record = entry.record
        let (handles, tickets) = entry.with { state in
            defer { (state.handles, state.exits) = ([:], [:]) }
            state.operation?.markEnding()
            return (state.handles, Array(state.exits.values))
        }
        for ticket in tickets { exits.forget(ticket) }
        ports.close(entry.key)
        do throws(HostError) {
            try move(
                entry,
                to: .paused,
                message: "its programs are kept frozen; a restore of \"\(record.snapshot)\" thaws them",
                settled: true
            ) { record in
                record.processes = []
                record.needsTeardown = true
            }
        } catch {
            entry.with { $0.handles = handles }
            return await end(entry, as: .paused)
        }
        var held = HeldPause(
            snapshot: record.snapshot,
            request: entry.with { $0.request },
            processes: record.processes,
            handles: handles
        )
        for handle in handles.values {
            let ticket = try? exits.watch(handle) { [weak self, weak entry] _ in
                guard let self, let entry else { return }
                Task { await self.drop(entry, "a program of it ended") }
            }
            if let ticket { held.tickets.append(ticket) }
        }
        let kept = held
        entry.with { $0.held = kept }
        for key in pauses.add(entry.key, bytes: memory(of: record) ?? pauses.budget) {
            dropLater(key, "a newer one has its memory")
        }
    }

    /// Ends the frozen programs of an actor that is still held; its snapshot serves.
    func drop(_ entry: ActorEntry, _ why: String) async {
        let operation = await entry.claimWaiting("drop")
        defer { entry.release(operation) }
        guard entry.with({ $0.held != nil }) else { return }
        await dropClaimed(entry, why)
    }

    /// The same, by the verb that has the actor.
    func dropClaimed(_ entry: ActorEntry, _ why: String) async {
        guard entry.with({ $0.held != nil }) else { return }
        logger.info("a held actor is ended", ["actor.id": entry.key.text, "reason": why])
        let record = entry.record
        await end(entry, as: record.status, reason: record.reason)
    }

    private func dropLater(_ key: ActorKey, _ why: String) {
        guard let entry = registry.withLock({ $0[key] }) else { return }
        Task { await drop(entry, why) }
    }

    /// Drops the one that was held first, if there is any.
    func dropOldestHeld() {
        if let key = pauses.removeOldest() { dropLater(key, "memory is short") }
    }

    /// Ends all that are held.
    func dropAllHeld() async {
        for key in pauses.removeAll() {
            if let entry = registry.withLock({ $0[key] }) { await drop(entry, "the host ends") }
        }
    }

    /// Thaws an actor that is held, when that is what a restore wants.
    ///
    /// - Parameters:
    ///   - entry: the actor, claimed by the caller's verb.
    ///   - source: what is restored; nil: nothing.
    ///   - request: the keyed hash of the request without it.
    ///   - fingerprint: the one with it.
    ///   - serving: the revision that would restore.
    ///   - operation: the verb.
    ///   - clock: takes its phases.
    ///   - context: its deadline.
    /// - Returns: whether the actor is ready; if not, it begins from its snapshot.
    /// - Throws: `cancelled`.
    func thaw(
        _ entry: ActorEntry,
        _ source: RestoreSource?,
        request: String,
        fingerprint: String,
        by serving: any ActorBackend,
        operation: Operation,
        clock: PhaseClock,
        context: VerbContext
    ) async throws(HostError) -> Bool {
        let record = entry.record
        guard let held = entry.with({ $0.held }), case .local(let name)? = source?.place, source?.scope == .full,
            name == held.snapshot, request == held.request, record.status == .paused,
            record.backendSHA256 == serving.description.sha256, isShownTheSame(record),
            held.handles.values.allSatisfy({ !$0.hasExited() })
        else { return false }
        let token = Self.newToken()
        for ticket in held.tickets { exits.forget(ticket) }
        pauses.remove(entry.key)
        entry.with { state in
            state.held = nil
            state.handles = held.handles
        }
        do throws(HostError) {
            try await Offload.phase("thaw", clock) { () throws(HostError) in
                try self.rotateToken(record, to: token)
                try self.release(record, of: serving.description)
            }
            let tries = try await clock.measure("readiness", program: true) { () async throws(HostError) in
                try await self.awaitReadiness(entry, operation, until: context.deadline)
            }
            entry.with { $0.readinessTries = tries }
            try refuseCancelled(operation)
            try move(entry, to: .restoring) { record in
                record.fingerprint = fingerprint
                record.processes = held.processes
                record.tokenSHA256 = SHA256.hex(of: Array(token.utf8))
            }
            try await freshen(entry, by: serving, operation: operation, clock: clock, context: context)
            try move(entry, to: .ready, settled: true)
            watchExits(entry)
            return true
        } catch {
            // Whatever it was, the snapshot is there.
            logger.warning("a held actor did not wake", ["actor.id": entry.key.text, "error": error.message])
            if entry.record.status == .paused { await end(entry, as: .paused) }
            if entry.record.status != .paused { throw error }
            try refuseCancelled(operation)
            return false
        }
    }
}
