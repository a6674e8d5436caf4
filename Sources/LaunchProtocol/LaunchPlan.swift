/// Everything the launcher needs to make one container of an actor: it asks nobody and looks nothing up.
///
/// Delivered on descriptor 3; the launcher answers on descriptor 4 with a `LaunchReport`.
public struct LaunchPlan: Sendable, Equatable {
    /// A host directory or file shown inside.
    public struct Mount: Sendable, Equatable {
        /// The host's path, resolved before the container's root exists.
        public var source: String
        /// The path inside, resolved beneath the container's root whatever links its image has; made if missing.
        public var target: String
        /// Whether writes fail with EROFS.
        public var readOnly: Bool

        /// Makes one.
        ///
        /// - Parameters:
        ///   - source: the host's path.
        ///   - target: the path inside.
        ///   - readOnly: whether writes fail.
        public init(source: String, target: String, readOnly: Bool = false) {
            self.source = source
            self.target = target
            self.readOnly = readOnly
        }
    }

    /// The actor's name, for messages.
    public var actorName = ""
    /// The container's name, for messages.
    public var containerName = ""
    /// What this launch's exit record carries, so that an older one is never believed.
    public var nonce = ""
    /// The program and its arguments; a program without a slash is searched in the environment's PATH.
    public var arguments: [String] = []
    /// The whole environment, as `NAME=value`.
    public var environment: [String] = []
    /// Where the program starts; made if missing.
    public var workingDirectory = "/"
    /// The host name inside; empty keeps the host's.
    public var hostname = ""
    /// The image's layers, the bottom one first; at least one.
    public var layers: [String] = []
    /// Where the container's own changes go.
    public var upperDirectory = ""
    /// The overlay's scratch directory, empty and on the same file system as `upperDirectory`.
    public var workDirectory = ""
    /// Whether the root refuses writes; mounts do as they say themselves.
    public var readOnlyRoot = false
    /// Host directories and files shown inside, in this order.
    public var mounts: [Mount] = []
    /// A network namespace to join, such as `/run/netns/x`; nil stays in the one of the spawn.
    public var networkNamespace: String?
    /// The machine's id that is 0 inside, the first of 65,536; nil: no user namespace, and root is the machine's.
    public var firstID: UInt32?
    /// The `tasks` files of v1 directories to join before anything else.
    public var cgroupProcs: [String] = []
    /// The numbers of the capabilities the workload has: `LaunchPlan.contractCapabilities` by default.
    public var capabilities: [UInt8] = LaunchPlan.contractCapabilities
    /// Whom the workload runs as; another than root has none of the capabilities.
    public var user: UInt32 = 0
    /// Its group.
    public var group: UInt32 = 0
    /// Its further groups.
    public var groups: [UInt32] = []
    /// The most open files; the hard limit of the host is the most that is given.
    public var openFiles: UInt64 = 1_048_576
    /// The workload's system call profile: `default`, `strict` or `none`.
    public var seccompProfile = "default"
    /// Whether the container sees the machine's `/sys`, read-only and masked.
    public var showsSystem = false
    /// What the host applied itself before the launcher came: namespaces made with the process, cgroup limits.
    public var given: [Protection] = []
    /// What must be applied, or nothing runs.
    public var required: [Protection] = []
    /// The workload's umask.
    public var umask: UInt32 = 0o022
    /// The host's directory for the spool of the workload's output.
    public var logDirectory = ""
    /// The most that the spool keeps, in bytes.
    public var logLimitBytes: UInt64 = 64 << 20
    /// The host's directory for the exit record.
    public var statusDirectory = ""
    /// How long the workload has after the host's SIGTERM before everything inside is killed.
    public var graceMilliseconds: UInt32 = 10_000

    /// KILL, NET_BIND_SERVICE and AUDIT_WRITE: what the contract gives every container.
    ///
    /// - Source: capabilities(7); `linux/capability.h`.
    public static let contractCapabilities: [UInt8] = [5, 10, 29]

    /// How many ids a user namespace has.
    public static let idCount: UInt32 = 65_536

    /// An empty plan, to be filled field by field.
    public init() {}

    /// The longest plan that is sent or read.
    public static let sizeLimit = 4 << 20

