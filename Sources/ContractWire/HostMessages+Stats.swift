public import HostErrors

extension HostMessages {
    /// Asks what an actor uses.
    public struct StatsRequest: HostMessage, HostMessageFields {
        /// Its name or key.
        public var actor: String = ""
        /// Makes one.
        public init(actor: String = "") {
            self.actor = actor
        }

        init(_ from: WireMessage) {
            actor = from.string("actor")
        }

        func fill(_ out: inout WireMessage) {
            out.add("actor", actor)
        }

        static var schema: MessageSchema { .statsRequest }

        /// Decodes one.
        public init(decoding bytes: [UInt8]) throws(HostError) {
            self.init(try WireDecoder.decode(bytes, as: Self.schema))
        }

        /// The message's bytes.
        public func encoded() -> [UInt8] { wire.encoded() }
    }

    /// What an actor uses now; -1 where nobody counts it.
    public struct StatsResponse: HostMessage, HostMessageFields {
        /// Memory in bytes.
        public var memoryBytes: Int64 = 0
        /// Processor time in nanoseconds.
        public var cpuNs: Int64 = 0
        /// Processes and threads.
        public var pids: Int64 = 0
        /// `cgroup` or `backend`.
        public var source: String = ""
        /// Connections that the actor's gateway let out; with the other three, -1 without one.
        public var egressConnections: Int64 = 0
        /// Connections that came to nothing.
        public var egressRefused: Int64 = 0
        /// Bytes that went out.
        public var egressBytesOut: Int64 = 0
        /// Bytes that came back.
        public var egressBytesIn: Int64 = 0
        /// Makes one.
        public init(memoryBytes: Int64 = 0, cpuNs: Int64 = 0, pids: Int64 = 0, source: String = "") {
            self.memoryBytes = memoryBytes
            self.cpuNs = cpuNs
            self.pids = pids
            self.source = source
        }

        init(_ from: WireMessage) {
            memoryBytes = from.integer("memory_bytes")
            cpuNs = from.integer("cpu_ns")
            pids = from.integer("pids")
            source = from.string("source")
            egressConnections = from.integer("egress_connections")
            egressRefused = from.integer("egress_refused")
            egressBytesOut = from.integer("egress_bytes_out")
            egressBytesIn = from.integer("egress_bytes_in")
        }

        func fill(_ out: inout WireMessage) {
            out.add("memory_bytes", memoryBytes)
            out.add("cpu_ns", cpuNs)
            out.add("pids", pids)
            out.add("source", source)
            out.add("egress_connections", egressConnections)
            out.add("egress_refused", egressRefused)
            out.add("egress_bytes_out", egressBytesOut)
            out.add("egress_bytes_in", egressBytesIn)
        }

        static var schema: MessageSchema { .statsResponse }

        /// Decodes one.
        public init(decoding bytes: [UInt8]) throws(HostError) {
            self.init(try WireDecoder.decode(bytes, as: Self.schema))
        }

        /// The message's bytes.
        public func encoded() -> [UInt8] { wire.encoded() }
    }
}
