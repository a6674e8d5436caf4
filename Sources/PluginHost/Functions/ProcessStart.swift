import ActorContract
import PluginProtocol
import SystemLayer

/// `process.start`.
enum StartProgram: HostHandler {
    typealias Arguments = ProgramArguments

    static let row = HostFunction.processStart

    static func target(_ arguments: ProgramArguments, _ call: HostCall) -> String? { arguments.target(call) }

    static func answer(_ arguments: ProgramArguments, _ call: HostCall) throws(HostFailure) -> HostReply {
        let context = call.context
        var spec = try arguments.spec(call)
        if arguments.keep {
            guard ProgramArguments.isName(arguments.name) else {
                throw ProgramArguments.mistake(
                    call,
                    "name",
                    arguments.name,
                    "letters, digits, - and _, at most 127",
                    mend: "a kept program is found again by its name: name = \"vmm\", keep = true"
                )
            }
            guard !arguments.isClient else {
                throw ProgramArguments.mistake(call, "stdio", "client", "none: a kept program has a log")
            }
            if let other = context.kept.first(where: { $0.name == arguments.name }),
                let handle = context.world.find(other), !handle.hasExited()
            {
                return .refused(.exists, "\"\(arguments.name)\" runs already")
            }
            context.kept.removeAll { $0.name == arguments.name }
            spec.keptName = arguments.name
        }
        if arguments.isClient { spec.client = try call.client() }
        let process: HeldProcess
        do throws(ProgramFailure) {
            process = try context.room.start(spec, line: call.line)
        } catch { return .refused(error) }
        guard let kept = process.kept else {
            context.room.follow(process)
            return .ok(.handle(context.processes.insert(process)))
        }
        return .ok(.handle(try context.keep(process, as: kept)), process: kept)
    }
}