    /// The one byte form of this plan.
    ///
    /// - Returns: the bytes for descriptor 3.
    public func encoded() -> [UInt8] {
        var out = PlanWriter(.container)
        out.string(actorName)
        out.string(containerName)
        out.string(nonce)
        out.strings(arguments)
        out.strings(environment)
        out.string(workingDirectory)
        out.string(hostname)
        out.strings(layers)
        out.string(upperDirectory)
        out.string(workDirectory)
        out.flag(readOnlyRoot)
        out.number(UInt64(mounts.count))
        for mount in mounts {
            out.string(mount.source)
            out.string(mount.target)
            out.flag(mount.readOnly)
        }
        out.strings(networkNamespace.map { [$0] } ?? [])
        out.firstID(firstID)
        out.strings(cgroupProcs)
        out.number(UInt64(capabilities.count))
        for capability in capabilities { out.number(UInt64(capability)) }
        out.ids(user, group, groups)
        out.number(openFiles)
        out.string(seccompProfile)
        out.flag(showsSystem)
        out.strings(given.map(\.rawValue))
        out.strings(required.map(\.rawValue))
        out.number(UInt64(umask))
        out.string(logDirectory)
        out.number(logLimitBytes)
        out.string(statusDirectory)
        out.number(UInt64(graceMilliseconds))
        return out.bytes
    }

    /// Reads a plan back; anything but exactly one well-formed plan is refused.
    ///
    /// - Parameter bytes: all bytes of descriptor 3.
    /// - Returns: the plan.
    /// - Throws: what is wrong, and at which byte.
    public static func decode(_ bytes: [UInt8]) throws(PlanError) -> LaunchPlan {
        var input = try PlanReader(bytes, .container)
        var plan = LaunchPlan()
        plan.actorName = try input.string()
        plan.containerName = try input.string()
        plan.nonce = try input.string()
        plan.arguments = try input.strings()
        plan.environment = try input.strings()
        plan.workingDirectory = try input.string()
        plan.hostname = try input.string()
        plan.layers = try input.strings()
        plan.upperDirectory = try input.string()
        plan.workDirectory = try input.string()
        plan.readOnlyRoot = try input.flag()
        for _ in 0..<(try input.count()) {
            let source = try input.string()
            let target = try input.string()
            plan.mounts.append(Mount(source: source, target: target, readOnly: try input.flag()))
        }
        let namespaces = try input.strings()
        guard namespaces.count <= 1 else { throw input.error("more than one network namespace") }
        plan.networkNamespace = namespaces.first
        plan.firstID = try input.firstID()
        plan.cgroupProcs = try input.strings()
        plan.capabilities = []
        for _ in 0..<(try input.count()) { plan.capabilities.append(UInt8(try input.number(below: 64))) }
        (plan.user, plan.group, plan.groups) = try input.ids()
        plan.openFiles = try input.number()
        plan.seccompProfile = try input.string()
        plan.showsSystem = try input.flag()
        plan.given = try protections(&input)
        plan.required = try protections(&input)
        plan.umask = UInt32(try input.number(below: 0o1000))
        plan.logDirectory = try input.string()
        plan.logLimitBytes = try input.number()
        plan.statusDirectory = try input.string()
        plan.graceMilliseconds = UInt32(try input.number(below: 1 << 32))
        try input.end()
        try plan.validate()
        return plan
    }

    private static func protections(_ input: inout PlanReader) throws(PlanError) -> [Protection] {
        var all: [Protection] = []
        for name in try input.strings() {
            guard let one = Protection(rawValue: name) else { throw input.error("no protection \"\(name)\"") }
            all.append(one)
        }
        return all
    }

    /// Refuses a plan that the launcher could not follow.
    ///
    /// - Throws: the first field that is wrong.
    public func validate() throws(PlanError) {
        func absolute(_ path: String, _ field: String) throws(PlanError) {
            guard path.hasPrefix("/"), !path.split(separator: "/").contains("..") else {
                throw PlanError("\(field) is no absolute path without \"..\": \(path)")
            }
        }
        guard !nonce.isEmpty, !nonce.contains(where: { $0 == " " || $0 == "\n" }) else { throw PlanError("nonce") }
        guard let program = arguments.first, !program.isEmpty else { throw PlanError("arguments are empty") }
        guard !layers.isEmpty else { throw PlanError("layers are empty") }
        guard ["default", "strict", "none"].contains(seccompProfile) else {
            throw PlanError("seccompProfile is \"\(seccompProfile)\", not default, strict or none")
        }
        if firstID != nil, let outside = ([user, group] + groups).first(where: { $0 >= Self.idCount }) {
            throw PlanError("its user or group \(outside) is none of the \(Self.idCount) of its user namespace")
        }
        for path in [upperDirectory, workDirectory] + layers { try absolute(path, "a layer") }
        for mount in mounts {
            try absolute(mount.source, "a mount's source")
            try absolute(mount.target, "a mount's target")
            guard mount.target.contains(where: { $0 != "/" }) else { throw PlanError("a mount's target is the root") }
        }
        try absolute(workingDirectory, "workingDirectory")
        try absolute(logDirectory, "logDirectory")
        try absolute(statusDirectory, "statusDirectory")
    }
}
