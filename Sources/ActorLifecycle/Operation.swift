import ActorContract
import Synchronization

/// One verb in flight on one actor: what a second verb finds, cancels and waits for.
final class Operation: VerbCancellation {
    let verb: String
    private struct State {
        var cancelled = false
        var ended = false
        var ending = false
        var actions: [@Sendable () -> Void] = []
        var waiters: [CheckedContinuation<Void, Never>] = []
    }
    private let state = Mutex(State())

    init(_ verb: String) { self.verb = verb }

    var isCancelled: Bool { state.withLock { $0.cancelled } }

    /// Whether what is left of the verb is the end of its actor.
    var isEnding: Bool { state.withLock { $0.ending } }

    /// Says that it is.
    func markEnding() { state.withLock { $0.ending = true } }

    func onCancel(_ action: @escaping @Sendable () -> Void) {
        let already = state.withLock { state in
            if !state.cancelled, !state.ended { state.actions.append(action) }
            return state.cancelled
        }
        if already { action() }
    }

    /// Cancels: every action runs once, outside the lock.
    func cancel() {
        let actions = state.withLock { state in
            state.cancelled = true
            defer { state.actions = [] }
            return state.actions
        }
        for action in actions { action() }
    }

    /// Marks the end; whoever waits goes on.
    func end() {
        let waiters = state.withLock { state in
            state.ended = true
            // Nothing is left to cancel, and whoever still waits must not keep what the actions hold.
            state.actions = []
            defer { state.waiters = [] }
            return state.waiters
        }
        for waiter in waiters { waiter.resume() }
    }

    /// Waits for the end.
    func wait() async {
        await withCheckedContinuation { continuation in
            let ended = state.withLock { state in
                if !state.ended { state.waiters.append(continuation) }
                return state.ended
            }
            if ended { continuation.resume() }
        }
    }
}
