import ActorContract
import HostErrors
import Synchronization
import SystemLayer

/// One actor in memory: its record, the verb in flight, its programs and who watches.
final class ActorEntry: Sendable {
    struct State {
        var record: ActorRecord
        var operation: Operation?
        /// Environments by container: secrets, so never journalled.
        var environments: [String: [EnvironmentEntry]] = [:]
        /// The layers of their images in this life of the host, the bottom one first.
        var layers: [String: [String]] = [:]
        var handles: [String: ProcessHandle] = [:]
        /// What watches for the end of each of them.
        var exits: [String: ExitWatcher.Ticket] = [:]
        /// The slot in which the verb in flight has a place, before its record says so.
        var reservedSlot: String?
        /// The keyed hash of the request that began it in this life of the host, a snapshot aside; empty before.
        var request = ""
        /// Its frozen programs, while it is paused and held.
        var held: HeldPause?
        /// How many requests readiness took in the last verb that began the actor.
        var readinessTries = 0
    }
    let key: ActorKey
    private let state: Mutex<State>
    private let changes: Changes
    private let watchers = Watchers()
    private let everybody: Watchers

    /// Makes one.
    ///
    /// - Parameters:
    ///   - record: what is known of it.
    ///   - changes: told when a verb of this actor ends or is cancelled.
    ///   - everybody: those that watch all actors.
    init(_ record: ActorRecord, changes: Changes, everybody: Watchers) {
        key = record.identity.key
        state = Mutex(State(record: record))
        self.changes = changes
        self.everybody = everybody
    }

    var record: ActorRecord { state.withLock { $0.record } }

    /// The verb in flight; between verbs only recovery changes an actor.
    var verb: String { state.withLock { $0.operation?.verb ?? "recover" } }

    func with<Value: Sendable>(_ body: (inout sending State) -> sending Value) -> Value { state.withLock(body) }

    /// Claims the actor for a verb, or says which verb has it.
    ///
    /// What is left of a verb that was answered is waited for: who was told that it is done must not be refused for it.
    func claim(_ verb: String) async -> Result<Operation, HostError> {
        while true {
            let (mine, running) = state.withLock { state -> (Operation?, Operation?) in
                if let running = state.operation { return (nil, running) }
                let operation = Operation(verb)
                state.operation = operation
                return (operation, nil)
            }
            if let mine { return .success(mine) }
            guard let running, running.verb == Self.cleaning else {
                return .failure(
                    HostError(
                        .aborted,
                        .actorBusy,
                        "another operation is in progress for this actor (\(running?.verb ?? "")): try again when it ended"
                    )
                )
            }
            await running.wait()
        }
    }

    /// Gives the actor from a verb that is answered to what is left of it; nobody comes between.
    func handOver(_ operation: Operation) -> Operation? {
        let cleaning = state.withLock { state -> Operation? in
            guard state.operation === operation else { return nil }
            let cleaning = Operation(Self.cleaning)
            state.operation = cleaning
            state.reservedSlot = nil
            return cleaning
        }
        operation.end()
        return cleaning
    }

    /// Waits until what is left of a verb is done.
    func waitForCleaning() async {
        while let running = state.withLock({ $0.operation }), running.verb == Self.cleaning { await running.wait() }
    }

    /// Claims it for a verb that cancels whatever is in flight: stop, terminate, remove.
    func claimCancelling(_ verb: String) async -> Operation {
        await claim(verb) { running in
            // Another stop is not cancelled: it does what this one wants, and this one finds it done.
            if !Self.endingVerbs.contains(running.verb) { running.cancel() }
        }
    }

    /// Claims it when whatever is in flight has ended.
    func claimWaiting(_ verb: String) async -> Operation { await claim(verb) { _ in } }

    /// Claims it for the end of a program when whatever is in flight has ended.
    ///
    /// - Parameters:
    ///   - program: its name.
    ///   - ticket: what watched for its end.
    /// - Returns: nil where a verb has ended the actor meanwhile: nobody who comes next is held up by what is over.
    func claimForEnd(of program: String, ticket: ExitWatcher.Ticket) async -> Operation? {
        await claim("ended", meeting: { _ in }, while: { $0.exits[program] == ticket })
    }

    private func claim(_ verb: String, meeting: (Operation) -> Void) async -> Operation {
        while true { if let mine = await claim(verb, meeting: meeting, while: { _ in true }) { return mine } }
    }

    private func claim(
        _ verb: String,
        meeting: (Operation) -> Void,
        while isMeant: @Sendable (State) -> Bool
    ) async -> Operation? {
        while true {
            let (mine, running) = state.withLock { state -> (Operation?, Operation?) in
                guard isMeant(state) else { return (nil, nil) }
                if let running = state.operation { return (nil, running) }
                let operation = Operation(verb)
                state.operation = operation
                return (operation, nil)
            }
            guard let running else { return mine }
            meeting(running)
            await running.wait()
        }
    }

    /// Gives the actor free again.
    func release(_ operation: Operation) {
        state.withLock { state in
            guard state.operation === operation else { return }
            state.operation = nil
            state.reservedSlot = nil
        }
        operation.end()
        changes.tell()
    }

    /// What is left of a verb after its answer.
    private static let cleaning = "teardown"
    private static let endingVerbs: Set = ["stop", "remove", "terminate", "ended", "drop", cleaning]

    /// How this actor stands to a slot.
    enum Hold { case none, holds, leaves }

    /// Whether it holds a place in a slot, and whether it is about to leave it: somebody ends it now.
    func hold(on slot: String) -> Hold {
        state.withLock { state in
            let record = state.record
            let isThere = record.slot == slot && (record.status.isLive || record.needsTeardown && state.held == nil)
            guard isThere || state.reservedSlot == slot else { return .none }
            guard let operation = state.operation else { return .holds }
            let isEnding = Self.endingVerbs.contains(operation.verb) || operation.isCancelled || operation.isEnding
            return isEnding ? .leaves : .holds
        }
    }

    /// Tells this actor's watchers and those of all.
    func publish() {
        let record = record
        watchers.tell(record)
        everybody.tell(record)
    }

    /// The record now, and after each change of status; ends early when the reader is too slow.
    func watch() -> AsyncStream<ActorRecord> { watchers.watch(beginningWith: record) }
}
