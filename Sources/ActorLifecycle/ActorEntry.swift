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
        var images: [String: [String]] = [:]
        var handles: [String: ProcessHandle] = [:]
        var watchers: [Int: AsyncStream<ActorRecord>.Continuation] = [:]
        var nextWatcher = 0
    }
    let key: ActorKey
    private let state: Mutex<State>

    init(_ record: ActorRecord) {
        key = record.identity.key
        state = Mutex(State(record: record))
    }

    var record: ActorRecord { state.withLock { $0.record } }

    /// The verb in flight; between verbs only recovery changes an actor.
    var verb: String { state.withLock { $0.operation?.verb ?? "recover" } }

    func with<Value: Sendable>(_ body: (inout sending State) -> sending Value) -> Value { state.withLock(body) }

    /// Claims the actor for a verb, or says which verb has it.
    func claim(_ verb: String) -> Result<Operation, HostError> {
        state.withLock { state in
            if let running = state.operation {
                return .failure(
                    HostError(
                        .aborted,
                        .actorBusy,
                        "another operation is in progress for this actor (\(running.verb)): try again when it ended"
                    )
                )
            }
            let operation = Operation(verb)
            state.operation = operation
            return .success(operation)
        }
    }

    /// Claims it for a verb that cancels whatever is in flight: stop, terminate, remove.
    func claimCancelling(_ verb: String) async -> Operation {
        await claim(verb) { running in
            // Another stop is not cancelled: it does what this one wants, and this one finds it done.
            if !["stop", "remove", "terminate", "ended"].contains(running.verb) { running.cancel() }
        }
    }

    /// Claims it when whatever is in flight has ended.
    func claimWaiting(_ verb: String) async -> Operation { await claim(verb) { _ in } }

    private func claim(_ verb: String, meeting: (Operation) -> Void) async -> Operation {
        while true {
            let (mine, running) = state.withLock { state -> (Operation?, Operation?) in
                if let running = state.operation { return (nil, running) }
                let operation = Operation(verb)
                state.operation = operation
                return (operation, nil)
            }
            if let mine { return mine }
            if let running {
                meeting(running)
                await running.wait()
            }
        }
    }

    /// Gives the actor free again.
    func release(_ operation: Operation) {
        state.withLock { state in
            if state.operation === operation { state.operation = nil }
        }
        operation.end()
    }

    /// Tells every watcher; a full buffer of 16 keeps the oldest and drops this one.
    func publish() {
        state.withLock { state in
            for watcher in state.watchers.values { watcher.yield(state.record) }
        }
    }

    /// The record now, and after each change of status.
    func watch() -> AsyncStream<ActorRecord> {
        let (stream, continuation) = AsyncStream.makeStream(of: ActorRecord.self, bufferingPolicy: .bufferingOldest(16))
        let number = state.withLock { state in
            state.nextWatcher += 1
            state.watchers[state.nextWatcher] = continuation
            continuation.yield(state.record)
            return state.nextWatcher
        }
        continuation.onTermination = { [weak self] _ in
            self?.state.withLock { _ = $0.watchers.removeValue(forKey: number) }
        }
        return stream
    }
}
