public import HostErrors
import SystemLayer

/// What waiting for readiness took.
public struct ReadinessReport: Sendable, Equatable {
    /// Requests made, over all containers.
    public let attempts: Int
}

/// Asks the containers of an actor over HTTP whether they are ready.
///
/// - Source: contract §4.6: only status 200 is success; here redirects are not followed.
public enum ReadinessProber {
    /// Waits until every probe answered 200.
    ///
    /// All containers are asked side by side, each on a thread of its own: at once, then after pauses of a twentieth
    /// of what was waited so far, 1 to 25 ms; a try has 250 ms. The first failure ends the others.
    /// - Parameters:
    ///   - namespacePath: the actor's pinned namespace.
    ///   - probes: containers without a probe are not listed; an empty list is ready at once.
    ///   - shouldStop: asked at least every 25 ms on those threads; a text (the workload exited) fails at once with it.
    /// - Returns: how many requests it took.
    /// - Throws: `DEADLINE_EXCEEDED` (`READINESS_TIMEOUT`); `INVALID_ARGUMENT` for a probe that is none;
    ///   `FAILED_PRECONDITION` (`CRASHED`) with the text of `shouldStop`; `CANCELLED` when the task is cancelled.
    public static func wait(
        namespacePath: String,
        probes: [(container: String, path: String, port: UInt16, timeout: Duration)],
        shouldStop: @escaping @Sendable () -> String?
    ) async throws(HostError) -> ReadinessReport {
        var targets: [ReadinessTarget] = []
        for probe in probes {
            targets.append(
                try ReadinessTarget(
                    container: probe.container,
                    path: probe.path,
                    port: probe.port,
                    timeout: probe.timeout
                )
            )
        }
        return try await wait(namespacePath: namespacePath, targets: targets, shouldStop: shouldStop)
    }

    /// Waits until every target answered 200; as above, for probes that were checked before.
    ///
    /// - Parameters:
    ///   - namespacePath: the actor's pinned namespace.
    ///   - address: where the actor is in the machine's own network; nil: in its namespace.
    ///   - targets: whom to ask.
    ///   - shouldStop: as above.
    /// - Returns: how many requests it took.
    /// - Throws: as above.
    public static func wait(
        namespacePath: String,
        address: String? = nil,
        targets: [ReadinessTarget],
        shouldStop: @escaping @Sendable () -> String?
    ) async throws(HostError) -> ReadinessReport {
        if targets.isEmpty { return ReadinessReport(attempts: 0) }
        let round: ReadinessRound
        do throws(SyscallError) {
            round = try ReadinessRound(namespacePath: namespacePath, address: address, shouldStop: shouldStop)
        } catch {
            throw HostError(.resourceExhausted, nil, "readiness: \(error)")
        }
        let result: Result<ReadinessReport, HostError> = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                round.start(targets) { continuation.resume(returning: $0) }
            }
        } onCancel: {
            round.cancel()
        }
        return try result.get()
    }
}
