import ActorContract
import Dispatch
import HostErrors
import LaunchProtocol
import SystemLayer

/// What happens when a program of an actor ends by itself.
extension ActorHost {
    private static let exits = DispatchQueue(label: "substrate.exits")

    /// Watches every program of a ready actor through its pidfd.
    func watchExits(_ entry: ActorEntry) {
        let handles = entry.with { $0.handles }
        for (name, handle) in handles {
            let source = DispatchSource.makeReadSource(fileDescriptor: handle.pollDescriptor, queue: Self.exits)
            // The source keeps the handle, and so its descriptor, until the one event that a pidfd has.
            source.setEventHandler { [weak self, weak entry] in
                source.cancel()
                _ = handle.wait()
                guard let self, let entry else { return }
                Task { await self.exited(entry, container: name, handle: handle) }
            }
            source.resume()
        }
    }

    /// A program ended: the actor is stopped or crashed, unless a verb is ending it.
    private func exited(_ entry: ActorEntry, container: String, handle: ProcessHandle) async {
        let operation = await entry.claimWaiting("ended")
        defer { entry.release(operation) }
        let record = entry.record
        let current = entry.with { $0.handles[container] }
        guard record.status == .ready, current === handle else { return }
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
