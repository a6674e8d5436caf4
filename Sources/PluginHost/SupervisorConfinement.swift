import Glibc
public import SystemLayer

/// What surrounds every supervisor on this machine beside its filter: decided once, and applied or a failure.
///
/// A supervisor that cannot have what is decided here ends before it reads a script.
public struct SupervisorConfinement: Sendable, Equatable {
    /// Whether each gets a user namespace in which nobody is mapped.
    public let userNamespace: Bool
    /// The hierarchies that hold its memory and its processes; the empty layout where no controller does.
    public let layout: CgroupLayout
    /// Whether it leaves this machine's files, processes and network, and becomes a user of its own: what takes root.
    public let separate: Bool

    init(userNamespace: Bool, layout: CgroupLayout, separate: Bool = true) {
        self.userNamespace = userNamespace
        self.layout = layout
        self.separate = separate
    }

    /// What is left to who is not root, for an author's own scripts: filter, limits, no_new_privs and Landlock.
    ///
    /// For the commands of `substrate-plugin` alone: nothing that serves may ask for it, and a test reads the sources of
    /// the host for it.
    public static let unprivileged = SupervisorConfinement(
        userNamespace: false,
        layout: CgroupLayout(),
        separate: false
    )

    /// What the commands for authors of scripts start supervisors in: all that serving has as root, else `unprivileged`.
    public static func forAuthor() -> SupervisorConfinement { geteuid() == 0 ? detect() : .unprivileged }

    /// The limit on processes: itself.
    static let processes: Int64 = 1
    /// The limit on memory: what Lua may hold, and 16 MiB for everything else.
    static let memory: Int64 = 48 << 20

    /// The controllers that limit something of a supervisor's.
    private static let controllers: Set<String> = ["memory", "pids"]

    /// What this machine offers, found by trying it.
    ///
    /// Blocks for a moment: makes a cgroup and removes it.
    /// - Parameter layout: the machine's cgroups.
    /// - Returns: the widest confinement that can be had here.
    public static func detect(layout: CgroupLayout = .detect()) -> SupervisorConfinement {
        let limit = TextFile.read("/proc/sys/user/max_user_namespaces") ?? "0"
        let wanted = decide(layout: layout, userNamespaces: Int(limit.prefix { $0.isNumber }) ?? 0)
        if wanted.isWritable { return wanted }
        // A hierarchy may be read-only, or hold processes where only directories may be.
        return wanted.keeping(controllers.filter { wanted.keeping([$0]).isWritable })
    }

    static func decide(layout: CgroupLayout, userNamespaces: Int) -> SupervisorConfinement {
        SupervisorConfinement(userNamespace: userNamespaces > 0, layout: layout).keeping(controllers)
    }

    /// This, with these controllers at most, each in the hierarchy that has it.
    private func keeping(_ controllers: Set<String>) -> SupervisorConfinement {
        var own = CgroupLayout()
        own.v1Bases = layout.v1Bases.filter { controllers.contains($0.key) }
        own.v2Controllers = layout.v2Controllers.intersection(controllers).subtracting(own.v1Bases.keys)
        if !own.v2Controllers.isEmpty { own.v2Base = layout.v2Base }
        return SupervisorConfinement(userNamespace: userNamespace, layout: own, separate: separate)
    }

    /// Whether a cgroup with these limits can be made.
    private var isWritable: Bool {
        let groups = SupervisorGroups(self)
        defer { groups.close() }
        return (try? groups.take()) != nil || limits == CgroupLimits()
    }

    /// The controllers that limit it here, sorted.
    private var limited: [String] {
        Self.controllers.filter { layout.v1Bases[$0] != nil || layout.v2Controllers.contains($0) }.sorted()
    }

    /// What is applied, for people: such as `user namespace, cgroup limits on memory, pids`.
    public var applied: String {
        guard separate else {
            return "filter, limits and no_new_privs; without root no namespaces and no user of its own"
        }
        let parts =
            (userNamespace ? ["user namespace"] : [])
            + (limited.isEmpty ? [] : ["cgroup limits on \(limited.joined(separator: " and "))"])
        return parts.isEmpty ? "nothing beside its filter, limits and empty namespaces" : parts.joined(separator: ", ")
    }

    /// What cannot be had here and how to mend it; nil when nothing is missing.
    public var missing: (what: String, mend: String)? {
        let lacking = Self.controllers.subtracting(limited).sorted()
        let controllers = lacking.joined(separator: " and ")
        switch (userNamespace, lacking.isEmpty) {
        case (true, true): return nil
        case (false, true): return ("no user namespace", "sysctl user.max_user_namespaces=10000")
        case (true, false):
            return (
                "no cgroup limit on \(controllers)",
                "mount a writable hierarchy with the controller \(controllers), the host itself in a leaf of it"
            )
        case (false, false):
            return (
                "no user namespace, no cgroup limit on \(controllers)",
                "sysctl user.max_user_namespaces=10000; mount a writable hierarchy with \(controllers)"
            )
        }
    }

    /// The limits that can be written here.
    var limits: CgroupLimits {
        CgroupLimits(
            memoryBytes: limited.contains("memory") ? Self.memory : nil,
            pids: limited.contains("pids") ? Self.processes : nil
        )
    }
}
