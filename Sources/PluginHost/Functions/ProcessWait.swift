import PluginProtocol
import SystemLayer
import Telemetry

/// `process.wait`.
enum WaitForProcesses: HostHandler {
    struct Arguments: HostArguments {
        let handles: [PluginHandle]
        let timeoutMilliseconds: Int64?
        init(_ fields: CheckedFields) {
            handles = fields.handles("processes")
            timeoutMilliseconds = fields.integer("timeout_ms")
        }
    }

    static let row = HostFunction.processWait

    static func answer(_ arguments: Arguments, _ call: HostCall) throws(HostFailure) -> HostReply {
        var processes: [HeldProcess] = []
        for (index, handle) in arguments.handles.enumerated() {
            processes.append(try call.process(handle, at: "[\(index + 1)]", mend: "wait for each process once"))
        }
        let interrupt = try call.context.interruptible()
        call.context.expectEnd(of: processes)
        let deadline = call.deadline(after: arguments.timeoutMilliseconds)
        let late = ProgramTime.wait { () -> HostReply? in
            for process in processes {
                guard let handle = process.handle else { continue }
                switch handle.wait(until: deadline, interrupt) {
                case .ready: _ = handle.wait()
                case .cancelled: return .refused(.cancelled, "the verb was cancelled")
                case .timeout: return .refused(.timeout, "\"\(process.name)\" still runs")
                }
            }
            return nil
        }
        if let late { return late }
        for handle in arguments.handles { call.context.processes.close(handle, line: call.line) }
        for process in processes where process.kept != nil { call.context.room.end(process) }
        let gone = processes.compactMap(\.kept)
        call.context.kept.removeAll { gone.contains($0) }
        let ends = processes.map { $0.result() }
        let values = PluginValue.list(ends.map(\.value))
        for (process, end) in zip(processes, ends) where !end.isAllowed {
            return .refused(.failed, "\(process.name) \(end.words)", values)
        }
        return .ok(values)
    }
}
