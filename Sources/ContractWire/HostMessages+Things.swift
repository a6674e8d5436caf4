public import HostErrors

extension HostMessages {
    /// A port of an actor, reachable on this machine.
    public struct Published: HostMessage, HostMessageFields {
        /// The address to dial.
        public var host: String = ""
        /// The port to dial.
        public var port: Int = 0
        /// The actor's own port.
        public var actorPort: Int = 0
        /// Makes one.
        public init(host: String = "", port: Int = 0, actorPort: Int = 0) {
            self.host = host
            self.port = port
            self.actorPort = actorPort
        }

        init(_ from: WireMessage) {
            host = from.string("host")
            port = Int(from.integer("port"))
            actorPort = Int(from.integer("actor_port"))
        }

        func fill(_ out: inout WireMessage) {
            out.add("host", host)
            out.add("port", port)
            out.add("actor_port", actorPort)
        }

        static var schema: MessageSchema { .published }

        /// Decodes one.
        public init(decoding bytes: [UInt8]) throws(HostError) {
            self.init(try WireDecoder.decode(bytes, as: Self.schema))
        }

        /// The message's bytes.
        public func encoded() -> [UInt8] { wire.encoded() }
    }

    /// One step of the last verb.
    public struct Phase: HostMessage, HostMessageFields {
        /// What was done.
        public var name: String = ""
        /// How long it took, in milliseconds.
        public var ms: Double = 0
        /// Whether a program spent the time, not the host.
        public var program: Bool = false
        /// Makes one.
        public init(name: String = "", ms: Double = 0, program: Bool = false) {
            self.name = name
            self.ms = ms
            self.program = program
        }

        init(_ from: WireMessage) {
            name = from.string("name")
            ms = from.double("ms")
            program = from.integer("program") != 0
        }

        func fill(_ out: inout WireMessage) {
            out.add("name", name)
            out.add("ms", .double(ms))
            out.add("program", program)
        }

        static var schema: MessageSchema { .phase }

        /// Decodes one.
        public init(decoding bytes: [UInt8]) throws(HostError) {
            self.init(try WireDecoder.decode(bytes, as: Self.schema))
        }

        /// The message's bytes.
        public func encoded() -> [UInt8] { wire.encoded() }
    }

    /// One actor as the host knows it.
    public struct Actor: HostMessage, HostMessageFields {
        /// The key as people type it.
        public var actor: String = ""
        /// Autumn's uid; empty in June.
        public var uid: String = ""
        /// The slot it runs in.
        public var slot: String = ""
        /// The backend that runs it.
        public var backend: String = ""
        /// An `ActorStatus`.
        public var status: String = ""
        /// A `FailureReason`.
        public var reason: String = ""
        /// The host's view of its first process; 0 = none.
        public var pid: Int = 0
        /// Its address in its own network.
        public var address: String = ""
        /// Its published ports.
        public var published: [Published] = []
        /// When the status began, in Unix milliseconds.
        public var sinceUnixMs: Int64 = 0
        /// The steps of the last verb.
        public var phases: [Phase] = []
        /// The isolation that was really applied.
        public var isolation: String = ""
        /// The class that the request named.
        public var sandboxClass: String = ""
        /// The last failure's message.
        public var message: String = ""
        /// Its local snapshots, oldest first.
        public var snapshots: [String] = []
        /// Its containers' names.
        public var containers: [String] = []
        /// What stands between each of its programs and the machine.
        public var applied: [String] = []
        /// What its backend claims to put between it and the machine.
        public var claim: String = ""
        /// Whose claim that is.
        public var claimedBy: String = ""
        /// The SHA-256 of the token that its programs have in `/run/ate/token`: 64 hex digits.
        public var tokenSHA256: String = ""
        /// Makes one.
        public init(
            actor: String = "",
            uid: String = "",
            slot: String = "",
            backend: String = "",
            status: String = "",
            reason: String = "",
            pid: Int = 0,
            address: String = "",
            published: [Published] = [],
            sinceUnixMs: Int64 = 0,
            phases: [Phase] = [],
            isolation: String = "",
            sandboxClass: String = "",
            message: String = "",
            snapshots: [String] = [],
            containers: [String] = [],
            applied: [String] = [],
            claim: String = "",
            claimedBy: String = "",
            tokenSHA256: String = ""
        ) {
            self.actor = actor
            self.uid = uid
            self.slot = slot
            self.backend = backend
            self.status = status
            self.reason = reason
            self.pid = pid
            self.address = address
            self.published = published
            self.sinceUnixMs = sinceUnixMs
            self.phases = phases
            self.isolation = isolation
            self.sandboxClass = sandboxClass
            self.message = message
            self.snapshots = snapshots
            self.containers = containers
            self.applied = applied
            self.claim = claim
            self.claimedBy = claimedBy
            self.tokenSHA256 = tokenSHA256
        }

        init(_ from: WireMessage) {
            actor = from.string("actor")
            uid = from.string("uid")
            slot = from.string("slot")
            backend = from.string("backend")
            status = from.string("status")
            reason = from.string("reason")
            pid = Int(from.integer("pid"))
            address = from.string("address")
            published = from.messages("published").map { Published($0) }
            sinceUnixMs = from.integer("since_unix_ms")
            phases = from.messages("phases").map { Phase($0) }
            isolation = from.string("isolation")
            sandboxClass = from.string("sandbox_class")
            message = from.string("message")
            snapshots = from.strings("snapshots")
            containers = from.strings("containers")
            applied = from.strings("applied")
            claim = from.string("claim")
            claimedBy = from.string("claimed_by")
            tokenSHA256 = from.string("token_sha256")
        }

