import ActorContract
import HostErrors
import LaunchProtocol
import SystemLayer
import Telemetry

/// What happens when a program of an actor ends by itself.
extension ActorHost {
    /// Watches every program of a ready actor through its pidfd.
    func watchExits(_ entry: ActorEntry) {
        let failure = entry.with { state -> SyscallError? in
            // Under the lock, so that an end at this very moment finds its ticket.
            for (name, handle) in state.handles {
                do throws(SyscallError) {
                    state.exits[name] = try exits.watch(handle) { [weak self, weak entry] ticket in
                        guard let self, let entry else { return }
                        Task { await self.exited(entry, container: name, ticket: ticket) }
                    }
                } catch { return error }
            }
            return nil
        }
        if let failure {
            logger.error(
                "the end of a program will not be noticed",
                ["actor.id": entry.key.text, "error": "\(failure)"]
            )
        }
    }

    /// A program ended: the actor is stopped or crashed, unless a verb is ending it.
    private func exited(_ entry: ActorEntry, container: String, ticket: ExitWatcher.Ticket) async {
        let operation = await entry.claimWaiting("ended")
        defer { entry.release(operation) }
        let record = entry.record
        guard record.status == .ready, entry.with({ $0.exits[container] }) == ticket else { return }
        let places = directories(entry.key)
        let codes = record.processes.map { process -> (name: String, status: ExitStatus?, ended: Bool) in
            let ended = entry.with { $0.handles[process.name]?.hasExited() ?? true }
            return (process.name, ExitRecord.read(directory: places.exit(process.name), nonce: process.nonce), ended)
        }
        // Several containers: the first that failed decides at once; all at 0 is an ordinary end.
        if let bad = codes.first(where: { $0.ended && $0.status != .exited(0) }) {
            await end(
                entry,
                as: .failed,
                reason: .crashed,
                message: "container \"\(bad.name)\" \(Self.words(bad.status))"
            )
        } else if codes.allSatisfy(\.ended) {
            await end(entry, as: .stopped, message: "ended with exit status 0")
        }
    }

    private static func words(_ status: ExitStatus?) -> String {
        switch status {
        case .exited(let code): "ended with exit status \(code)"
        case .signaled(let number): "was killed by signal \(number)"
        case nil: "ended without leaving an exit status"
        }
    }
}
