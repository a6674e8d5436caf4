public import HostErrors

extension HostMessages {
    /// Asks for every backend.
    public struct BackendsRequest: HostMessage, HostMessageFields {
        /// Makes one.
        public init() {
        }

        init(_ from: WireMessage) {
        }

        func fill(_ out: inout WireMessage) {
        }

        static var schema: MessageSchema { .backendsRequest }

        /// Decodes one.
        public init(decoding bytes: [UInt8]) throws(HostError) {
            self.init(try WireDecoder.decode(bytes, as: Self.schema))
        }

        /// The message's bytes.
        public func encoded() -> [UInt8] { wire.encoded() }
    }

    /// Every backend.
    public struct BackendsResponse: HostMessage, HostMessageFields {
        /// The backends.
        public var backends: [Backend] = []
        /// Makes one.
        public init(backends: [Backend] = []) {
            self.backends = backends
        }

        init(_ from: WireMessage) {
            backends = from.messages("backends").map { Backend($0) }
        }

        func fill(_ out: inout WireMessage) {
            for one in backends { out.add("backends") { one.fill(&$0) } }
        }

        static var schema: MessageSchema { .backendsResponse }

        /// Decodes one.
        public init(decoding bytes: [UInt8]) throws(HostError) {
            self.init(try WireDecoder.decode(bytes, as: Self.schema))
        }

        /// The message's bytes.
        public func encoded() -> [UInt8] { wire.encoded() }
    }

    /// Makes an actor's port reachable.
    public struct PublishRequest: HostMessage, HostMessageFields {
        /// Its name or key.
        public var actor: String = ""
        /// The actor's port.
        public var port: Int = 0
        /// The wanted port here; 0 = any.
        public var hostPort: Int = 0
        /// Makes one.
        public init(actor: String = "", port: Int = 0, hostPort: Int = 0) {
            self.actor = actor
            self.port = port
            self.hostPort = hostPort
        }

        init(_ from: WireMessage) {
            actor = from.string("actor")
            port = Int(from.integer("port"))
            hostPort = Int(from.integer("host_port"))
        }

        func fill(_ out: inout WireMessage) {
            out.add("actor", actor)
            out.add("port", port)
            out.add("host_port", hostPort)
        }

        static var schema: MessageSchema { .publishRequest }

        /// Decodes one.
        public init(decoding bytes: [UInt8]) throws(HostError) {
            self.init(try WireDecoder.decode(bytes, as: Self.schema))
        }

        /// The message's bytes.
        public func encoded() -> [UInt8] { wire.encoded() }
    }

    /// Where a published port is.
    public struct PublishResponse: HostMessage, HostMessageFields {
        /// The address to dial.
        public var host: String = ""
        /// The port to dial.
        public var port: Int = 0
        /// Makes one.
        public init(host: String = "", port: Int = 0) {
            self.host = host
            self.port = port
        }

        init(_ from: WireMessage) {
            host = from.string("host")
            port = Int(from.integer("port"))
        }

        func fill(_ out: inout WireMessage) {
            out.add("host", host)
            out.add("port", port)
        }

        static var schema: MessageSchema { .publishResponse }

        /// Decodes one.
        public init(decoding bytes: [UInt8]) throws(HostError) {
            self.init(try WireDecoder.decode(bytes, as: Self.schema))
        }

        /// The message's bytes.
        public func encoded() -> [UInt8] { wire.encoded() }
    }

    /// Takes a published port back.
    public struct ForgetRequest: HostMessage, HostMessageFields {
        /// Its name or key.
        public var actor: String = ""
        /// The actor's port.
        public var port: Int = 0
        /// Makes one.
        public init(actor: String = "", port: Int = 0) {
            self.actor = actor
            self.port = port
        }

        init(_ from: WireMessage) {
            actor = from.string("actor")
            port = Int(from.integer("port"))
        }

        func fill(_ out: inout WireMessage) {
            out.add("actor", actor)
            out.add("port", port)
        }

        static var schema: MessageSchema { .forgetRequest }

