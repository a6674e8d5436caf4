import ActorContract
import Synchronization
import SystemLayer

/// What is kept of a paused actor whose programs are frozen rather than ended.
///
/// Of this life of the host alone: the snapshot always suffices.
struct HeldPause: Sendable {
    /// The snapshot that was made just before.
    let snapshot: String
    /// The keyed hash of the request that had begun it: whoever asks for anything else gets the snapshot.
    let request: String
    /// Its programs.
    let processes: [KeptProcess]
    /// The same, held.
    let handles: [String: ProcessHandle]
    /// What watches for the end of each.
    var tickets: [ExitWatcher.Ticket] = []
}

/// Who is held, the oldest first, within what memory the operator gives for it.
final class HeldPauses: Sendable {
    private let held = Mutex<[(key: ActorKey, bytes: Int64)]>([])
    /// Bytes for all of them together; 0: nobody is held.
    let budget: Int64

    /// Holds nobody yet.
    init(budget: Int64) { self.budget = budget }

    /// Takes an actor in.
    ///
    /// - Parameters:
    ///   - key: the actor.
    ///   - bytes: what it uses, at most the budget.
    /// - Returns: the oldest that have no place any more; each is the caller's to drop.
    func add(_ key: ActorKey, bytes: Int64) -> [ActorKey] {
        held.withLock { held in
            held.removeAll { $0.key == key }
            held.append((key, bytes))
            var excess = held.reduce(0) { $0 + $1.bytes } - budget
            var dropped: [ActorKey] = []
            for one in held where excess > 0 && one.key != key {
                dropped.append(one.key)
                excess -= one.bytes
            }
            held.removeAll { dropped.contains($0.key) }
            return dropped
        }
    }

    /// Forgets an actor; one that is not held is fine.
    func remove(_ key: ActorKey) { held.withLock { $0.removeAll { $0.key == key } } }

    /// Takes the oldest out.
    func removeOldest() -> ActorKey? { held.withLock { $0.isEmpty ? nil : $0.removeFirst().key } }

    /// Takes all out.
    func removeAll() -> [ActorKey] {
        held.withLock { held in
            defer { held = [] }
            return held.map(\.key)
        }
    }
}
