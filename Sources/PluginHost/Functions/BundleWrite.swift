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

    /// What holds a sandbox for the containers: no container of an actor may have this name (contract §5, V7).
    static let sandboxRoot = "pause"

    static let row = HostFunction.bundleWrite

    static func target(_ arguments: Arguments, _ call: HostCall) -> String? { arguments.container }

    static func answer(_ arguments: Arguments, _ call: HostCall) throws(HostFailure) -> HostReply {
        let actor = call.context.actor
        let name = arguments.container
        let prepared = actor.containers.first { $0.container.name == name }
        guard prepared != nil || name == Self.sandboxRoot else {
            let known = actor.containers.map { "\"\($0.container.name)\"" }.joined(separator: ", ")
            return .refused(
                .notFound,
                "no container \"\(name)\"; the actor has \(known.isEmpty ? "none" : known), and \(Self.sandboxRoot) is a sandbox's own"
            )
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
            root: "\(bundles)/\(name)/rootfs",
            of: actor,
            annotations: arguments.annotations,
            seccomp: rules,
            isMasked: arguments.isMasked
        )
        do throws(SyscallError) {
            try call.context.world.makeDirectory(name, in: bundles)
            let world = call.context.world
            if prepared == nil {
                try world.makeDirectory("rootfs", in: "\(bundles)/\(name)")
                try world.replace(
                    "\(name)/rootfs/\(Self.sandboxRoot)",
                    beneath: bundles,
                    with: WaitingProgram.bytes,
                    isProgram: true
                )
            }
            try world.replace(
                "\(name)/config.json",
                beneath: bundles,
                with: specification.encoded(),
                isProgram: false
            )
        } catch {
            return try .refused(error, "\(bundles)/\(name)")
        }
        return .ok(.map(["path": .text("\(bundles)/\(name)"), "pidfile": .text("\(bundles)/\(name).pid")]))
    }
}
