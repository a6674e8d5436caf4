import Dispatch
import HostErrors

/// Runs blocking work where it starves nobody: the cooperative pool is as wide as the machine has cores.
enum Offload {
    private static let queue = DispatchQueue(label: "substrate.blocking", attributes: .concurrent)

    /// Runs the body on a thread of that queue some time; nobody waits for it.
    static func later(_ body: @escaping @Sendable () -> Void) { queue.async(execute: body) }

    /// Runs the body on a thread of its own queue and waits without holding a pool thread.
    ///
    /// It is not cut short when the task is cancelled: what it does is done whole.
    static func run<Value: Sendable>(
        _ body: @escaping @Sendable () throws(HostError) -> Value
    ) async throws(HostError) -> Value {
        let result: Result<Value, HostError> = await withCheckedContinuation { continuation in
            queue.async {
                do throws(HostError) {
                    continuation.resume(returning: .success(try body()))
                } catch {
                    continuation.resume(returning: .failure(error))
                }
            }
        }
        return try result.get()
    }
}
