public import ActorContract
import Glibc
public import HostErrors
import SystemLayer
import Telemetry

/// Exec: a program of the caller's inside an actor that runs.
///
/// It claims nothing: a stop does not wait for a shell that somebody left open, and ends it with the actor.
extension ActorHost {
    /// Starts one.
    ///
    /// - Parameters:
    ///   - key: the actor.
    ///   - request: what and where.
    ///   - context: the script's time; the program has no deadline.
    /// - Returns: the program, which runs until it ends or is ended.
    /// - Throws: `notFound`, `failedPrecondition` when the actor is not ready, what the script answered, or a
    ///   refusal without a reason where the command cannot be executed.
    public func exec(
        _ key: ActorKey,
        _ request: ExecRequest,
        context: VerbContext
    ) async throws(HostError) -> Execution {
        try refuseWhenDraining()
        let record = try entry(key).record
        guard record.status == .ready else {
            throw HostError(
                .failedPrecondition,
                .actorNotRunning,
                "actor \(key.text) is \(record.status.rawValue), and only a ready one takes programs"
            )
        }
        let names = record.spec.containers.map(\.name)
        var asked = request
        if asked.container.isEmpty { asked.container = names.first ?? "" }
        guard names.contains(asked.container) else {
            throw HostError(
                .invalidArgument,
                nil,
                "actor \(key.text) has no container \"\(asked.container)\"; it has: \(names.joined(separator: ", "))"
            )
        }
        guard !asked.command.isEmpty else { throw HostError(.invalidArgument, nil, "command is empty") }
        return try await start(asked, in: record, context: context)
    }

    /// Starts one, whatever the actor's status; it runs at least.
    ///
    /// - Parameters:
    ///   - wanted: what, in a container that there is.
    ///   - record: the actor's.
    ///   - context: the script's time.
    /// - Returns: the program.
    /// - Throws: as `exec` does.
    func start(
        _ wanted: ExecRequest,
        in record: ActorRecord,
        context: VerbContext
    ) async throws(HostError) -> Execution {
        let log = VerbLog(journal: journal, key: record.identity.key, verb: "exec")
        let operation = Operation("exec")
        let layout = layout
        return try await Offload.run { () throws(HostError) in
            let serving = try self.revision(of: record)
            if serving.description.verbs.contains(BackendVerb.probe.rawValue) {
                try Self.refuse(
                    try self.probe(serving, record.assets, cancellation: operation).answer,
                    verb: .exec
                )
            }
            let streams = try ActorHost.system { () throws(SyscallError) in
                try ExecStreams(terminal: wanted.hasTerminal)
            }
            var verb = VerbRequest()
            verb.timeoutMilliseconds = context.timeoutMilliseconds
            verb.exec = wanted
            verb.client = streams.theirs
            let answer: VerbAnswer
            do throws(HostError) {
                let prepared = self.present(record, to: serving.description)
                answer = try serving.perform(
                    .exec,
                    actor: prepared,
                    request: verb,
                    log: log,
                    cancellation: operation
                )
            } catch {
                streams.closeAll()
                throw error
            }
            operation.end()
            guard let client = answer.client,
                let handle = ProcessHandle.find(pid: client.pid, startTime: client.startTime)
            else {
                streams.closeAll()
                throw HostError(.internal, .plugin, "exec answered no program")
            }
            let leaf = client.leaf.map { Cgroup.leaf(layout: layout, name: $0) }
            return try Self.system { () throws(SyscallError) in
                try streams.execution(handle) {
                    leaf?.kill()
                    try? leaf?.remove()
                }
            }
        }
    }
}

/// Both sides of a program's streams.
private struct ExecStreams {
    /// The program's.
    let theirs: ClientStreams
    private let ours: [CInt]

    init(terminal: Bool) throws(SyscallError) {
        if terminal {
            let pair = try PseudoTerminal.open()
            ours = [pair.controller]
            theirs = ClientStreams(input: pair.program, output: pair.program, errors: pair.program, isTerminal: true)
            return
        }
        let input = try DescriptorPair.pipe()
        let output = try DescriptorPair.pipe()
        let errors = try DescriptorPair.pipe()
        let (read, write) = input.release()
        let (outRead, outWrite) = output.release()
        let (errRead, errWrite) = errors.release()
        ours = [outRead, errRead, write]
        theirs = ClientStreams(input: read, output: outWrite, errors: errWrite, isTerminal: false)
    }

    private func closeTheirs() {
        for number in Set([theirs.input, theirs.output, theirs.errors]) { _ = close(number) }
    }

    func closeAll() {
        closeTheirs()
        for number in ours { _ = close(number) }
    }

    /// Gives our side away and closes the program's, which has it already.
    func execution(
        _ handle: ProcessHandle,
        _ cleanup: @escaping @Sendable () -> Void
    ) throws(SyscallError) -> Execution {
        closeTheirs()
        return try Execution(
            handle,
            input: ours.count > 2 ? ours[2] : -1,
            output: ours[0],
            errors: ours.count > 1 ? ours[1] : -1,
            cleanup: cleanup
        )
    }
}
