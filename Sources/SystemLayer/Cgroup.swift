import Glibc

/// What an actor may use at most; nil leaves a resource unlimited.
public struct CgroupLimits: Sendable, Equatable {
    /// Thousandths of one processor.
    public var cpuMilli: Int64?
    /// Memory with its swap, in bytes.
    public var memoryBytes: Int64?
    /// Processes and threads together.
    public var pids: Int64?

    /// Makes limits.
    ///
    /// - Parameters:
    ///   - cpuMilli: thousandths of one processor.
    ///   - memoryBytes: memory with its swap.
    ///   - pids: processes and threads together.
    public init(cpuMilli: Int64? = nil, memoryBytes: Int64? = nil, pids: Int64? = nil) {
        self.cpuMilli = cpuMilli
        self.memoryBytes = memoryBytes
        self.pids = pids
    }
}

/// One actor's directories, one in each hierarchy; the v2 one is the truth about who belongs to it.
public struct Cgroup: Sendable, Equatable {
    /// The v2 directory, for `SpawnPlan.cgroupV2`; nil without v2.
    public let v2Path: String?
    /// The v1 directories, one for each mounted hierarchy.
    public let v1Paths: [String]

    /// The files that the launcher writes itself into before anything else.
    ///
    /// `tasks`, not `cgroup.procs`: a process of one thread that moves itself is moved the same by both, and only the
    /// second waits until no process of the machine forks or execs, 3 to 50 ms in each hierarchy.
    public var v1Procs: [String] { v1Paths.map { $0 + "/tasks" } }
    /// All directories, for a journal.
    public var directories: [String] { (v2Path.map { [$0] } ?? []) + v1Paths }

    /// Makes the directories and writes the limits, before any process can join.
    ///
    /// - Parameters:
    ///   - layout: the machine's.
    ///   - name: such as `substrate/0123`: relative, made of plain components. It may exist.
    ///   - limits: a limit that no controller here can hold is an error, never silently dropped.
    /// - Returns: the cgroup.
    /// - Throws: the failing call, or EOPNOTSUPP with the name of the missing controller; nothing is left behind then.
    public static func create(
        layout: CgroupLayout,
        name: String,
        limits: CgroupLimits
    ) throws(SyscallError) -> Cgroup {
        let cgroup = open(layout: layout, name: name)
        do throws(SyscallError) {
            for path in cgroup.directories { try FileTree.makeDirectories(path, mode: 0o755) }
            if let base = layout.v2Base, let path = cgroup.v2Path {
                enableControllers(from: base, to: path, layout: layout)
            }
            try cgroup.write(limits, layout: layout, name: name)
            cgroup.restrictDevices(layout, name)
        } catch {
            try? cgroup.remove()
            throw error
        }
        return cgroup
    }

    /// Names the directories of a cgroup without making them.
    ///
    /// - Parameters:
    ///   - layout: the machine's.
    ///   - name: as for `create`.
    /// - Returns: the cgroup, whether or not it exists.
    public static func open(layout: CgroupLayout, name: String) -> Cgroup {
        // Co-mounted controllers (cpu,cpuacct) share a directory: once each.
        Cgroup(
            v2Path: layout.v2Base.map { "\($0)/\(name)" },
            v1Paths: Set(layout.v1Bases.values).sorted().map { "\($0)/\(name)" }
        )
    }

    /// The processes in it and below it, of the v2 directory or else of every v1 one.
    public func processes() -> [Int32] {
        let lists = (v2Path.map { [$0] } ?? v1Paths).flatMap { [$0] + Self.below($0) }
        return Set(lists.flatMap { TextFile.lines($0 + "/cgroup.procs").compactMap { Int32($0) } }).sorted()
    }

