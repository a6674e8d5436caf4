/// What the processes of a cgroup use; nil where no controller of this machine counts it.
public struct CgroupUsage: Sendable, Equatable {
    /// Memory in bytes, page cache included.
    public var memoryBytes: Int64?
    /// Processor time in nanoseconds since the cgroup was made.
    public var cpuNanoseconds: Int64?
    /// Processes and threads.
    public var pids: Int64?
}

extension Cgroup {
    /// Reads what its processes use now.
    ///
    /// - Parameters:
    ///   - layout: the machine's.
    ///   - name: as for `create`.
    /// - Returns: what can be told.
    public static func usage(layout: CgroupLayout, name: String) -> CgroupUsage {
        let cgroup = open(layout: layout, name: name)
        func number(_ controller: String, _ v1File: String, _ v2File: String) -> Int64? {
            if let base = layout.v1Bases[controller] { return value("\(base)/\(name)/\(v1File)") }
            return cgroup.v2Path.flatMap { value("\($0)/\(v2File)") }
        }
        var usage = CgroupUsage()
        usage.memoryBytes = number("memory", "memory.usage_in_bytes", "memory.current")
        usage.pids = number("pids", "pids.current", "pids.current")
        // cpuacct is mounted with cpu where there is a v1 hierarchy of either; v2 counts without a controller.
        usage.cpuNanoseconds = layout.v1Bases["cpu"].flatMap { value("\($0)/\(name)/cpuacct.usage") }
        if usage.cpuNanoseconds == nil, let path = cgroup.v2Path {
            let line = TextFile.lines("\(path)/cpu.stat").first { $0.hasPrefix("usage_usec ") }
            usage.cpuNanoseconds = line.flatMap { Int64($0.dropFirst(11)) }.map { $0 * 1000 }
        }
        return usage
    }

    /// How many processes the kernel killed here because a memory limit was reached; 0 where nobody counts.
    ///
    /// - Parameters:
    ///   - layout: the machine's.
    ///   - name: as for `create`; version 1 counts those alone that were in this very directory.
    /// - Returns: the count since the cgroup was made.
    public static func outOfMemoryKills(layout: CgroupLayout, name: String) -> Int64 {
        let cgroup = open(layout: layout, name: name)
        let file = layout.v1Bases["memory"].map { "\($0)/\(name)/memory.oom_control" }
        guard let path = file ?? cgroup.v2Path.map({ "\($0)/memory.events" }) else { return 0 }
        let line = TextFile.lines(path).first { $0.hasPrefix("oom_kill ") }
        return line.flatMap { Int64($0.dropFirst(9)) } ?? 0
    }

    private static func value(_ path: String) -> Int64? {
        TextFile.lines(path).first.flatMap { Int64($0) }
    }
}
