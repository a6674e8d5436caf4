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
    /// What went out through its gateway; nil without one.
    public var egress: Egress?

    /// What went out of an actor, since it was last begun or since the host was.
    public struct Egress: Sendable, Equatable {
        /// Connections that the gateway let out.
        public var connections: Int64
        /// Those that came to nothing.
        public var refused: Int64
        /// Bytes from the actor.
        public var bytesOut: Int64
        /// Bytes to it.
        public var bytesIn: Int64
        /// Makes one.
        public init(connections: Int64, refused: Int64, bytesOut: Int64, bytesIn: Int64) {
            self.connections = connections
            self.refused = refused
            self.bytesOut = bytesOut
            self.bytesIn = bytesIn
        }
    }

    /// Makes one.
    public init(memoryBytes: Int64?, cpuNanoseconds: Int64?, pids: Int64?, source: Source) {
        self.memoryBytes = memoryBytes
        self.cpuNanoseconds = cpuNanoseconds
        self.pids = pids
        self.source = source
    }
}
