import ActorContract
import HostErrors
import Synchronization
import SystemLayer
import Telemetry

/// After a restart a script that has `recover` says itself whether what the journal has as alive does live.
extension ActorHost {
    private static let recoverMilliseconds: Int64 = 5_000
    /// Between one asking and the next; doubled up to the second.
    private static let firstPause = Duration.seconds(1)
    private static let longestPause = Duration.seconds(30)

    private enum Verdict {
        case alive(VerbAnswer)
        case gone(String)
        case unknown(String)
    }

    /// Whether the script is to be asked about an actor that the journal has as alive.
    ///
    /// A container's program is the host's own: when that is gone, nobody needs to be asked.
    func asks(_ record: ActorRecord, alive: [String: ProcessHandle]) -> Bool {
        let gone = record.processes.map(\.name).filter { alive[$0] == nil }
        guard gone.allSatisfy({ name in !record.spec.containers.contains { $0.name == name } }),
            let serving = try? revision(of: record), serving.description.verbs.contains(BackendVerb.recover.rawValue)
        else { return false }
        return true
    }

    /// Asks for the first time, before the host serves.
    ///
    /// - Parameters:
    ///   - entry: an actor that is ready, or was in the middle of a checkpoint.
    ///   - alive: those of its programs that were found.
    /// - Returns: whether it is kept.
    func confirm(_ entry: ActorEntry, alive: [String: ProcessHandle]) async -> Bool {
        entry.with { state in
            state.handles = alive
            state.record.processes.removeAll { alive[$0.name] == nil }
        }
        let operation = await entry.claimWaiting("recover")
        let verdict = await ask(entry, operation)
        let isKept = await settle(entry, verdict)
        if isKept {
            await reopenEgress(entry.record)
            watchExits(entry)
        }
        entry.release(operation)
        if isKept, entry.record.reason == .unconfirmed { askAgain(entry) }
        return isKept
    }

    private func ask(_ entry: ActorEntry, _ operation: Operation) async -> Verdict {
        let record = entry.record
        let log = VerbLog(journal: journal, key: entry.key, verb: "recover")
        do throws(HostError) {
            let answer = try await Offload.run { () throws(HostError) in
                let serving = try self.revision(of: record)
                var request = VerbRequest()
                request.timeoutMilliseconds = Self.recoverMilliseconds
                return try serving.perform(
                    .recover,
                    actor: self.present(record, to: serving.description),
                    request: request,
                    log: log,
                    cancellation: operation
                )
            }
            return .alive(answer)
        } catch {
            if error.context["plugin.status"] == "not_running" { return .gone(error.message) }
            return .unknown(error.message)
        }
    }

    /// - Returns: whether the actor is kept.
    private func settle(_ entry: ActorEntry, _ verdict: Verdict) async -> Bool {
        let wasCut = entry.record.status == .checkpointing
        do throws(HostError) {
            switch verdict {
            case .alive(let answer):
                let message = wasCut ? "a checkpoint was cut short by a restart of the host" : ""
                try move(entry, to: .ready, message: message, settled: true) { record in
                    if let state = answer.state { record.state = state }
                }
                return true
            case .unknown(let words):
                try move(entry, to: .ready, reason: .unconfirmed, message: words, settled: true)
                return true
            case .gone(let words):
                await end(entry, as: .failed, reason: .crashed, message: "gone when the host came back: \(words)")
                return false
            }
        } catch {
            logger.error(
                "a recovered actor could not be journalled",
                ["actor.id": entry.key.text, "error": error.message]
            )
            return true
        }
    }

    /// Asks until there is an answer, or somebody ended the actor.
    private func askAgain(_ entry: ActorEntry) {
        Task { [weak self] in
            var pause = Self.firstPause
            while true {
                try? await Task.sleep(for: pause)
                pause = min(pause * 2, Self.longestPause)
                guard let self, !self.draining.withLock({ $0 }) else { return }
                let operation = await entry.claimWaiting("recover")
                var isOver = true
                if entry.record.status == .ready, entry.record.reason == .unconfirmed {
                    let verdict = await self.ask(entry, operation)
                    // Cancelled by a stop: that one goes on with it.
                    if operation.isCancelled {
                        isOver = false
                    } else {
                        let isKept = await self.settle(entry, verdict)
                        isOver = !isKept || entry.record.reason != .unconfirmed
                    }
                }
                entry.release(operation)
                if isOver { return }
            }
        }
    }
}
