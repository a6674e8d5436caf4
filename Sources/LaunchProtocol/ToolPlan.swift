/// Everything the launcher needs to make the tool room around one program of a script.
///
/// Delivered like a `LaunchPlan`. A program that is not kept is the launched process itself: the report stays empty
/// then, since execve(2) closes it. A kept one has the launcher as its keeper, which says `ready` with its number.
public struct ToolPlan: Sendable, Equatable {
    /// What a kept program leaves on disk, whatever becomes of the host.
    public struct Keeping: Sendable, Equatable {
        /// What its exit record carries.
        public var nonce: String
        /// The host's directory for the spool of its output.
        public var logDirectory: String
        /// The host's directory for the exit record.
        public var statusDirectory: String
        /// The file that kills the program's cgroup, written when it has ended; empty without one.
        public var killFile: String

        /// Makes one.
        ///
        /// - Parameters:
        ///   - nonce: what its exit record carries.
        ///   - logDirectory: for the spool.
        ///   - statusDirectory: for the exit record.
        ///   - killFile: kills what it left; empty without one.
        public init(nonce: String, logDirectory: String, statusDirectory: String, killFile: String) {
            self.nonce = nonce
            self.logDirectory = logDirectory
            self.statusDirectory = statusDirectory
            self.killFile = killFile
        }
    }

    /// Where the room comes from.
    public enum Origin: UInt64, Sendable {
        /// The launcher makes it for this program alone.
        case alone = 0
        /// The launcher makes it, and hands its mount namespace through the socket on descriptor 6.
        case made = 1
        /// A copy of the one whose mount namespace is on descriptor 6, which an equal plan made.
        case entered = 2
    }

    /// A container's root, with what is shown in it for a runtime to find there.
    public struct Root: Sendable, Equatable {
        /// Where it is, in the room as on the machine.
        public var path: String
        /// What is shown in it, at targets beneath it, with the owners of the container's user namespace.
        public var mounts: [LaunchPlan.Mount]

        /// Makes one.
        ///
        /// - Parameters:
        ///   - path: where it is.
        ///   - mounts: what is shown in it.
        public init(path: String, mounts: [LaunchPlan.Mount]) {
            self.path = path
            self.mounts = mounts
        }
    }

    /// The program's path inside, and its arguments with its own name first.
    public var program = ""
    /// Its arguments, its own name first.
    public var arguments: [String] = []
    /// The whole environment, as `NAME=value`.
    public var environment: [String] = []
    /// Where it starts.
    public var workingDirectory = "/"
    /// Directories of the machine that are empty inside, although the system that is shown has them.
    public var covered: [String] = []
    /// What is shown at its own path beside the system, in this order.
    public var mounts: [LaunchPlan.Mount] = []
    /// A network namespace to join; nil stays in the host's.
    public var networkNamespace: String?
    /// The `tasks` files of v1 directories to join before anything else.
    public var cgroupProcs: [String] = []
    /// The numbers of the capabilities that it and all below it can have.
    public var capabilities: [UInt8] = ToolPlan.roomCapabilities
    /// Paths under /proc/sys or /sys that are covered by an empty file system.
    public var hidden: [String] = []
    /// System calls that answer ENOSYS.
    public var refused: [String] = []
    /// Device nodes of the machine that are shown at their own path.
    public var devices: [String] = []
    /// The descriptor from 3 to 63 that stays open for the program; nil without one.
    public var passedDescriptor: Int32?
    /// Whether descriptor 0 is a terminal that becomes the program's own.
    public var hasTerminal = false
    /// The machine's id that is 0 in the user namespace of the containers that it makes; nil: they have none.
    ///
    /// The room then has a second, uncovered /proc: without one nobody may mount another in a user namespace.
    public var firstID: UInt32?
    /// The roots of those containers.
    public var roots: [Root] = []
    /// Who it runs as, with the group of the same number; 0 is root.
    ///
    /// Anybody else has no capability.
    public var user: UInt32 = 0
    /// Where the room comes from.
    public var origin = Origin.alone
    /// How it is kept; nil for a program that is launched and let go.
    public var keeping: Keeping?

    /// An empty plan, to be filled field by field.
    public init() {}

    /// What runtimes need of a machine to build what they build.
    ///
    /// CHOWN, DAC_OVERRIDE, FOWNER, FSETID, KILL, SETGID, SETUID, SETPCAP, NET_BIND_SERVICE, NET_ADMIN, NET_RAW,
    /// IPC_LOCK, SYS_CHROOT, SYS_ADMIN, SYS_NICE, SYS_RESOURCE, SETFCAP. Never SYS_MODULE, SYS_RAWIO, SYS_BOOT,
    /// MAC_OVERRIDE, MAC_ADMIN; SYS_TIME where the operator granted it and the program asks. Not SYS_PTRACE: with it
    /// /proc/PID/root of any process of the machine is a way around the room; children of the same user are traced without it. Not DAC_READ_SEARCH: with it
    /// open_by_handle_at(2) opens any file of a file system of which the room shows a directory. Not MKNOD: the room
    /// has the nodes that are granted.
    /// - Source: capabilities(7); `linux/capability.h`.
    public static let roomCapabilities: [UInt8] = [0, 1, 3, 4, 5, 6, 7, 8, 10, 12, 13, 14, 18, 21, 23, 24, 29, 31]

