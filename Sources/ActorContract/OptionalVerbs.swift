/// What `probe` answered: what a backend can do on this machine with these assets, tools and settings.
public struct ProbeAnswer: Sendable, Equatable, Codable {
    /// The script's own table, as the plugin protocol encodes it; empty without one.
    public var probed: [UInt8] = []
    /// For how long it holds; nil: until assets, tools or settings change.
    public var validMilliseconds: Int64?
    /// What is taken away: scope, verb or limit → why.
    public var without: [String: String] = [:]
    /// An answer that takes nothing away.
    public init() {}
}

/// What an actor uses now; nil where nobody can say.
public struct ActorStatistics: Sendable, Equatable {
    /// Who says so.
    public enum Source: String, Sendable {
        /// The kernel, of the actor's cgroup.
        case cgroup
        /// The backend's script.
        case backend
    }
    /// Memory in bytes.
    public var memoryBytes: Int64?
    /// Processor time in nanoseconds, since the actor began.
    public var cpuNanoseconds: Int64?
    /// Processes and threads.
    public var pids: Int64?
    /// Who says so.
    public var source: Source
    /// Makes one.
    public init(memoryBytes: Int64?, cpuNanoseconds: Int64?, pids: Int64?, source: Source) {
        self.memoryBytes = memoryBytes
        self.cpuNanoseconds = cpuNanoseconds
        self.pids = pids
        self.source = source
    }
}
