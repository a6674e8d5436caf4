import Dispatch
import Glibc
import Synchronization

/// SIGTERM and SIGINT, caught from before anything is served, so that none is lost.
///
/// They are never ignored: what comes before the catching ends the process, which has nothing to drain yet.
final class EndSignals: Sendable {
    private struct State {
        var seen = 0
        var waiter: CheckedContinuation<Void, Never>?
    }
    private let state = Mutex(State())

    private let hurried: ExitCode

    /// Catches them.
    ///
    /// - Parameters:
    ///   - numbers: which.
    ///   - hurried: with what the second one ends the process, at once.
    init(_ numbers: [Int32] = [SIGTERM, SIGINT], hurried: ExitCode = .failure) async {
        self.hurried = hurried
        for number in numbers {
            let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
            source.setEventHandler { [self] in
                // Naming the source keeps it until the process ends.
                if !source.isCancelled { came() }
            }
            await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
                source.setRegistrationHandler { continuation.resume() }
                source.resume()
            }
        }
    }

    /// Waits for the first one, which may have come already.
    func first() async {
        await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
            let isHere = state.withLock { state in
                if state.seen == 0 { state.waiter = continuation }
                return state.seen > 0
            }
            if isHere { continuation.resume() }
        }
    }

    /// Whether one has come.
    var haveCome: Bool { state.withLock { $0.seen > 0 } }

    private func came() {
        let (seen, waiter) = state.withLock { state in
            state.seen += 1
            defer { state.waiter = nil }
            return (state.seen, state.waiter)
        }
        waiter?.resume()
        if seen > 1 { _exit(hurried.rawValue) }
    }
}
