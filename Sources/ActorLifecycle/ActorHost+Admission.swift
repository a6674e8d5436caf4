import ActorContract
import HostErrors
import Synchronization

/// What is refused before any state changes.
extension ActorHost {
    /// Checks a request against what the backend declares.
    func checkRequest(_ request: RunRequest, by described: BackendDescription) throws(HostError) {
        let sandbox = request.assets?.sandboxClass ?? ""
        if !sandbox.isEmpty, sandbox != described.name, !described.classes.contains(sandbox) {
            throw HostError(
                .failedPrecondition,
                .sandboxClassMismatch,
                "sandbox_class is \"\(sandbox)\"; this host serves \(([described.name] + described.classes).map { "\"\($0)\"" }.joined(separator: ", "))"
            )
        }
        if request.cpuMilli > 0, !described.enforces.contains("cpu") { throw limit("cpu_milli", described) }
        if request.memoryBytes > 0, !described.enforces.contains("memory") { throw limit("memory_bytes", described) }
        for (index, volume) in request.spec.volumes.enumerated() {
            if case .unserved(let kind) = volume.source {
                throw HostError(
                    .unimplemented,
                    .notServed,
                    "spec.volumes[\(index)].\(kind) (volume \"\(volume.name)\") is not served yet; durable_dir is"
                )
            }
        }
        if request.egressGateway != nil {
            throw HostError(
                .unimplemented,
                .notServed,
                "egress_gateway is not served yet: leave it out, the actor has no egress"
            )
        }
        if described.needsImage {
            for (index, container) in request.spec.containers.enumerated()
            where container.command.isEmpty && container.args.isEmpty {
                throw HostError(
                    .invalidArgument,
                    nil,
                    "spec.containers[\(index)].command is empty (container \"\(container.name)\"): say which program to run"
                )
            }
        }
    }

    /// Checks a scope against what the backend declares.
    func checkScope(_ scope: SnapshotScope, by described: BackendDescription) throws(HostError) {
        let scopes = described.scopes
        guard scopes.contains(scope) else {
            let known = scopes.map(\.rawValue).joined(separator: ", ")
            throw HostError(
                .failedPrecondition,
                .scopeUnsupported,
                "backend \"\(described.name)\" has no scope \(scope.rawValue); it has: \(known.isEmpty ? "(none)" : known)"
            )
        }
    }

    private func limit(_ field: String, _ described: BackendDescription) -> HostError {
        HostError(
            .failedPrecondition,
            .limitUnsupported,
            "\(field) is set, and backend \"\(described.name)\" does not enforce it; it enforces: \(described.enforces.joined(separator: ", "))"
        )
    }

    /// The actor of a request: known, or new in `created`.
    func known(_ request: RunRequest) -> (entry: ActorEntry, isNew: Bool) {
        let key = request.identity.key
        return registry.withLock { registry in
            if let entry = registry[key] { return (entry, false) }
            let entry = ActorEntry(
                ActorRecord(
                    identity: request.identity,
                    // None before it has a place there.
                    slot: "",
                    backend: backend.description.name,
                    backendSHA256: backend.description.sha256,
                    spec: WorkloadSpec()
                ),
                changes: changes,
                everybody: watchers
            )
            registry[key] = entry
            return (entry, true)
        }
    }

    /// Takes a place in a slot, or refuses with who holds it.
    ///
    /// Where a place is about to be free, because its holder is being ended, it waits for that.
    /// - Parameters:
    ///   - slot: the slot.
    ///   - entry: who wants in, claimed by the verb.
    ///   - dialect: June's slots hold one actor.
    ///   - operation: the verb; when it is cancelled the wait is over.
    ///   - deadline: how long to wait.
    /// - Throws: `failedPrecondition` with SLOT_OCCUPIED.
    func occupy(
        _ slot: String,
        for entry: ActorEntry,
        dialect: Dialect,
        operation: Operation,
        until deadline: ContinuousClock.Instant
    ) async throws(HostError) {
        let capacity = dialect == .june ? 1 : settings.slotCapacity
        operation.onCancel { [changes] in changes.tell() }
        while true {
            let seen = changes.now
            let (staying, leaving): ([String], [String]) = registry.withLock { registry in
                var holders: (staying: [String], leaving: [String]) = ([], [])
                for other in registry.values where other.key != entry.key {
                    switch other.hold(on: slot) {
                    case .none: break
                    case .holds: holders.staying.append(other.key.text)
                    case .leaves: holders.leaving.append(other.key.text)
                    }
                }
                // June's rule counts whoever is there: one slot, one actor, whichever dialect put it there.
                if capacity == 0 || holders.staying.count + holders.leaving.count < capacity {
                    entry.with { $0.reservedSlot = slot }
                    return ([], [])
                }
                return holders
            }
            if staying.isEmpty, leaving.isEmpty { return }
            try refuseCancelled(operation)
            guard staying.count < capacity, ContinuousClock.now < deadline else {
                let held =
                    staying.count < capacity
                    ? "still being left by \(leaving.sorted().joined(separator: ", "))"
                    : "held by \(staying.sorted().joined(separator: ", "))"
                throw HostError(
                    .failedPrecondition,
                    .slotOccupied,
                    "slot \"\(slot)\" is \(held): use another slot or stop it"
                )
            }
            await changes.wait(past: seen, until: deadline)
        }
    }
}
