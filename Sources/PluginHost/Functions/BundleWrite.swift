import ActorContract
import Confinement
import LaunchProtocol
import PluginProtocol
import SystemLayer

/// `bundle.write`.
enum WriteBundle: HostHandler {
    struct Arguments: HostArguments {
        let container: String
        let annotations: [String: String]
        let seccomp: String
        let isMasked: Bool
        let hasUserNamespace: Bool
        let joinsNetwork: Bool
        init(_ fields: CheckedFields) {
            container = fields.text("container")
            annotations = fields.map("annotations") ?? [:]
            seccomp = fields.text("seccomp")
            isMasked = fields.flag("masked")
            hasUserNamespace = fields.flag("user_namespace")
            joinsNetwork = fields.flag("join_network")
        }
    }

    /// What holds a sandbox for the containers: no container of an actor may have this name (contract §5, V7).
    static let sandboxRoot = "pause"

    static let row = HostFunction.bundleWrite

    static func target(_ arguments: Arguments, _ call: HostCall) -> String? { arguments.container }

    /// What the operator relies on and a runtime's container would not have; nil when it has all.
    private static func refusal(_ arguments: Arguments, _ context: VerbContext) -> String? {
        if arguments.hasUserNamespace {
            if arguments.container == sandboxRoot { return "a sandbox's root has no user namespace" }
            if context.actor.firstID == nil {
                return
                    "the actor has no ids for it: set user_namespace, of the host's settings or in the config of this backend, to true"
            }
        } else if context.actor.wantsUserNamespace {
            return
                "user_namespace is set and the script asks for none: set it in the backend's config where that has one, or write bundle.write { user_namespace = true }"
        }
        // The launcher's own, which no runtime applies.
        var lacking: [Protection] = [.landlock, .initFilter, .readOnlyRoot]
        if !arguments.hasUserNamespace { lacking.append(.userNamespace) }
        if arguments.seccomp == "none" { lacking.append(.seccomp) }
        if !arguments.isMasked { lacking.append(.maskedPaths) }
        let missing = context.required.filter(lacking.contains).map(\.rawValue)
        if missing.isEmpty { return nil }
        return "--require \(missing.joined(separator: ", ")): not applied to a container that a runtime makes"
    }

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
        if let refusal = refusal(arguments, call.context) { return .refused(.unsupported, refusal) }
        let users = arguments.hasUserNamespace ? actor.firstID : nil
        guard prepared == nil || call.context.room.shift(to: users) else {
            return .refused(
                .unsupported,
                "user_namespace of \"\(name)\" differs from that of the actor's other containers, or a program saw their files already"
            )
        }
        let bundles = actor.slotPlaces.bundles
        let specification = BundleSpecification(
            prepared,
            root: "\(bundles)/\(name)/rootfs",
            of: actor,
            annotations: arguments.annotations,
            seccomp: rules,
            isMasked: arguments.isMasked,
            joinsNetwork: arguments.joinsNetwork,
            users: users
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
        if rules != nil { call.context.givesFilters = true }
        return .ok(.map(["path": .text("\(bundles)/\(name)"), "pidfile": .text("\(bundles)/\(name).pid")]))
    }
}
