import Dispatch
import Glibc

/// Ctrl-C in a command that waits: its calls are cancelled, so that the host hears of it, and it cleans up after itself.
enum Interruption {
    /// Runs a command.
    ///
    /// - Parameter work: which is cancelled by the first SIGINT; the second ends the process at once.
    /// - Returns: what `work` does, or `interrupted`, which is no failure to be told in words.
    /// - Throws: what `work` does, uninterrupted.
    static func heeding(_ work: @escaping @Sendable () async throws -> ExitCode) async throws -> ExitCode {
        let signals = await EndSignals([SIGINT], hurried: .interrupted)
        let task = Task { try await work() }
        Task {
            await signals.first()
            task.cancel()
        }
        let result = await task.result
        return signals.haveCome ? .interrupted : try result.get()
    }
    /// Runs a command that blocks and leaves files, on a thread of its own.
    ///
    /// - Parameters:
    ///   - words: what is left of it when it was interrupted.
    ///   - work: asks whether it is still wanted, and cleans up after itself when it is not; the second signal ends the
    ///     process at once.
    /// - Returns: what `work` does, or `interrupted`.
    /// - Throws: what `work` does, uninterrupted.
    static func heeding(
        leaving words: String,
        _ work: @escaping @Sendable (_ isCancelled: @escaping @Sendable () -> Bool) throws -> ExitCode
    ) async throws -> ExitCode {
        let signals = await EndSignals(hurried: .interrupted)
        let result: Result<ExitCode, any Error> = await withCheckedContinuation { continuation in
            DispatchQueue.global().async {
                continuation.resume(returning: Result { try work { signals.haveCome } })
            }
        }
        if case .failure = result, signals.haveCome {
            ConsoleOutput.error.line("\(Program.name): interrupted: \(words)")
            return .interrupted
        }
        return try result.get()
    }
}
