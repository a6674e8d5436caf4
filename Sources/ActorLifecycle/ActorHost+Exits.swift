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
        guard let operation = await entry.claimForEnd(of: container, ticket: ticket) else { return }
        defer { entry.release(operation) }
        let record = entry.record
        guard record.status == .ready, entry.with({ $0.exits[container] }) == ticket else { return }
        await awaitKeeper(of: container, entry, record)
        let containers = Set(record.spec.containers.map(\.name))
        guard containers.contains(container) else {
            logger.info(
                "a kept program ended",
                [
                    "actor.id": entry.key.text, "program": container,
                    "how": Self.words(end(of: container, entry, record)),
                ]
            )
            return
        }
        let codes = record.processes.filter { containers.contains($0.name) }
            .map { process -> (name: String, status: ExitStatus?, ended: Bool) in
                let ended = entry.with { $0.handles[process.name]?.hasExited() ?? true }
                return (process.name, self.end(of: process.name, entry, record), ended)
            }
        // Several containers: the first that failed decides at once; all at 0 is an ordinary end.
        defer { repeatOutside(entry) }
        if let bad = codes.first(where: { $0.ended && $0.status != .exited(0) }) {
            let memory = bad.status.isPerhapsOutOfMemory ? outOfMemory(bad.name, record) : nil
            await end(
                entry,
                as: .failed,
                reason: memory == nil ? .crashed : .outOfMemory,
                message: memory ?? "container \"\(bad.name)\" \(Self.words(bad.status))"
            )
        } else if codes.allSatisfy(\.ended) {
            await end(entry, as: .stopped, message: "ended with exit status 0")
        }
    }

    /// Waits a moment for the program that says how an adopted one ended: it ends just after that one.
    private func awaitKeeper(of name: String, _ entry: ActorEntry, _ record: ActorRecord) async {
        guard let keeper = record.processes.first(where: { $0.name == name })?.keeper else { return }
        let deadline = ContinuousClock.now + .seconds(2)
        while end(of: keeper, entry, record) == nil, ContinuousClock.now < deadline {
            try? await Task.sleep(for: .milliseconds(5))
        }
    }

    /// How a kept program ended: by its record, or as the kernel said if it was this host's child.
    private func end(of name: String, _ entry: ActorEntry, _ record: ActorRecord) -> ExitStatus? {
        guard let process = record.processes.first(where: { $0.name == name }) else { return nil }
        let directory = directories(entry.key).exit(name)
        if let status = ExitRecord.read(directory: directory, nonce: process.nonce) { return status }
        let handle = entry.with { $0.handles[name] }
        guard let handle, handle.hasExited() else { return nil }
        if let status = handle.wait() { return status }
        return process.keeper.flatMap { end(of: $0, entry, record) }
    }

    private static func words(_ status: ExitStatus?) -> String {
        switch status {
        case .exited(let code): "ended with exit status \(code)"
        case .signaled(let number): "was killed by signal \(number)"
        case nil: "ended without leaving an exit status"
        }
    }
}
