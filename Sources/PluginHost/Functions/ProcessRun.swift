import PluginProtocol

/// `process.run`.
enum RunProgram: HostHandler {
    typealias Arguments = ProgramArguments

    static let row = HostFunction.processRun

    static func target(_ arguments: ProgramArguments, _ call: HostCall) -> String? { arguments.target(call) }

    static func answer(_ arguments: ProgramArguments, _ call: HostCall) throws(HostFailure) -> HostReply {
        // No mistake: a probe asks what it may.
        if arguments.lacksRestore(call) {
            return .refused(.failed, "nobody granted that its programs restore others: --grant restore")
        }
        let spec = try arguments.spec(call)
        let room = call.context.room
        let interrupt = try call.context.interruptible()
        let deadline = call.deadline(after: arguments.timeoutMilliseconds)
        let process: HeldProcess
        do throws(ProgramFailure) { process = try room.start(spec, line: call.line) } catch { return .refused(error) }
        let outcome = room.waitForEnd(of: process, until: deadline, interrupt)
        switch outcome {
        case .ready: break
        case .cancelled:
            room.end(process)
            return .refused(.cancelled, "the verb was cancelled")
        case .timeout:
            room.end(process)
            return .refused(.timeout, "\(process.name) still ran when its time was over: killed")
        }
        let end = process.result()
        // What it left behind may be adopted.
        room.letGo(process)
        guard end.isAllowed else { return .refused(.failed, "\(process.name) \(end.words)", end.value) }
        return .ok(end.value)
    }
}
