import Glibc
public import HostErrors
import Synchronization

/// One worker for each key at a time: those that come meanwhile wait, then look for themselves.
///
/// The work must be one that finds its own result: the second caller runs it too, and finds it done.
public final class SingleFlight: Sendable {
    /// A lock that may be held while blocking, and the callers that hold or want it.
    private final class Gate: Sendable {
        let lock = Mutex(())
    }
    private let gates = Mutex<[String: (gate: Gate, users: Int)]>([:])

    /// Makes one.
    public init() {}

    /// Runs the work alone among those of the same key; blocks.
    ///
    /// - Parameters:
    ///   - key: what the work is about.
    ///   - work: finds its result done, or does it.
    /// - Returns: the work's result.
    /// - Throws: what the work throws.
    public func run<Value: Sendable>(
        _ key: String,
        _ work: () throws(HostError) -> Value
    ) throws(HostError) -> Value {
        let gate = gates.withLock { gates in
            var entry = gates[key] ?? (Gate(), 0)
            entry.users += 1
            gates[key] = entry
            return entry.gate
        }
        defer {
            gates.withLock { gates in
                guard var entry = gates[key] else { return }
                entry.users -= 1
                gates[key] = entry.users == 0 ? nil : entry
            }
        }
        let result = gate.lock.withLock { _ -> Result<Value, HostError> in
            do throws(HostError) { return .success(try work()) } catch { return .failure(error) }
        }
        return try result.get()
    }
}
