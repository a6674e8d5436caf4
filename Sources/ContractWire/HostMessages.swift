public import HostErrors

/// The messages of our own service, `substrate.host.v1.Host`, as plain values.
public enum HostMessages {}

/// The methods of our own service.
public enum HostMethod: String, Sendable, CaseIterable {
    case list = "List"
    case get = "Get"
    case watch = "Watch"
    case start = "Start"
    case stop = "Stop"
    case remove = "Remove"
    case logs = "Logs"
    case backends = "Backends"
    case publish = "Publish"
    case forget = "Forget"
    case checkpointActor = "CheckpointActor"
    case restoreActor = "RestoreActor"
    case stats = "Stats"
    case metrics = "Metrics"
    case exec = "Exec"
    case execInput = "ExecInput"

    /// The HTTP/2 path.
    public var path: String { "/substrate.host.v1.Host/\(rawValue)" }

    /// The method of a path; nil for another service's.
    public init?(path: String) {
        guard let method = Self.allCases.first(where: { $0.path == path }) else { return nil }
        self = method
    }

    /// Whether the answer is a stream.
    public var isStream: Bool { self == .watch || self == .logs || self == .exec }
}

/// A message of our own service.
public protocol HostMessage: Sendable, Equatable {
    /// Decodes one.
    init(decoding bytes: [UInt8]) throws(HostError)
    /// The message's bytes.
    func encoded() -> [UInt8]
}

/// What the messages of our own service have in common, inside this room.
protocol HostMessageFields {
    static var schema: MessageSchema { get }
    init(_ message: WireMessage)
    func fill(_ message: inout WireMessage)
}

extension HostMessageFields {
    var wire: WireMessage {
        var message = WireMessage(Self.schema)
        fill(&message)
        return message
    }
}
