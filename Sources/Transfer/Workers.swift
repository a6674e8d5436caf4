public import HostErrors
import Synchronization
import SystemLayer
import Threads

/// Work that several threads of its own share, while the caller waits for all of them.
///
/// They block in system calls, so that neither the cooperative pool nor a dispatch queue should lend them.
public enum Workers {
    /// Deals numbers out to so many threads, the caller's among them, until all are done or one fails; blocks.
    ///
    /// - Parameters:
    ///   - count: how many threads; fewer where the system gives no more.
    ///   - items: the numbers 0..<items, each dealt once, rising.
    ///   - make: makes what one thread keeps for itself.
    ///   - work: does one.
    /// - Throws: the first failure; what was in hand elsewhere is finished first.
    public static func share<Kept>(
        _ count: Int,
        items: Int,
        making make: @escaping @Sendable () throws(HostError) -> Kept,
        _ work: @escaping @Sendable (inout Kept, Int) throws(HostError) -> Void
    ) throws(HostError) {
        let deal = Deal()
        let body: @Sendable () -> Void = {
            do throws(HostError) {
                var kept = try make()
                while !deal.hasFailed {
                    let item = deal.next()
                    if item >= items { return }
                    try work(&kept, item)
                }
            } catch { deal.fail(error) }
        }
        fork(min(count, items) - 1, body)
        if let error = deal.error { throw error }
    }

    /// Runs the body on so many more threads and on the caller's.
    private static func fork(_ more: Int, _ body: @escaping @Sendable () -> Void) {
        guard more > 0, let thread = try? JoinableThread("worker", body) else { return body() }
        fork(more - 1, body)
        thread.join()
    }

    /// Runs two things side by side, the second on the caller's thread; blocks until both have ended.
    ///
    /// - Throws: RESOURCE_EXHAUSTED where the system gives no thread: neither has run then.
    public static func beside(_ aside: @escaping @Sendable () -> Void, _ body: () -> Void) throws(HostError) {
        let thread: JoinableThread
        do throws(SyscallError) { thread = try JoinableThread("beside", aside) } catch {
            throw HostError(.resourceExhausted, .machine, "the machine has no more threads (\(error))")
        }
        body()
        thread.join()
    }

    private final class Deal: Sendable {
        private let state = Mutex<(error: HostError?, next: Int)>((nil, 0))
        var error: HostError? { state.withLock { $0.error } }
        var hasFailed: Bool { error != nil }
        func fail(_ error: HostError) { state.withLock { $0.error = $0.error ?? error } }
        func next() -> Int {
            state.withLock { state in
                defer { state.next += 1 }
                return state.next
            }
        }
    }
}
