import ActorContract
import ActorNetwork
import HostErrors
import LaunchProtocol
import SystemLayer

/// Waiting until an actor answers.
extension ActorHost {
    /// Waits until every container with a probe is ready.
    ///
    /// - Parameters:
    ///   - entry: the actor; its programs were started.
    ///   - operation: ends the wait when it is cancelled.
    ///   - deadline: of the caller; each probe's own time is cut to it.
    /// - Returns: how many requests it took, over all containers.
    /// - Throws: `crashed` when a program ended first, `readinessTimeout` when time did.
    func awaitReadiness(
        _ entry: ActorEntry,
        _ operation: Operation,
        until deadline: ContinuousClock.Instant?
    ) async throws(HostError) -> Int {
        let record = entry.record
        let handles = entry.with { $0.handles }
        var targets: [ReadinessTarget] = []
        for container in record.spec.containers {
            if let probe = container.readiness {
                var target = try ReadinessTarget(container: container.name, probe: probe)
                if let deadline { target.timeout = min(target.timeout, max(deadline - .now, .zero)) }
                targets.append(target)
            }
        }
        let containers = Set(record.spec.containers.map(\.name))
        let places = directories(entry.key)
        let slotPlaces = slotDirectories(record)
        let missing = record.processes.first { handles[$0.name] == nil }?.name
        let ended: @Sendable () -> String? = {
            if operation.isCancelled { return "the verb was cancelled" }
            if let name = missing ?? handles.first(where: { $0.value.hasExited() })?.key {
                let kind = containers.contains(name) ? "container" : "program"
                // What is no container's stays with the slot, which may be a warm one.
                let spool = (containers.contains(name) ? places : slotPlaces).log(name)
                guard let words = Self.lastWords(spool) else {
                    return "\(kind) \"\(name)\" ended before it was ready; its log says why"
                }
                return "\(kind) \"\(name)\" ended before it was ready: \(words)"
            }
            return nil
        }
        if let text = ended() { throw explained(HostError(.failedPrecondition, .crashed, text), record) }
        let network = slotDirectories(record).network
        do throws(HostError) {
            return try await ReadinessProber.wait(
                namespacePath: network,
                address: record.address,
                targets: targets,
                shouldStop: ended
            ).attempts
        } catch {
            guard error.code == .cancelled, let deadline, ContinuousClock.now >= deadline else {
                throw explained(error, record)
            }
            throw HostError(.deadlineExceeded, .readinessTimeout, "not ready when the caller's deadline passed")
        }
    }

    /// The last line that a program complained with.
    private static func lastWords(_ spool: String) -> String? {
        var reader = LogSpoolReader(directory: spool)
        var last: [UInt8] = []
        while let record = reader.next() {
            if record.stream == .standardError, record.bytes.contains(where: { $0 > 32 }) { last = record.bytes }
        }
        return last.isEmpty ? nil : String(String(decoding: last, as: UTF8.self).prefix(300))
    }
}
