import ActorContract
import Confinement
import PluginProtocol
import SystemLayer

/// `bundle.write`.
enum WriteBundle: HostHandler {
    struct Arguments: HostArguments {
        let container: String
        let annotations: [String: String]
        let seccomp: String
        let isMasked: Bool
        init(_ fields: CheckedFields) {
            container = fields.text("container")
            annotations = fields.map("annotations") ?? [:]
            seccomp = fields.text("seccomp")
            isMasked = fields.flag("masked")
        }
    }

    static let row = HostFunction.bundleWrite

    static func target(_ arguments: Arguments, _ call: HostCall) -> String? { arguments.container }

    static func answer(_ arguments: Arguments, _ call: HostCall) throws(HostFailure) -> HostReply {
        let actor = call.context.actor
        let name = arguments.container
        guard let prepared = actor.containers.first(where: { $0.container.name == name }) else {
            let known = actor.containers.map { "\"\($0.container.name)\"" }.joined(separator: ", ")
            return .refused(.notFound, "no container \"\(name)\"; the actor has \(known.isEmpty ? "none" : known)")
        }
        var rules: RuntimeProfile?
        if arguments.seccomp != "none" {
            guard let found = RuntimeProfile.named(arguments.seccomp) else {
                return .refused(
                    .notFound,
                    "no seccomp profile \"\(arguments.seccomp)\"; there is default, strict, none"
                )
            }
            rules = found
        }
        let bundles = actor.slotPlaces.bundles
        let specification = BundleSpecification(
            prepared,
            of: actor,
            annotations: arguments.annotations,
            seccomp: rules,
            isMasked: arguments.isMasked
        )
        do throws(SyscallError) {
            try call.context.world.makeDirectory(name, in: bundles)
            try call.context.world.replace("\(name)/config.json", beneath: bundles, with: specification.encoded())
        } catch {
            return try .refused(error, "\(bundles)/\(name)")
        }
        return .ok(.map(["path": .text("\(bundles)/\(name)"), "pidfile": .text("\(bundles)/\(name).pid")]))
    }
}
