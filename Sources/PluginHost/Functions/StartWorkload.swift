import ActorContract
import HostErrors
import PluginProtocol

/// `workload.start`.
enum StartWorkload: HostHandler {
    struct Arguments: HostArguments {
        let container: String
        let confine: PluginValue
        init(_ fields: CheckedFields) {
            container = fields.text("container")
            confine = fields.value("confine")
        }
    }

    static let row = HostFunction.workloadStart

    static func target(_ arguments: Arguments, _ call: HostCall) -> String? { arguments.container }

    static func answer(_ arguments: Arguments, _ call: HostCall) -> HostReply {
        let context = call.context
        let name = arguments.container
        guard let prepared = context.actor.containers.first(where: { $0.container.name == name }) else {
            return .refused(.notFound, "the actor has no container \"\(name)\"")
        }
        guard !context.kept.contains(where: { $0.name == name }) else {
            return .refused(.alreadyRunning, "container \"\(name)\" was started")
        }
        let start = WorkloadStart(
            actor: context.actor,
            prepared: prepared,
            confine: arguments.confine,
            companions: context.companions,
            layout: context.layout,
            required: context.required
        )
        let process: KeptProcess
        do throws(HostError) { process = try start.perform() } catch {
            switch error.code {
            case .resourceExhausted: return .refused(.storageFull, error.message)
            case .invalidArgument, .failedPrecondition: return .refused(.unsupported, error.message)
            case .notFound: return .refused(.notFound, error.message)
            default: return .refused(.ioError, error.message)
            }
        }
        // Its end before the actor is ready is seen by the host, which waits for readiness.
        context.kept.append(process)
        let handle = context.processes.insert(VerbContext.held(process, context.actor, context.layout))
        return .ok(.handle(handle), process: process)
    }
}
