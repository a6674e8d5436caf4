import Synchronization

/// Something that happens once, and tasks that wait for it.
final class Latch: Sendable {
    private struct State {
        var isOpen = false
        var waiting: [CheckedContinuation<Void, Never>] = []
    }
    private let state = Mutex(State())

    func open() {
        let waiting = state.withLock { state in
            state.isOpen = true
            defer { state.waiting = [] }
            return state.waiting
        }
        for continuation in waiting { continuation.resume() }
    }

    func wait() async {
        await withCheckedContinuation { continuation in
            let isOpen = state.withLock { state in
                if !state.isOpen { state.waiting.append(continuation) }
                return state.isOpen
            }
            if isOpen { continuation.resume() }
        }
    }

    /// Waits, and once the time is over does something that will make it happen.
    func wait(for time: Duration, orElse hurry: @escaping @Sendable () -> Void) async {
        let timer = Task {
            try await Task.sleep(for: time)
            hurry()
        }
        await wait()
        timer.cancel()
    }
}
