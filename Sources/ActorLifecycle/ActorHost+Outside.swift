import ActorContract
import HostErrors
import Synchronization
import SystemLayer
import Telemetry

/// What a backend made outside this machine is not in the host's hands: its `stop` is asked until it says that it is gone.
extension ActorHost {
    private static let stopMilliseconds: Int64 = 30_000
    /// Between one asking and the next; doubled up to the second.
    private static let firstPause = Duration.seconds(1)
    private static let longestPause = Duration.seconds(30)

    /// Refuses what would begin an actor whose last life may go on elsewhere.
    ///
    /// - Throws: `unavailable`: it is asked to end again and again meanwhile.
    func refuseOutside(_ record: ActorRecord) throws(HostError) {
        guard record.owesStop == true, !record.status.isLive else { return }
        throw HostError(
            .unavailable,
            .actorBusy,
            "what backend \"\(record.backend)\" made outside for \(record.identity.key.text) is not gone yet: its stop is repeated until it answers ok"
        )
    }

    /// Asks the script to end what it made outside, with a grace of nothing, where nobody did so yet.
    ///
    /// - Parameters:
    ///   - entry: an actor that is claimed and whose programs nobody needs any more.
    ///   - verb: the one that has it; that it was cancelled does not keep this from being asked.
    /// - Returns: whether nothing is owed any more.
    @discardableResult
    func payOutside(_ entry: ActorEntry, _ verb: String) async -> Bool {
        let record = entry.record
        guard record.owesStop == true else { return true }
        let log = VerbLog(journal: journal, key: entry.key, verb: verb)
        do throws(HostError) {
            try await Offload.run { () throws(HostError) in
                let serving = (try? self.backend.revision(record.backendSHA256)) ?? self.backend
                // After a teardown there is no room for the script's programs: one is made and taken down again.
                let isBare = !self.hasSurroundings(entry.key)
                if isBare {
                    try self.makeSurroundings(
                        record,
                        of: serving.description,
                        token: Self.newToken(),
                        keepRoots: true,
                        keepVolumes: true,
                        log: log
                    )
                }
                defer { if isBare { try? self.teardown(record) } }
                var request = VerbRequest()
                request.graceMilliseconds = 0
                request.timeoutMilliseconds = Self.stopMilliseconds
                _ = try serving.perform(
                    .stop,
                    actor: self.present(record, to: serving.description),
                    request: request,
                    log: log,
                    cancellation: Operation(verb)
                )
            }
            try settleOutside(entry)
            return true
        } catch {
            logger.warning(
                "what a backend made outside is not gone",
                ["actor.id": entry.key.text, "error": error.message]
            )
            return false
        }
    }

    /// Writes that a `stop` answered ok.
    func settleOutside(_ entry: ActorEntry) throws(HostError) {
        var record = entry.record
        guard record.owesStop != nil else { return }
        record.owesStop = nil
        let written = record
        try journal.put(written)
        entry.with { $0.record.owesStop = nil }
    }

    /// Asks until nothing is owed, in the background.
    func repeatOutside(_ entry: ActorEntry) {
        guard entry.record.owesStop == true else { return }
        Task { [weak self, weak entry] in
            var pause = Self.firstPause
            while true {
                try? await Task.sleep(for: pause)
                pause = min(pause * 2, Self.longestPause)
                guard let self, let entry, !self.draining.withLock({ $0 }) else { return }
                let operation = await entry.claimWaiting("stop")
                let record = entry.record
                let isOver =
                    record.owesStop != true || record.status.isLive ? true : await self.payOutside(entry, "stop")
                entry.release(operation)
                if isOver { return }
            }
        }
    }
}