        func fill(_ out: inout WireMessage) {
            out.add("actor", actor)
            out.add("uid", uid)
            out.add("slot", slot)
            out.add("backend", backend)
            out.add("status", status)
            out.add("reason", reason)
            out.add("pid", pid)
            out.add("address", address)
            for one in published { out.add("published") { one.fill(&$0) } }
            out.add("since_unix_ms", sinceUnixMs)
            for one in phases { out.add("phases") { one.fill(&$0) } }
            out.add("isolation", isolation)
            out.add("sandbox_class", sandboxClass)
            out.add("message", message)
            out.add("snapshots", snapshots)
            out.add("containers", containers)
            out.add("applied", applied)
            out.add("claim", claim)
            out.add("claimed_by", claimedBy)
            out.add("token_sha256", tokenSHA256)
        }

        static var schema: MessageSchema { .actor }

        /// Decodes one.
        public init(decoding bytes: [UInt8]) throws(HostError) {
            self.init(try WireDecoder.decode(bytes, as: Self.schema))
        }

        /// The message's bytes.
        public func encoded() -> [UInt8] { wire.encoded() }
    }

    /// One line of output.
    public struct LogChunk: HostMessage, HostMessageFields {
        /// The container that wrote it.
        public var container: String = ""
        /// The line without its end.
        public var line: [UInt8] = []
        /// When, in Unix nanoseconds.
        public var timeNs: Int64 = 0
        /// `stdout` or `stderr`.
        public var stream: String = ""
        /// How many lines before it were lost.
        public var dropped: Int64 = 0
        /// Makes one.
        public init(
            container: String = "",
            line: [UInt8] = [],
            timeNs: Int64 = 0,
            stream: String = "",
            dropped: Int64 = 0
        ) {
            self.container = container
            self.line = line
            self.timeNs = timeNs
            self.stream = stream
            self.dropped = dropped
        }

        init(_ from: WireMessage) {
            container = from.string("container")
            line = from.bytes("line")
            timeNs = from.integer("time_ns")
            stream = from.string("stream")
            dropped = from.integer("dropped")
        }

        func fill(_ out: inout WireMessage) {
            out.add("container", container)
            out.add("line", .bytes(line))
            out.add("time_ns", timeNs)
            out.add("stream", stream)
            out.add("dropped", dropped)
        }

        static var schema: MessageSchema { .logChunk }

        /// Decodes one.
        public init(decoding bytes: [UInt8]) throws(HostError) {
            self.init(try WireDecoder.decode(bytes, as: Self.schema))
        }

        /// The message's bytes.
        public func encoded() -> [UInt8] { wire.encoded() }
    }

    /// One backend as it was found.
    public struct Backend: HostMessage, HostMessageFields {
        /// Its name.
        public var name: String = ""
        /// `ok`, `broken`, or `stale`: not as it was saved last, and the revision before that save serves on.
        public var state: String = ""
        /// Where it was found.
        public var path: String = ""
        /// The isolation it declares.
        public var isolation: String = ""
        /// What it says of itself.
        public var summary: String = ""
        /// The snapshot scopes it can do.
        public var scopes: [String] = []
        /// Why it is broken or stale.
        public var error: String = ""
        /// The digest of its files.
        public var sha256: String = ""
        /// Paths of the backends it hides.
        public var shadows: [String] = []
        /// The sandbox classes it serves.
        public var classes: [String] = []
        /// Makes one.
        public init(
            name: String = "",
            state: String = "",
            path: String = "",
            isolation: String = "",
            summary: String = "",
            scopes: [String] = [],
            error: String = "",
            sha256: String = "",
            shadows: [String] = [],
            classes: [String] = []
        ) {
            self.name = name
            self.state = state
            self.path = path
            self.isolation = isolation
            self.summary = summary
            self.scopes = scopes
            self.error = error
            self.sha256 = sha256
            self.shadows = shadows
            self.classes = classes
        }

        init(_ from: WireMessage) {
            name = from.string("name")
            state = from.string("state")
            path = from.string("path")
            isolation = from.string("isolation")
            summary = from.string("summary")
            scopes = from.strings("scopes")
            error = from.string("error")
            sha256 = from.string("sha256")
            shadows = from.strings("shadows")
            classes = from.strings("classes")
        }

        func fill(_ out: inout WireMessage) {
            out.add("name", name)
            out.add("state", state)
            out.add("path", path)
            out.add("isolation", isolation)
            out.add("summary", summary)
            out.add("scopes", scopes)
            out.add("error", error)
            out.add("sha256", sha256)
            out.add("shadows", shadows)
            out.add("classes", classes)
        }

        static var schema: MessageSchema { .backend }

        /// Decodes one.
        public init(decoding bytes: [UInt8]) throws(HostError) {
            self.init(try WireDecoder.decode(bytes, as: Self.schema))
        }

        /// The message's bytes.
        public func encoded() -> [UInt8] { wire.encoded() }
    }
}
