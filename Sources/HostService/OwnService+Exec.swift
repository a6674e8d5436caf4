import ActorContract
import ActorLifecycle
import ContractWire
import GRPCTransport
import HostErrors

/// Programs inside actors: one stream out, and calls that carry what goes in.
extension OwnService {
    /// Starts a program and sends what comes from it; the end of the call is the end of the program.
    func exec(_ context: CallContext, _ bytes: [UInt8], _ sink: any ResponseSink) async -> (
        RPCStatus, [(String, String)]
    ) {
        let execution: Execution
        do throws(HostError) {
            let request = try HostMessages.ExecRequest(decoding: bytes)
            let key = try host.resolve(request.actor)
            var asked = ActorContract.ExecRequest(container: request.container, command: request.command)
            asked.hasTerminal = request.tty
            execution = try await host.exec(key, asked, context: Handlers.verb(context, otherwise: 30_000))
            if request.rows > 0 { execution.resize(rows: Int(request.rows), columns: Int(request.columns)) }
        } catch {
            handlers.log(error, context)
            return (Handlers.status(error, dialect: nil), [])
        }
        executions.add(execution)
        defer { executions.remove(execution) }
        return await withTaskCancellationHandler {
            do throws(RPCStatus) {
                try await sink.send(HostMessages.ExecEvent(id: execution.id).encoded())
                for await event in execution.events {
                    switch event {
                    case .output(let bytes): try await sink.send(HostMessages.ExecEvent(stdout: bytes).encoded())
                    case .errors(let bytes): try await sink.send(HostMessages.ExecEvent(stderr: bytes).encoded())
                    case .ended(let code):
                        try await sink.send(HostMessages.ExecEvent(ended: true, exitCode: Int64(code)).encoded())
                    }
                    execution.took()
                }
            } catch {
                execution.end()
                return (error, [])
            }
            return (.ok, [])
        } onCancel: {
            execution.end()
        }
    }

    /// Passes input, a signal or a size on; answered when the program has taken it.
    func execInput(_ request: HostMessages.ExecInputRequest) async throws(HostError) -> [UInt8] {
        guard let execution = executions.find(request.id) else {
            throw HostError(.notFound, .actorNotRunning, "no program of that id runs here")
        }
        if request.rows > 0 { execution.resize(rows: Int(request.rows), columns: Int(request.columns)) }
        if request.signal > 0 {
            // What the launcher passes on; the end of a program that takes none of them is the call's end.
            guard [1, 2, 3, 10, 12, 15, 28].contains(request.signal) else {
                throw HostError(.invalidArgument, nil, "signal \(request.signal) is not passed on")
            }
            execution.signal(Int32(request.signal))
        }
        if !request.data.isEmpty { try await execution.write(request.data) }
        if request.end { try await execution.closeInput() }
        return HostMessages.ExecInputResponse().encoded()
    }
}
