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

    private static func value(_ path: String) -> Int64? {
        TextFile.lines(path).first.flatMap { Int64($0) }
    }
}
