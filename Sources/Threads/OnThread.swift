import SystemLayer

/// Runs what blocks on a thread of its own, and waits without holding a thread of the cooperative pool.
///
/// The pool has as many threads as the machine has processors, and what waits on one keeps all tasks waiting. Where the
/// machine has no thread left, the body runs where it was called.
/// - Parameters:
///   - name: of the thread; at most 15 bytes.
///   - body: runs once; it is not cut short when the task is cancelled.
/// - Returns: what the body returns.
/// - Throws: what the body throws.
public func onThread<Value: Sendable, Failure: Error>(
    _ name: String,
    _ body: @escaping @Sendable () throws(Failure) -> Value
) async throws(Failure) -> Value {
    let result: Result<Value, Failure> = await withCheckedContinuation { continuation in
        let work: @Sendable () -> Void = {
            do throws(Failure) {
                continuation.resume(returning: .success(try body()))
            } catch {
                continuation.resume(returning: .failure(error))
            }
        }
        do throws(SyscallError) { try startThread(name, work) } catch { work() }
    }
    return try result.get()
}
