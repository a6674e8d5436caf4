import HostErrors
import Synchronization

/// Lets so many verbs of a kind work at once; the next ones wait for their turn, in order and within their deadline.
final class VerbGate: Sendable {
    private struct Waiter {
        let number: UInt64
        let continuation: CheckedContinuation<Bool, Never>
    }
    private struct State {
        var inside = 0
        var next: UInt64 = 0
        var waiters: [Waiter] = []
        /// Those that are on their way into the queue; who gives up before leaves here.
        var coming: Set<UInt64> = []
    }
    private let state = Mutex(State())
    private let width: Int
    private let queue: Int

    /// Makes a gate.
    ///
    /// - Parameters:
    ///   - width: how many may be inside.
    ///   - queue: how many may wait; one more is refused.
    init(width: Int, queue: Int) {
        self.width = width
        self.queue = queue
    }

    /// How many are inside and how many wait.
    var counts: (inside: Int, waiting: Int) { state.withLock { ($0.inside, $0.waiters.count) } }

    /// Goes in; every success is followed by one `leave`.
    ///
    /// - Parameters:
    ///   - verb: for the words of a refusal.
    ///   - operation: when it is cancelled the wait is over.
    ///   - deadline: how long to wait.
    /// - Throws: `resourceExhausted` with HOST_BUSY when too many wait or the time is over, `cancelled`.
    func enter(
        _ verb: String,
        _ operation: Operation,
        until deadline: ContinuousClock.Instant
    ) async throws(HostError) {
        enum Turn { case inside, refused, wait(UInt64) }
        let turn = state.withLock { state -> Turn in
            if state.inside < width {
                state.inside += 1
                return .inside
            }
            guard state.waiters.count + state.coming.count < queue else { return .refused }
            state.next += 1
            state.coming.insert(state.next)
            return .wait(state.next)
        }
        switch turn {
        case .inside: return
        case .refused: throw refusal(verb, "and \(queue) wait")
        case .wait(let number):
            operation.onCancel { [weak self] in self?.giveUp(number) }
            let alarm = Task { [weak self] in
                try? await Task.sleep(until: deadline)
                if !Task.isCancelled { self?.giveUp(number) }
            }
            let isInside = await withCheckedContinuation { continuation in
                let answer = state.withLock { state -> Bool? in
                    guard state.coming.remove(number) != nil else { return false }
                    if state.inside < width {
                        state.inside += 1
                        return true
                    }
                    state.waiters.append(Waiter(number: number, continuation: continuation))
                    return nil
                }
                if let answer { continuation.resume(returning: answer) }
            }
            alarm.cancel()
            if isInside { return }
            if operation.isCancelled { throw HostError(.cancelled, nil, "the verb was cancelled") }
            throw refusal(verb, "and none of them ended before this one's deadline")
        }
    }

    /// Goes out: the first that waits goes in.
    func leave() {
        let next = state.withLock { state -> Waiter? in
            guard state.waiters.isEmpty else { return state.waiters.removeFirst() }
            state.inside -= 1
            return nil
        }
        next?.continuation.resume(returning: true)
    }

    private func giveUp(_ number: UInt64) {
        let waiter = state.withLock { state -> Waiter? in
            guard let index = state.waiters.firstIndex(where: { $0.number == number }) else {
                state.coming.remove(number)
                return nil
            }
            return state.waiters.remove(at: index)
        }
        waiter?.continuation.resume(returning: false)
    }

    private func refusal(_ verb: String, _ what: String) -> HostError {
        HostError(
            .resourceExhausted,
            .hostBusy,
            "\(width) verbs like \(verb) are at work on this host, \(what): try again later"
        )
    }
}
