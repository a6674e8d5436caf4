import Dispatch
import Synchronization
import SystemLayer

/// Threads for work that blocks: made as work comes, kept a while, never more than a bound.
///
/// A system pool counts a thread that waits as one that works and is as wide as the machine has processors, so that two
/// verbs that wait would hold up all others.
public final class BlockingThreads: Sendable {
    private struct State {
        var jobs: [@Sendable () -> Void] = []
        var idle = 0
        var threads = 0
    }
    private let state = Mutex(State())
    private let wakes = DispatchSemaphore(value: 0)
    private let bound: Int

    /// Makes a pool without threads.
    ///
    /// - Parameter bound: the most threads; further work waits for one, in order.
    public init(bound: Int) { self.bound = bound }

    /// How many threads there are.
    public var count: Int { state.withLock { $0.threads } }

    /// Runs a job on one of the threads, some time.
    public func run(_ job: @escaping @Sendable () -> Void) {
        let needsThread = state.withLock { state in
            state.jobs.append(job)
            if state.idle >= state.jobs.count || state.threads >= bound { return false }
            state.threads += 1
            return true
        }
        wakes.signal()
        guard needsThread else { return }
        do throws(SyscallError) {
            try startThread("blocking") { [self] in serve() }
        } catch {
            let isAlone = state.withLock { state in
                state.threads -= 1
                return state.threads == 0
            }
            // The machine has no thread left: whoever is there does it later, and where nobody is, this one now.
            if isAlone { drain() }
        }
    }

    private func serve() {
        while true {
            drain()
            state.withLock { $0.idle += 1 }
            let result = wakes.wait(timeout: .now() + .seconds(10))
            let isOver = state.withLock { state in
                state.idle -= 1
                guard result == .timedOut, state.jobs.isEmpty else { return false }
                state.threads -= 1
                return true
            }
            if isOver { return }
        }
    }

    private func drain() {
        while let job = state.withLock({ $0.jobs.isEmpty ? nil : $0.jobs.removeFirst() }) { job() }
    }
}
