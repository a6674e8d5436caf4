import Glibc
import Synchronization

/// A phase table that the tasks and threads of one verb fill together.
public final class PhaseClock: Sendable {
    private let phases = Mutex(PhaseTable())
    private let start = PhaseClock.now()

    /// Starts the clock.
    public init() {}

    /// What was measured so far.
    public var table: PhaseTable { phases.withLock { $0 } }

    /// Milliseconds since the start.
    public var elapsedMilliseconds: Double { Self.milliseconds(since: start) }

    /// Adds a phase that was measured elsewhere.
    ///
    /// - Parameters:
    ///   - name: one word or dotted words.
    ///   - milliseconds: how long it took.
    ///   - program: whether it was spent waiting for a program.
    public func add(_ name: String, milliseconds: Double, program: Bool = false) {
        phases.withLock { $0.add(name, milliseconds: milliseconds, program: program) }
    }

    /// Runs the body and adds how long it took, also when it throws.
    ///
    /// - Parameters:
    ///   - name: one word or dotted words.
    ///   - program: whether it waits for a program.
    ///   - body: the phase.
    /// - Returns: what the body returns.
    /// - Throws: what the body throws.
    public func measure<Value: ~Copyable, Failure: Error>(
        _ name: String,
        program: Bool = false,
        _ body: () throws(Failure) -> Value
    ) throws(Failure) -> Value {
        let start = Self.now()
        defer { add(name, milliseconds: Self.milliseconds(since: start), program: program) }
        return try body()
    }

    /// Runs the asynchronous body and adds how long it took, also when it throws.
    ///
    /// - Parameters:
    ///   - name: one word or dotted words.
    ///   - program: whether it waits for a program.
    ///   - isolation: the caller's, which the body keeps.
    ///   - body: the phase.
    /// - Returns: what the body returns.
    /// - Throws: what the body throws.
    public func measure<Value, Failure: Error>(
        _ name: String,
        program: Bool = false,
        isolation: isolated (any Actor)? = #isolation,
        _ body: () async throws(Failure) -> Value
    ) async throws(Failure) -> Value {
        let start = Self.now()
        defer { add(name, milliseconds: Self.milliseconds(since: start), program: program) }
        return try await body()
    }

    /// CLOCK_MONOTONIC in nanoseconds.
    static func now() -> Int64 {
        var time = timespec()
        _ = unsafe clock_gettime(CLOCK_MONOTONIC, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }

    static func milliseconds(since start: Int64) -> Double { Double(now() - start) / 1_000_000 }
}
