import Dispatch
import HostErrors
import Telemetry
import Threads

/// Runs blocking work where it starves nobody: the cooperative pool is as wide as the machine has cores.
enum Offload {
    /// For small work that a verb does side by side.
    static let queue = DispatchQueue(label: "substrate.blocking", attributes: .concurrent)
    /// More than verbs may be at once (`HostSettings.verbsAtOnce`, twice), so that a stop finds one whatever they wait for.
    static let threads = BlockingThreads(bound: 160)

    /// Runs the body on one of the threads some time; nobody waits for it.
    static func later(_ body: @escaping @Sendable () -> Void) { threads.run(body) }

    /// Runs the body on one of the threads and waits without holding a thread of the cooperative pool.
    ///
    /// It is not cut short when the task is cancelled: what it does is done whole.
    static func run<Value: Sendable>(
        _ body: @escaping @Sendable () throws(HostError) -> Value
    ) async throws(HostError) -> Value {
        let result: Result<Value, HostError> = await withCheckedContinuation { continuation in
            threads.run {
                do throws(HostError) {
                    continuation.resume(returning: .success(try body()))
                } catch {
                    continuation.resume(returning: .failure(error))
                }
            }
        }
        return try result.get()
    }

    /// Runs the body as `run` does and adds how long it took to a verb's phases, what programs took by itself.
    ///
    /// - Parameters:
    ///   - name: the phase; the programs' part is `NAME.program`.
    ///   - clock: the verb's.
    ///   - body: the phase.
    /// - Returns: what the body returns.
    /// - Throws: what the body throws.
    static func phase<Value: Sendable>(
        _ name: String,
        _ clock: PhaseClock,
        _ body: @escaping @Sendable () throws(HostError) -> Value
    ) async throws(HostError) -> Value {
        let programs = ProgramTime()
        let start = clock.elapsedMilliseconds
        defer {
            let waited = programs.milliseconds
            clock.add(name, milliseconds: clock.elapsedMilliseconds - start - waited)
            if waited > 0 { clock.add("\(name).program", milliseconds: waited, program: true) }
        }
        return try await run { () throws(HostError) in
            try programs.counting { () throws(HostError) in try body() }
        }
    }
}
