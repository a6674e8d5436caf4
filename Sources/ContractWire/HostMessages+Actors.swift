public import HostErrors

extension HostMessages {
    /// Asks for every actor.
    public struct ListRequest: HostMessage, HostMessageFields {
        /// Makes one.
        public init() {
        }

        init(_ from: WireMessage) {
        }

        func fill(_ out: inout WireMessage) {
        }

        static var schema: MessageSchema { .listRequest }

        /// Decodes one.
        public init(decoding bytes: [UInt8]) throws(HostError) {
            self.init(try WireDecoder.decode(bytes, as: Self.schema))
        }

        /// The message's bytes.
        public func encoded() -> [UInt8] { wire.encoded() }
    }

    /// Every actor.
    public struct ListResponse: HostMessage, HostMessageFields {
        /// The actors.
        public var actors: [Actor] = []
        /// Makes one.
        public init(actors: [Actor] = []) {
            self.actors = actors
        }

        init(_ from: WireMessage) {
            actors = from.messages("actors").map { Actor($0) }
        }

        func fill(_ out: inout WireMessage) {
            for one in actors { out.add("actors") { one.fill(&$0) } }
        }

        static var schema: MessageSchema { .listResponse }

        /// Decodes one.
        public init(decoding bytes: [UInt8]) throws(HostError) {
            self.init(try WireDecoder.decode(bytes, as: Self.schema))
        }

        /// The message's bytes.
        public func encoded() -> [UInt8] { wire.encoded() }
    }

    /// Asks for one actor.
    public struct GetRequest: HostMessage, HostMessageFields {
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

        static var schema: MessageSchema { .getRequest }

        /// Decodes one.
        public init(decoding bytes: [UInt8]) throws(HostError) {
            self.init(try WireDecoder.decode(bytes, as: Self.schema))
        }

        /// The message's bytes.
        public func encoded() -> [UInt8] { wire.encoded() }
    }

    /// Asks for actors and their changes.
    public struct WatchRequest: HostMessage, HostMessageFields {
        /// A name or key; empty = all.
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

        static var schema: MessageSchema { .watchRequest }

        /// Decodes one.
        public init(decoding bytes: [UInt8]) throws(HostError) {
            self.init(try WireDecoder.decode(bytes, as: Self.schema))
        }

        /// The message's bytes.
        public func encoded() -> [UInt8] { wire.encoded() }
    }

    /// Starts a stopped actor.
    public struct StartRequest: HostMessage, HostMessageFields {
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

        static var schema: MessageSchema { .startRequest }

        /// Decodes one.
        public init(decoding bytes: [UInt8]) throws(HostError) {
            self.init(try WireDecoder.decode(bytes, as: Self.schema))
        }

        /// The message's bytes.
        public func encoded() -> [UInt8] { wire.encoded() }
    }

    /// Stops an actor.
    public struct StopRequest: HostMessage, HostMessageFields {
        /// Its name or key.
        public var actor: String = ""
        /// How long it may take to end, in milliseconds; 0 = the default.
        public var graceMs: Int64 = 0
        /// Makes one.
        public init(actor: String = "", graceMs: Int64 = 0) {
            self.actor = actor
            self.graceMs = graceMs
        }

        init(_ from: WireMessage) {
            actor = from.string("actor")
            graceMs = from.integer("grace_ms")
        }

        func fill(_ out: inout WireMessage) {
            out.add("actor", actor)
            out.add("grace_ms", graceMs)
        }

        static var schema: MessageSchema { .stopRequest }

        /// Decodes one.
        public init(decoding bytes: [UInt8]) throws(HostError) {
            self.init(try WireDecoder.decode(bytes, as: Self.schema))
        }

        /// The message's bytes.
        public func encoded() -> [UInt8] { wire.encoded() }
    }

    /// Deletes an actor.
    public struct RemoveRequest: HostMessage, HostMessageFields {
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

        static var schema: MessageSchema { .removeRequest }

        /// Decodes one.
        public init(decoding bytes: [UInt8]) throws(HostError) {
            self.init(try WireDecoder.decode(bytes, as: Self.schema))
        }

        /// The message's bytes.
        public func encoded() -> [UInt8] { wire.encoded() }
    }

    /// The actor is gone.
    public struct RemoveResponse: HostMessage, HostMessageFields {
        /// Makes one.
        public init() {
        }

        init(_ from: WireMessage) {
        }

        func fill(_ out: inout WireMessage) {
        }

        static var schema: MessageSchema { .removeResponse }

        /// Decodes one.
        public init(decoding bytes: [UInt8]) throws(HostError) {
            self.init(try WireDecoder.decode(bytes, as: Self.schema))
        }

        /// The message's bytes.
        public func encoded() -> [UInt8] { wire.encoded() }
    }

    /// Asks for an actor's output.
    public struct LogsRequest: HostMessage, HostMessageFields {
        /// Its name or key.
        public var actor: String = ""
        /// One container; empty = all.
        public var container: String = ""
        /// Whether to go on with new lines.
        public var follow: Bool = false
        /// How many last lines to begin with; 0 = all.
        public var tail: Int64 = 0
        /// Makes one.
        public init(actor: String = "", container: String = "", follow: Bool = false, tail: Int64 = 0) {
            self.actor = actor
            self.container = container
            self.follow = follow
            self.tail = tail
        }

        init(_ from: WireMessage) {
            actor = from.string("actor")
            container = from.string("container")
            follow = from.integer("follow") != 0
            tail = from.integer("tail")
        }

        func fill(_ out: inout WireMessage) {
            out.add("actor", actor)
            out.add("container", container)
            out.add("follow", follow)
            out.add("tail", tail)
        }

        static var schema: MessageSchema { .logsRequest }

        /// Decodes one.
        public init(decoding bytes: [UInt8]) throws(HostError) {
            self.init(try WireDecoder.decode(bytes, as: Self.schema))
        }

        /// The message's bytes.
        public func encoded() -> [UInt8] { wire.encoded() }
    }
}
