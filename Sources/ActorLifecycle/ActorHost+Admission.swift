import ActorContract
import HostErrors
import Synchronization

/// What is refused before any state changes.
extension ActorHost {
    /// Checks a request against what the backend declares.
    func checkRequest(_ request: RunRequest, by described: BackendDescription) throws(HostError) {
        try Admission.check(request, by: described)
    }

    /// Checks a scope against what the backend declares.
    func checkScope(_ scope: SnapshotScope, by described: BackendDescription) throws(HostError) {
        try Admission.check(scope, by: described)
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
