import PluginProtocol
import SystemLayer
import Telemetry

/// `process.run`.
enum RunProgram: HostHandler {
    typealias Arguments = ProgramArguments

    static let row = HostFunction.processRun

    static func target(_ arguments: ProgramArguments, _ call: HostCall) -> String? { arguments.target(call) }

    static func answer(_ arguments: ProgramArguments, _ call: HostCall) throws(HostFailure) -> HostReply {
        let spec = try arguments.spec(call)
        let room = call.context.room
        let interrupt = try call.context.interruptible()
        let deadline = call.deadline(after: arguments.timeoutMilliseconds)
        let process: HeldProcess
        do throws(ProgramFailure) {
            process = try room.start(spec, allows: arguments.allows)
        } catch { return .refused(error) }
        guard let handle = process.handle else { return .refused(.ioError, "\(process.name) cannot be held") }
        let output = room.output(of: process)
        let outcome = ProgramTime.wait { () -> VerbInterrupt.Outcome in
            while true {
                let streams = output?.descriptors ?? []
                let outcome = interrupt.wait(anyOf: [handle.pollDescriptor] + streams, until: deadline)
                output?.drain()
                if handle.hasExited() || outcome != .ready { return handle.hasExited() ? .ready : outcome }
            }
        }
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
        // What it left behind may be adopted: it ends with the verb.
        if let leaf = process.leaf, leaf.processes().isEmpty { try? leaf.remove() }
        guard end.isAllowed else { return .refused(.failed, "\(process.name) \(end.words)", end.value) }
        return .ok(end.value)
    }
}
