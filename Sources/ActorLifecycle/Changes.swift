import Synchronization

/// Tells whoever waits that something changed, without saying what: they look again.
///
/// Take `now` before you look; then a change between the look and the wait is not missed.
final class Changes: Sendable {
    private struct State {
        var count: UInt64 = 0
        var nextWaiter: UInt64 = 0
        var waiters: [UInt64: CheckedContinuation<Void, Never>] = [:]
    }
    private let state = Mutex(State())

    /// How many changes there were.
    var now: UInt64 { state.withLock { $0.count } }

    /// Something changed.
    func tell() {
        let waiters = state.withLock { state in
            state.count += 1
            defer { state.waiters = [:] }
            return state.waiters
        }
        for waiter in waiters.values { waiter.resume() }
    }

    /// Waits for a change, until a deadline or the end of the task.
    ///
    /// - Parameters:
    ///   - seen: what `now` was before the look.
    ///   - deadline: when to give up.
    func wait(past seen: UInt64, until deadline: ContinuousClock.Instant) async {
        let number = state.withLock { state in
            state.nextWaiter += 1
            return state.nextWaiter
        }
        let alarm = Task { [weak self] in
            try? await Task.sleep(until: deadline)
            self?.release(number)
        }
        defer { alarm.cancel() }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isOver = state.withLock { state in
                    guard state.count == seen, !Task.isCancelled, ContinuousClock.now < deadline else { return true }
                    state.waiters[number] = continuation
                    return false
                }
                if isOver { continuation.resume() }
            }
        } onCancel: {
            release(number)
        }
    }

    private func release(_ number: UInt64) {
        state.withLock { $0.waiters.removeValue(forKey: number) }?.resume()
    }
}