    /// The system calls that a plan may refuse.
    public static let refusable = ["membarrier"]

    /// SYS_TIME: a time namespace's clocks are set by who may set the machine's, and by nobody else.
    public static let restoringCapability: UInt8 = 25

    /// Whether it may give programs back what they had: their clocks, and in /proc/sys the numbers that come next.
    public var restores: Bool { capabilities.contains(Self.restoringCapability) }

    /// Leaves the room to the plan that made it.
    public mutating func enter() {
        origin = .entered
        (covered, mounts, hidden, devices, roots) = ([], [], [], [], [])
        firstID = nil
    }

    /// The one byte form of this plan.
    ///
    /// - Returns: the bytes for descriptor 3.
    public func encoded() -> [UInt8] {
        var out = PlanWriter(.tool)
        out.string(program)
        out.strings(arguments)
        out.strings(environment)
        out.string(workingDirectory)
        out.strings(covered)
        out.mounts(mounts)
        out.strings(networkNamespace.map { [$0] } ?? [])
        out.strings(cgroupProcs)
        out.bytes8(capabilities)
        out.strings(hidden)
        out.strings(refused)
        out.strings(devices)
        out.number(UInt64(passedDescriptor ?? 0))
        out.flag(hasTerminal)
        out.firstID(firstID)
        out.number(UInt64(roots.count))
        for root in roots {
            out.string(root.path)
            out.mounts(root.mounts)
        }
        out.number(UInt64(user))
        out.number(origin.rawValue)
        out.flag(keeping != nil)
        if let keeping {
            for text in [keeping.nonce, keeping.logDirectory, keeping.statusDirectory, keeping.killFile] {
                out.string(text)
            }
        }
        return out.bytes
    }

    /// Reads a plan back; anything but exactly one well-formed plan is refused.
    ///
    /// - Parameter bytes: all bytes of descriptor 3.
    /// - Returns: the plan.
    /// - Throws: what is wrong, and at which byte.
    public static func decode(_ bytes: [UInt8]) throws(PlanError) -> ToolPlan {
        var input = try PlanReader(bytes, .tool)
        var plan = ToolPlan()
        plan.program = try input.string()
        plan.arguments = try input.strings()
        plan.environment = try input.strings()
        plan.workingDirectory = try input.string()
        plan.covered = try input.strings()
        plan.mounts = try input.mounts()
        plan.networkNamespace = try input.strings().first
        plan.cgroupProcs = try input.strings()
        plan.capabilities = try input.bytes8(below: 64)
        plan.hidden = try input.strings()
        plan.refused = try input.strings()
        plan.devices = try input.strings()
        let passed = try input.number(below: 64)
        plan.passedDescriptor = passed == 0 ? nil : Int32(passed)
        plan.hasTerminal = try input.flag()
        plan.firstID = try input.firstID()
        for _ in 0..<(try input.count()) {
            let path = try input.string()
            plan.roots.append(Root(path: path, mounts: try input.mounts()))
        }
        plan.user = UInt32(try input.number(below: 1 << 32))
        plan.origin = Origin(rawValue: try input.number(below: 3)) ?? .alone
        if try input.flag() {
            let nonce = try input.string()
            let logs = try input.string()
            let status = try input.string()
            plan.keeping = Keeping(
                nonce: nonce,
                logDirectory: logs,
                statusDirectory: status,
                killFile: try input.string()
            )
        }
        try input.end()
        try plan.validate()
        return plan
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
        try absolute(program, "program")
        guard let name = arguments.first, !name.isEmpty else { throw PlanError("arguments are empty") }
        try absolute(workingDirectory, "workingDirectory")
        for root in roots { try absolute(root.path, "a root") }
        for mount in mounts + roots.flatMap(\.mounts) {
            try absolute(mount.source, "a mount's source")
            try absolute(mount.target, "a mount's target")
            guard mount.target.contains(where: { $0 != "/" }) else { throw PlanError("a mount's target is the root") }
        }
        guard firstID != nil || roots.isEmpty else { throw PlanError("roots for no user namespace") }
        for path in covered { try absolute(path, "a covered directory") }
        for path in devices { try absolute(path, "a device") }
        for path in hidden {
            try absolute(path, "a hidden path")
            guard ToolPlan.mayHide(path) else { throw PlanError("\(path) is not under /proc/sys or /sys") }
        }
        for call in refused where !ToolPlan.refusable.contains(call) { throw PlanError("\(call) cannot be refused") }
        guard (passedDescriptor ?? 3) >= 3 else { throw PlanError("passedDescriptor is below 3") }
        if let keeping {
            guard !keeping.nonce.isEmpty, !keeping.nonce.contains(where: { $0 == " " || $0 == "\n" }) else {
                throw PlanError("nonce")
            }
            try absolute(keeping.logDirectory, "logDirectory")
            try absolute(keeping.statusDirectory, "statusDirectory")
        }
    }

    /// Whether a script may have a path covered.
    ///
    /// - Parameter path: absolute.
    /// - Returns: whether it is under /proc/sys or /sys, and not by a detour.
    public static func mayHide(_ path: String) -> Bool {
        let parts = path.split(separator: "/")
        guard !parts.contains(".."), !parts.contains(".") else { return false }
        return parts.first == "sys" ? parts.count > 1 : parts.starts(with: ["proc", "sys"])
    }
}