        /// Decodes one.
        public init(decoding bytes: [UInt8]) throws(HostError) {
            self.init(try WireDecoder.decode(bytes, as: Self.schema))
        }

        /// The message's bytes.
        public func encoded() -> [UInt8] { wire.encoded() }
    }

    /// The port is no longer published.
    public struct ForgetResponse: HostMessage, HostMessageFields {
        /// Makes one.
        public init() {
        }

        init(_ from: WireMessage) {
        }

        func fill(_ out: inout WireMessage) {
        }

        static var schema: MessageSchema { .forgetResponse }

        /// Decodes one.
        public init(decoding bytes: [UInt8]) throws(HostError) {
            self.init(try WireDecoder.decode(bytes, as: Self.schema))
        }

        /// The message's bytes.
        public func encoded() -> [UInt8] { wire.encoded() }
    }

    /// Makes a local snapshot.
    public struct CheckpointActorRequest: HostMessage, HostMessageFields {
        /// Its name or key.
        public var actor: String = ""
        /// The snapshot's name; empty = the host makes one.
        public var name: String = ""
        /// A `SnapshotScope`; empty = the widest there is.
        public var scope: String = ""
        /// Makes one.
        public init(actor: String = "", name: String = "", scope: String = "") {
            self.actor = actor
            self.name = name
            self.scope = scope
        }

        init(_ from: WireMessage) {
            actor = from.string("actor")
            name = from.string("name")
            scope = from.string("scope")
        }

        func fill(_ out: inout WireMessage) {
            out.add("actor", actor)
            out.add("name", name)
            out.add("scope", scope)
        }

        static var schema: MessageSchema { .checkpointActorRequest }

        /// Decodes one.
        public init(decoding bytes: [UInt8]) throws(HostError) {
            self.init(try WireDecoder.decode(bytes, as: Self.schema))
        }

        /// The message's bytes.
        public func encoded() -> [UInt8] { wire.encoded() }
    }

    /// The snapshot that was made.
    public struct CheckpointActorResponse: HostMessage, HostMessageFields {
        /// Its name.
        public var snapshot: String = ""
        /// Its scope.
        public var scope: String = ""
        /// Makes one.
        public init(snapshot: String = "", scope: String = "") {
            self.snapshot = snapshot
            self.scope = scope
        }

        init(_ from: WireMessage) {
            snapshot = from.string("snapshot")
            scope = from.string("scope")
        }

        func fill(_ out: inout WireMessage) {
            out.add("snapshot", snapshot)
            out.add("scope", scope)
        }

        static var schema: MessageSchema { .checkpointActorResponse }

        /// Decodes one.
        public init(decoding bytes: [UInt8]) throws(HostError) {
            self.init(try WireDecoder.decode(bytes, as: Self.schema))
        }

        /// The message's bytes.
        public func encoded() -> [UInt8] { wire.encoded() }
    }

    /// Brings an actor back from a local snapshot.
    public struct RestoreActorRequest: HostMessage, HostMessageFields {
        /// Its name or key.
        public var actor: String = ""
        /// The snapshot's name; empty = the newest.
        public var snapshot: String = ""
        /// The slot; empty = the actor's own.
        public var slot: String = ""
        /// Makes one.
        public init(actor: String = "", snapshot: String = "", slot: String = "") {
            self.actor = actor
            self.snapshot = snapshot
            self.slot = slot
        }

        init(_ from: WireMessage) {
            actor = from.string("actor")
            snapshot = from.string("snapshot")
            slot = from.string("slot")
        }

        func fill(_ out: inout WireMessage) {
            out.add("actor", actor)
            out.add("snapshot", snapshot)
            out.add("slot", slot)
        }

        static var schema: MessageSchema { .restoreActorRequest }

        /// Decodes one.
        public init(decoding bytes: [UInt8]) throws(HostError) {
            self.init(try WireDecoder.decode(bytes, as: Self.schema))
        }

        /// The message's bytes.
        public func encoded() -> [UInt8] { wire.encoded() }
    }
}
