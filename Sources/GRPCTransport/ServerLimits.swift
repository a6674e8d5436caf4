/// How much one server takes from its clients: every bound of the transport, in one place.
///
/// What is past a bound is refused, and everybody else is served on.
public struct ServerLimits: Sendable, Equatable {
    /// The largest message either way, in bytes.
    ///
    /// A larger request is answered RESOURCE_EXHAUSTED, `LIMIT_EXCEEDED`; so is the call whose reply would be larger.
    /// - Source: contract §1.1: upstream serves gRPC's default, 4 MiB.
    public var maxMessageBytes = 4 << 20
    /// How much the core may hold for all connections together, in bytes.
    ///
    /// The core knows a message's length only when it has all of it: this, not the limit above, is what bounds the
    /// memory that a flood of large or unfinished messages can take. Past it the core ends calls, and tells connections
    /// to go (GOAWAY), which clients answer by connecting anew.
    /// - Source: sixteen of the largest messages, which is what the host does at once (DESIGN "Performance").
    public var maxBufferedBytes = 64 << 20
    /// The most calls at once on one connection.
    ///
    /// A client that keeps to HTTP/2 waits with the next one (SETTINGS_MAX_CONCURRENT_STREAMS). The core refuses more of
    /// a peer that acknowledged the number; of any other, we answer RESOURCE_EXHAUSTED, `LIMIT_EXCEEDED`.
    /// - Source: RFC 9113 section 6.5.2 recommends no less than 100.
    public var maxConcurrentStreams = 100
    /// The most connections at once, over all listeners.
    ///
    /// - Source: a quarter of the usual 1,024 descriptors: each takes two, and half are left for actors.
    public var maxConnections = 256
    /// The most of them over TCP: whoever floods the network listeners leaves room at the unix one.
    ///
    /// - Source: all but as many as one peer may have.
    public var maxNetworkConnections = 192
    /// The most connections at once of one peer: one process at a unix socket, one address at a TCP one.
    ///
    /// - Source: threat T83: one peer must not take all places; upstream's client opens one connection a node.
    public var maxConnectionsPerPeer = 64
    /// The most calls of one connection that may be given up before they were answered, within ten seconds.
    ///
    /// A connection past it is closed: opening streams only to reset them costs the client nothing and us much.
    /// - Source: threat T83, CVE-2023-44487 ("rapid reset"), against which the core here has no bound of its own;
    ///   two full sets of streams.
    public var maxResets = 200
    /// The largest set of headers of a call, in bytes.
    ///
    /// The core answers a larger one itself, RESOURCE_EXHAUSTED, if the peer acknowledged the number; else it reads up
    /// to 16 MiB and we do, with `LIMIT_EXCEEDED`.
    /// - Source: threat T83; gRPC's default soft limit.
    public var maxMetadataBytes = 8 << 10
    /// How long a new connection may take to begin to speak HTTP/2: its preface and the head of its SETTINGS.
    ///
    /// - Source: threat T89.
    public var handshakeTimeout: Duration = .seconds(10)
    /// How long the request of a call may be under way, from its headers on.
    ///
    /// Then it is answered DEADLINE_EXCEEDED.
    /// - Source: threat T83, slow senders; the largest message at 1.7 Mbit/s.
    public var requestTimeout: Duration = .seconds(20)
    /// How long a peer may leave a status unread before its call is ended without one.
    public var statusTimeout: Duration = .seconds(2)

    /// The defaults.
    public init() {}
}
