import Glibc
public import HostErrors
import Synchronization

/// One worker for each key at a time: those that come meanwhile wait, then look for themselves.
///
/// The work must be one that finds its own result: the second caller runs it too, and finds it done.
public final class SingleFlight: Sendable {
    /// An attempt that failed, and who was already waiting when it did.
    private struct Failure {
        let attempt: String
        let error: HostError
        let waiters: UInt64
    }
    /// A lock that may be held while blocking.
    private final class Gate: Sendable {
        let failure = Mutex<Failure?>(nil)
    }
    /// The gates, the callers that hold or want each, and how many ever came.
    private let gates = Mutex<(open: [String: (gate: Gate, users: Int)], arrivals: UInt64)>(([:], 0))

    /// Makes one.
    public init() {}

    /// Runs the work alone among those of the same key; blocks.
    ///
    /// - Parameters:
    ///   - key: what the work is about.
    ///   - attempt: callers that were waiting when the same attempt failed share its error, and do not try again; nil
    ///     always tries.
    ///   - work: finds its result done, or does it.
    /// - Returns: the work's result.
    /// - Throws: what the work throws.
    public func run<Value: Sendable>(
        _ key: String,
        attempt: String? = nil,
        _ work: () throws(HostError) -> Value
    ) throws(HostError) -> Value {
        let (gate, ticket) = gates.withLock { gates in
            var entry = gates.open[key] ?? (Gate(), 0)
            entry.users += 1
            gates.open[key] = entry
            gates.arrivals += 1
            return (entry.gate, gates.arrivals)
        }
        defer {
            gates.withLock { gates in
                guard var entry = gates.open[key] else { return }
                entry.users -= 1
                gates.open[key] = entry.users == 0 ? nil : entry
            }
        }
        let result = gate.failure.withLock { failure -> Result<Value, HostError> in
            if let failure, let attempt, failure.attempt == attempt, ticket <= failure.waiters {
                return .failure(failure.error)
            }
            do throws(HostError) { return .success(try work()) } catch {
                // That one no longer wants it is no reason for the others.
                if let attempt, error.code != .cancelled {
                    let waiters = gates.withLock { $0.arrivals }
                    failure = Failure(attempt: attempt, error: error, waiters: waiters)
                }
                return .failure(error)
            }
        }
        return try result.get()
    }
}
