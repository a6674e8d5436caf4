import ActorContract
import Glibc
import HostErrors
import SystemLayer
import Telemetry

/// Freshness: who wakes from a snapshot is a copy of somebody, with his random numbers and his idea of the time.
///
/// An image that wants to do something about it has a program for that; it is run in each container whose memory was
/// restored or thawed, and no actor is ready before it has ended well.
extension ActorHost {
    /// Where an image has that program.
    static let freshener = "etc/ate/restored"
    /// O_PATH of open(2), which a device of a stranger's cannot refuse; the same on both architectures.
    private static let pathAlone: CInt = 0o10000000

    /// Runs the programs of those images that have one.
    ///
    /// - Parameters:
    ///   - entry: the actor, whose programs run.
    ///   - serving: a backend without `exec` runs none.
    ///   - operation: the verb; its end is theirs.
    ///   - clock: takes the phase, where there is one.
    ///   - context: the verb's deadline is theirs.
    /// - Throws: `failedPrecondition` (`CRASHED`) with what one complained of; `deadlineExceeded`; `cancelled`.
    func freshen(
        _ entry: ActorEntry,
        by serving: any ActorBackend,
        operation: Operation,
        clock: PhaseClock,
        context: VerbContext
    ) async throws(HostError) {
        let (record, layers) = entry.with { ($0.record, $0.layers) }
        let names = try await Offload.run { () throws(HostError) in
            record.spec.containers.map(\.name).filter { Self.hasFreshener(layers[$0] ?? []) }
        }
        guard !names.isEmpty else { return }
        guard serving.description.verbs.contains(BackendVerb.exec.rawValue) else {
            logger.warning(
                "an image's program for after a restore is not run: the backend has no exec",
                ["actor.id": record.identity.key.text, "containers": names.joined(separator: " ")]
            )
            return
        }
        try await clock.measure("freshness", program: true) { () async throws(HostError) in
            for name in names { try await freshen(name, of: record, operation: operation, context: context) }
        }
    }

    private func freshen(
        _ name: String,
        of record: ActorRecord,
        operation: Operation,
        context: VerbContext
    ) async throws(HostError) {
        let request = ExecRequest(container: name, command: ["/\(Self.freshener)"])
        let execution = try await start(request, in: record, context: context)
        operation.onCancel { execution.end() }
        let deadline = context.deadline ?? ContinuousClock.now + .milliseconds(context.timeoutMilliseconds)
        let patience = Task {
            try await Task.sleep(until: deadline)
            execution.end()
        }
        let (code, words) = await Self.end(of: execution)
        patience.cancel()
        try refuseCancelled(operation)
        guard code != 0 else { return }
        if ContinuousClock.now >= deadline {
            throw HostError(.deadlineExceeded, nil, "container \"\(name)\": /\(Self.freshener) did not end in time")
        }
        throw HostError(
            .failedPrecondition,
            .crashed,
            "container \"\(name)\": /\(Self.freshener) ended with \(code) after the restore\(words.isEmpty ? "" : ": \(words)")"
        )
    }

    /// The code of a program's end, and the last line of what it complained of.
    private static func end(of execution: Execution) async -> (code: Int32, words: String) {
        var (code, complaint): (Int32, [UInt8]) = (0, [])
        for await event in execution.events {
            switch event {
            case .output: break
            case .errors(let bytes): complaint = (complaint + bytes).suffix(1024)
            case .ended(let ended): code = ended
            }
            execution.took()
        }
        return (code, String(decoding: complaint, as: UTF8.self).split(separator: "\n").last.map(String.init) ?? "")
    }

    /// Whether the uppermost layer that knows the file has a program there, and no whiteout.
    private static func hasFreshener(_ layers: [String]) -> Bool {
        for layer in layers.reversed() {
            var status = stat()
            guard let found = try? BeneathPath.open(freshener, beneath: layer, flags: pathAlone),
                unsafe fstat(found.rawValue, &status) == 0
            else { continue }
            return status.st_mode & S_IFMT == S_IFREG && status.st_mode & 0o111 != 0
        }
        return false
    }
}
