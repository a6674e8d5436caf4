import ActorContract
import HostErrors
import Synchronization

/// User namespaces: a range of ids for each live actor whose programs may be in one.
extension ActorHost {
    /// Refuses a backend that would leave the actors the machine's root although the operator says otherwise.
    func checkUsers(by described: BackendDescription) throws(HostError) {
        guard settings.userNamespace, !Self.canShift(described) else { return }
        throw HostError(
            .failedPrecondition,
            .notServed,
            "user_namespace cannot be given: backend \"\(described.name)\" starts no container with the host's workload.start or bundle.write; leave \"user_namespace\" out of the settings"
        )
    }

    private static func canShift(_ described: BackendDescription) -> Bool {
        described.needs.contains("workload.start") || described.needs.contains("bundle.write")
    }

    /// Gives an actor that begins its range; the record has it until the actor's programs are gone.
    ///
    /// - Throws: `resourceExhausted` when no range is left.
    func takeRange(_ entry: ActorEntry, by described: BackendDescription) throws(HostError) {
        guard let ranges = settings.ranges, Self.canShift(described) else {
            return entry.with { $0.record.firstID = nil }
        }
        let first: UInt32? = rangeLock.withLock { _ in
            let others = registry.withLock { $0.values.filter { $0 !== entry }.compactMap(\.record.firstID) }
            let atWork = ranges.usersAtWork()
            let first = ranges.free(except: Set(others)) { range in atWork.contains { range.contains($0) } }
            entry.with { $0.record.firstID = first }
            return first
        }
        guard first != nil else {
            throw HostError(
                .resourceExhausted,
                .machine,
                "each of the \(IDRanges.count) ranges of ids from \(ranges.first) on is an actor's or somebody's who runs: stop an actor, or set another first_id"
            )
        }
    }
}
