import Glibc
public import HostErrors
import Synchronization

/// Work that several threads of its own share, while the caller waits for all of them.
///
/// They block in system calls, so that neither the cooperative pool nor a dispatch queue should lend them.
public enum Threads {
    /// Runs the body on so many threads at once, the caller's among them; blocks until all have ended.
    ///
    /// - Parameters:
    ///   - count: how many, at least 1; fewer where the system gives no more.
    ///   - body: given the thread's number.
    public static func run(_ count: Int, _ body: @escaping @Sendable (Int) -> Void) {
        var threads: [pthread_t] = []
        for number in 1..<max(count, 1) {
            guard let thread = start({ body(number) }) else { break }
            threads.append(thread)
        }
        body(0)
        for thread in threads { pthread_join(thread, nil) }
    }

    /// Runs two things side by side, the second on the caller's thread; blocks until both have ended.
    ///
    /// - Throws: RESOURCE_EXHAUSTED where the system gives no thread: neither has run then.
    public static func beside(_ aside: @escaping @Sendable () -> Void, _ body: () -> Void) throws(HostError) {
        guard let thread = start(aside) else {
            throw HostError(.resourceExhausted, .machine, "the machine has no more threads")
        }
        body()
        pthread_join(thread, nil)
    }

    /// Starts a thread that no signal is handled on; nil where there is none.
    private static func start(_ body: @escaping @Sendable () -> Void) -> pthread_t? {
        let job = unsafe Unmanaged.passRetained(Job(body))
        var thread = pthread_t()
        var all = sigset_t()
        var before = sigset_t()
        _ = unsafe sigfillset(&all)
        _ = unsafe pthread_sigmask(SIG_SETMASK, &all, &before)
        let code = unsafe pthread_create(
            &thread,
            nil,
            { context in
                guard let context = unsafe context else { return nil }
                unsafe Unmanaged<Job>.fromOpaque(context).takeRetainedValue().body()
                return nil
            },
            job.toOpaque()
        )
        _ = unsafe pthread_sigmask(SIG_SETMASK, &before, nil)
        guard code == 0 else {
            unsafe job.release()
            return nil
        }
        return thread
    }

    /// Deals numbers out to so many threads until all are done or one fails; blocks.
    ///
    /// - Parameters:
    ///   - count: how many threads.
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
        let body: @Sendable (Int) -> Void = { _ in
            do throws(HostError) {
                var kept = try make()
                while !deal.hasFailed {
                    let item = deal.next()
                    if item >= items { return }
                    try work(&kept, item)
                }
            } catch { deal.fail(error) }
        }
        run(min(count, max(items, 1)), body)
        if let error = deal.error { throw error }
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

    private final class Job: Sendable {
        let body: @Sendable () -> Void
        init(_ body: @escaping @Sendable () -> Void) { self.body = body }
    }
}
