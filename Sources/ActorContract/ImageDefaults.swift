/// What a container has from its image where the contract does not say.
public struct ImageDefaults: Sendable, Equatable, Codable {
    /// The environment that precedes the request's own, as `NAME=value`; nil is the contract's search path alone.
    public var environment: [String]?
    /// Where the program starts.
    public var workingDirectory = "/"
    /// Whom it runs as.
    public var user: UInt32 = 0
    /// Its group.
    public var group: UInt32 = 0
    /// Its further groups.
    public var groups: [UInt32] = []

    /// What the contract says without an image: root, in `/`.
    public init() {}

    /// Whether the program is root, with no other group.
    public var isRoot: Bool { user == 0 && group == 0 && groups.isEmpty }
}
