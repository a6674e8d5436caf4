import Synchronization

/// How long somebody waited for programs, told from its own time.
///
/// Whoever wants to know makes one, and runs what it asks within `counting`; whoever waits for a program says so with
/// `wait`, however deep below. Without a listener it costs nothing.
public final class ProgramTime: Sendable {
    @TaskLocal private static var current: ProgramTime?
    private let total = Mutex(0.0)

    /// Nothing waited yet.
    public init() {}

    /// What was waited so far, in milliseconds.
    public var milliseconds: Double { total.withLock { $0 } }

    /// Runs the body, whose waits are added here.
    ///
    /// - Parameter body: works on the calling thread.
    /// - Returns: what the body returns.
    /// - Throws: what the body throws.
    public func counting<Value, Failure: Error>(_ body: () throws(Failure) -> Value) throws(Failure) -> Value {
        let result: Result<Value, Failure> = Self.$current.withValue(self) {
            do throws(Failure) { return .success(try body()) } catch { return .failure(error) }
        }
        return try result.get()
    }

    /// Adds waits of other threads that the calling one waited for.
    ///
    /// - Parameter milliseconds: the longest of theirs.
    public static func add(_ milliseconds: Double) { current?.total.withLock { $0 += milliseconds } }

    /// Runs the body, which waits for a program and does nothing else worth counting.
    ///
    /// - Parameter body: the wait.
    /// - Returns: what the body returns.
    /// - Throws: what the body throws.
    public static func wait<Value: ~Copyable, Failure: Error>(
        _ body: () throws(Failure) -> Value
    ) throws(Failure) -> Value {
        guard let current else { return try body() }
        let start = PhaseClock.now()
        defer { current.total.withLock { $0 += PhaseClock.milliseconds(since: start) } }
        return try body()
    }
}
