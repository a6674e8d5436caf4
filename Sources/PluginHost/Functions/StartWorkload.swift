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

    /// What is refused unasked is no effect: a name that the actor does not have never gets into the journal.
    static func target(_ arguments: Arguments, _ call: HostCall) -> String? {
        guard call.context.actor.containers.contains(where: { $0.container.name == arguments.container }) else {
            return nil
        }
        return arguments.container
    }

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
        do throws(HostError) { process = try context.world.start(start) } catch {
            switch error.code {
            case .resourceExhausted: return .refused(.storageFull, error.message)
            case .invalidArgument, .failedPrecondition: return .refused(.unsupported, error.message)
            case .notFound: return .refused(.notFound, error.message)
            default: return .refused(.ioError, error.message)
            }
        }
        // Its end before the actor is ready is seen by the host, which waits for readiness.
        context.kept.append(process)
        let handle = context.processes.insert(context.held(process))
        return .ok(.handle(handle), process: process)
    }
}
