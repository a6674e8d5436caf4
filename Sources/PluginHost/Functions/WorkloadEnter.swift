import ActorContract
import HostErrors
import LaunchProtocol
import PluginProtocol

/// `workload.enter`.
enum EnterWorkload: HostHandler {
    struct Arguments: HostArguments {
        let container: String
        let command: [String]
        let environment: [String: String]
        let isClient: Bool
        init(_ fields: CheckedFields) {
            container = fields.text("container")
            command = fields.texts("command")
            environment = fields.map("env") ?? [:]
            isClient = fields.text("stdio") == "client"
        }
    }

    static let row = HostFunction.workloadEnter

    /// The program's name alone: its arguments may be secret.
    static func target(_ arguments: Arguments, _ call: HostCall) -> String? {
        "\(arguments.container): \(arguments.command.first ?? "")"
    }

    static func answer(_ arguments: Arguments, _ call: HostCall) throws(HostFailure) -> HostReply {
        let context = call.context
        let name = arguments.container
        guard !arguments.command.isEmpty else {
            throw .mistake(ArgumentFault(message: "workload.enter: command is empty", expected: "a program"))
        }
        let prepared = context.actor.containers.first { $0.container.name == name }
        guard let process = context.kept.first(where: { $0.name == name }) else {
            if prepared == nil { return .refused(.notFound, "the actor has no container \"\(name)\"") }
            return .refused(.notRunning, "container \"\(name)\" does not run")
        }
        let capabilities: [UInt8]
        do throws(HostError) {
            capabilities =
                try prepared.map { prepared throws(HostError) in
                    try WorkloadCapabilities.numbers(prepared.container)
                } ?? []
        } catch { return .refused(.unsupported, error.message) }
        let isReadOnly = process.applied?.contains(Protection.readOnlyRoot.rawValue) ?? false
        let mounts = prepared.map { context.actor.mounts(of: $0.container) } ?? []
        // Rules of its own would keep it from looking into the workload, as debuggers do: only who relies on them pays.
        let isLandlocked =
            context.required.contains(.landlock) && process.applied?.contains(Protection.landlock.rawValue) == true
        let entry = ContainerEntry(
            container: process,
            command: arguments.command,
            environment: arguments.environment,
            capabilities: capabilities,
            defaults: prepared?.defaults ?? ImageDefaults(),
            isLandlocked: isLandlocked,
            writable: isReadOnly ? mounts.filter { !$0.readOnly }.map(\.target) : nil,
            client: arguments.isClient ? try call.client() : nil
        )
        let entered: HeldProcess
        do throws(ProgramFailure) { entered = try context.room.enter(entry, line: call.line) } catch {
            return .refused(error)
        }
        if !entered.isClient { context.room.follow(entered) }
        return .ok(.handle(context.processes.insert(entered)))
    }
}
