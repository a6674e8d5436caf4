import Glibc
import HostErrors
import Synchronization
import SystemLayer
import Threads

/// One wait for readiness: a thread for each container, and what they have in common.
final class ReadinessRound: Sendable {
    private struct State {
        var running = 0
        var attempts = 0
        var failure: HostError?
        var isOver = false
        var isCancelled = false
    }

    private let namespacePath: String
    private let address: String?
    private let shouldStop: @Sendable () -> String?
    private let wake: WakeSignal
    private let state = Mutex(State())

    init(
        namespacePath: String,
        address: String?,
        shouldStop: @escaping @Sendable () -> String?
    ) throws(SyscallError) {
        self.namespacePath = namespacePath
        self.address = address
        self.shouldStop = shouldStop
        wake = try WakeSignal()
    }

    /// Starts the threads; `done` is called once, by the last of them to end.
    func start(
        _ targets: [ReadinessTarget],
        done: @escaping @Sendable (Result<ReadinessReport, HostError>) -> Void
    ) {
        // One more than the threads, so that none of them is the last before all have started.
        state.withLock { $0.running = 1 }
        for target in targets {
            state.withLock { $0.running += 1 }
            do throws(SyscallError) {
                try startThread("readiness") { [self] in
                    probe(target)
                    leave(done)
                }
            } catch {
                fail(HostError(.resourceExhausted, nil, "readyz for \"\(target.container)\": \(error)"))
                leave(done)
            }
        }
        leave(done)
    }

    /// Ends the wait soon; a wait that has ended is not changed.
    func cancel() {
        state.withLock { $0.isCancelled = true }
        wake.raise()
    }

    private func leave(_ done: (Result<ReadinessReport, HostError>) -> Void) {
        let result: Result<ReadinessReport, HostError>? = state.withLock { state in
            state.running -= 1
            guard state.running == 0 else { return nil }
            if let failure = state.failure { return .failure(failure) }
            return .success(ReadinessReport(attempts: state.attempts))
        }
        if let result { done(result) }
    }

    /// The first failure is the answer; the others stop.
    private func fail(_ error: HostError) {
        state.withLock { state in
            if state.failure == nil { state.failure = error }
            state.isOver = true
        }
        wake.raise()
    }

    /// Why this thread should stop: the others failed, the caller left, or the workload ended.
    private func isInterrupted(_ target: ReadinessTarget, attempts: Int) -> Bool {
        let (isOver, isCancelled) = state.withLock { ($0.isOver, $0.isCancelled) }
        if isOver { return true }
        if isCancelled {
            fail(HostError(.cancelled, nil, "readyz cancelled for \"\(target.container)\" after \(attempts) attempts"))
            return true
        }
        if let text = shouldStop() {
            fail(HostError(.failedPrecondition, .crashed, text))
            return true
        }
        return false
    }

    private func probe(_ target: ReadinessTarget) {
        let deadline = Deadline(target.timeout)
        let begin = ContinuousClock.now
        var attempts = 0
        var last: String?
        while true {
            if isInterrupted(target, attempts: attempts) { return }
            attempts += 1
            state.withLock { $0.attempts += 1 }
            let outcome = ReadinessRequest.once(
                target,
                namespacePath: namespacePath,
                address: address,
                deadline: Deadline(milliseconds: min(250, max(1, deadline.milliseconds))),
                wake: wake.descriptor,
                isInterrupted: { self.isInterrupted(target, attempts: attempts) }
            )
            switch outcome {
            case .ready, .interrupted: return
            case .notReady(let text): last = text
            // The last try is cut short by the whole wait: what was seen before says more.
            case .late(let text): if last == nil || !deadline.hasPassed { last = text }
            }
            if deadline.hasPassed {
                return fail(
                    HostError(
                        .deadlineExceeded,
                        .readinessTimeout,
                        "readyz for \"\(target.container)\" never returned 200 within \(text(target.timeout)) "
                            + "(\(attempts) attempts, last error: \(last ?? "none"))"
                    )
                )
            }
            // Who is ready waits a twentieth longer than it took, whatever it took.
            let waited = (ContinuousClock.now - begin).components
            let milliseconds = Int(clamping: waited.seconds * 1000 + waited.attoseconds / 1_000_000_000_000_000)
            wake.wait(milliseconds: min(max(1, min(milliseconds / 20, 25)), deadline.milliseconds))
        }
    }

    /// `30s`, `1.5s` or `250ms`.
    private func text(_ duration: Duration) -> String {
        let (seconds, attoseconds) = duration.components
        let milliseconds = attoseconds / 1_000_000_000_000_000
        if seconds == 0 { return "\(milliseconds)ms" }
        if milliseconds == 0 { return "\(seconds)s" }
        var fraction = String(1000 + milliseconds).dropFirst()
        while fraction.last == "0" { fraction = fraction.dropLast() }
        return "\(seconds).\(fraction)s"
    }
}
