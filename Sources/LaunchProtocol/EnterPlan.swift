/// Everything the launcher needs to start a program inside a container that runs.
///
/// The container's process number 1 comes as a pidfd on descriptor 5: a reused number is never entered.
public struct EnterPlan: Sendable, Equatable {
    /// The program and its arguments; a program without a slash is searched in the environment's PATH.
    public var arguments: [String] = []
    /// The whole environment, as `NAME=value`.
    public var environment: [String] = []
    /// Where the program starts, in the container.
    public var workingDirectory = "/"
    /// The `tasks` files of v1 directories to join before anything else.
    public var cgroupProcs: [String] = []
    /// The numbers of the capabilities that the container's own program has.
    public var capabilities: [UInt8] = LaunchPlan.contractCapabilities
    /// Whom it runs as.
    public var user: UInt32 = 0
    /// Its group.
    public var group: UInt32 = 0
    /// Its further groups.
    public var groups: [UInt32] = []
    /// The most open files.
    public var openFiles: UInt64 = 1024
    /// The container's system call profile: `default`, `strict` or `none`.
    public var seccompProfile = "default"
    /// The machine's id that is 0 inside, where the container has a user namespace; nil where it has none.
    public var firstID: UInt32?
    /// Whether it gets rules of Landlock.
    ///
    /// They are none of the workload's: neither may then look into the other, as debuggers do.
    public var isLandlocked = false
    /// The paths inside that take writes although the container's root refuses them; nil where the root takes them.
    public var writable: [String]?
    /// Whether descriptor 0 is a terminal that becomes the program's own.
    public var hasTerminal = false

    /// An empty plan, to be filled field by field.
    public init() {}

    /// The one byte form of this plan.
    ///
    /// - Returns: the bytes for descriptor 3.
    public func encoded() -> [UInt8] {
        var out = PlanWriter(.enter)
        out.strings(arguments)
        out.strings(environment)
        out.string(workingDirectory)
        out.strings(cgroupProcs)
        out.bytes8(capabilities)
        out.ids(user, group, groups)
        out.number(openFiles)
        out.string(seccompProfile)
        out.firstID(firstID)
        out.flag(isLandlocked)
        out.flag(writable != nil)
        out.strings(writable ?? [])
        out.flag(hasTerminal)
        return out.bytes
    }

    /// Reads a plan back; anything but exactly one well-formed plan is refused.
    ///
    /// - Parameter bytes: all bytes of descriptor 3.
    /// - Returns: the plan.
    /// - Throws: what is wrong, and at which byte.
    public static func decode(_ bytes: [UInt8]) throws(PlanError) -> EnterPlan {
        var input = try PlanReader(bytes, .enter)
        var plan = EnterPlan()
        plan.arguments = try input.strings()
        plan.environment = try input.strings()
        plan.workingDirectory = try input.string()
        plan.cgroupProcs = try input.strings()
        plan.capabilities = try input.bytes8(below: 64)
        (plan.user, plan.group, plan.groups) = try input.ids()
        plan.openFiles = try input.number()
        plan.seccompProfile = try input.string()
        plan.firstID = try input.firstID()
        plan.isLandlocked = try input.flag()
        let isReadOnly = try input.flag()
        let writable = try input.strings()
        guard isReadOnly || writable.isEmpty else { throw input.error("writable paths of a writable root") }
        plan.writable = isReadOnly ? writable : nil
        plan.hasTerminal = try input.flag()
        try input.end()
        guard let program = plan.arguments.first, !program.isEmpty else { throw PlanError("arguments are empty") }
        guard ["default", "strict", "none"].contains(plan.seccompProfile) else {
            throw PlanError("seccompProfile is \"\(plan.seccompProfile)\", not default, strict or none")
        }
        return plan
    }
}
