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
}