    /// Kills every process in it, those included that fork meanwhile; returns without waiting for their end.
    public func kill() {
        let freezers = v1Paths.map { $0 + "/freezer.state" }
        if let v2Path, (try? TextFile.write("1", to: v2Path + "/cgroup.kill")) != nil {
            // Who stands still in the version 1 freezer dies when it is thawed.
            for freezer in freezers { try? TextFile.write("THAWED", to: freezer) }
            return
        }
        // Frozen processes cannot fork, so two passes over the list meet everybody.
        for freezer in freezers { try? TextFile.write("FROZEN", to: freezer) }
        for _ in 0..<2 { for pid in processes() where pid > 0 { _ = Glibc.kill(pid, SIGKILL) } }
        for freezer in freezers { try? TextFile.write("THAWED", to: freezer) }
    }

    /// Removes the directories and those below; those that are gone count as removed.
    ///
    /// Retries for two seconds while killed processes still leave. Blocks.
    /// - Throws: EBUSY when something lives in it, or another failure of rmdir(2).
    public func remove() throws(SyscallError) {
        for path in directories {
            var tries = 0
            while unsafe rmdir(path) != 0, errno != ENOENT {
                let number = errno
                // What a program made below goes first, the deepest before the others.
                for child in Self.below(path).reversed() { _ = unsafe rmdir(child) }
                guard number == EBUSY, tries < 440 else { throw SyscallError("rmdir", number, path) }
                tries += 1
                // A killed process leaves within a millisecond, as a rule.
                usleep(tries < 40 ? 250 : 5000)
            }
        }
    }

    /// The directories below one, each before its own children.
    private static func below(_ path: String) -> [String] {
        var about = stat()
        // The kernel counts two links and one for each child: as a rule there is none, and nothing is read.
        guard unsafe lstat(path, &about) == 0, about.st_nlink > 2 else { return [] }
        let names = (try? DirectoryTree.names(in: path)) ?? []
        return names.flatMap { name -> [String] in
            let child = "\(path)/\(name)"
            guard unsafe lstat(child, &about) == 0, about.st_mode & S_IFMT == S_IFDIR else { return [] }
            return [child] + below(child)
        }
    }

    private static func enableControllers(from base: String, to path: String, layout: CgroupLayout) {
        let wanted = ["cpu", "memory", "pids"].filter(layout.v2Controllers.contains)
        guard !wanted.isEmpty else { return }
        var current = base
        for component in path.dropFirst(base.count + 1).split(separator: "/") {
            // One at a time: a controller that cannot be had must not cost the others. Its limit fails by itself.
            for name in wanted { try? TextFile.write("+\(name)", to: current + "/cgroup.subtree_control") }
            current += "/\(component)"
        }
    }

    private func write(_ limits: CgroupLimits, layout: CgroupLayout, name: String) throws(SyscallError) {
        func directory(_ controller: String) -> String? { layout.v1Bases[controller].map { "\($0)/\(name)" } }
        func v2(_ controller: String) throws(SyscallError) -> String {
            guard let v2Path, layout.v2Controllers.contains(controller) else {
                throw SyscallError("cgroup", EOPNOTSUPP, "\(controller) controller")
            }
            return v2Path
        }
        if let milli = limits.cpuMilli {
            if let path = directory("cpu") {
                try TextFile.write("100000", to: path + "/cpu.cfs_period_us")
                try TextFile.write("\(max(milli * 100, 1000))", to: path + "/cpu.cfs_quota_us")
            } else {
                try TextFile.write("\(max(milli * 100, 1000)) 100000", to: v2("cpu") + "/cpu.max")
            }
        }
        if let bytes = limits.memoryBytes {
            if let path = directory("memory") {
                try TextFile.write("\(bytes)", to: path + "/memory.limit_in_bytes")
                let swap = path + "/memory.memsw.limit_in_bytes"
                if unsafe access(swap, F_OK) == 0 { try TextFile.write("\(bytes)", to: swap) }
            } else {
                let path = try v2("memory")
                try TextFile.write("\(bytes)", to: path + "/memory.max")
                if unsafe access(path + "/memory.swap.max", F_OK) == 0 {
                    try TextFile.write("0", to: path + "/memory.swap.max")
                }
            }
        }
        if let count = limits.pids {
            let path = if let path = directory("pids") { path } else { try v2("pids") }
            try TextFile.write("\(count)", to: path + "/pids.max")
        }
    }
}
