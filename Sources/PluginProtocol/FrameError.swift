/// Why bytes from the socket are no frame or no value.
public enum FrameError: Error, Sendable, Equatable {
    /// The length prefix is over `FrameLimits.maxFrameBytes`.
    case tooLong(Int)
    /// The bytes end before the value does.
    case truncated
    /// Bytes are left after the value.
    case trailing
    /// A tag or kind that nobody defined.
    case unknownTag(UInt8)
    /// Text that is not valid UTF-8, or holds a NUL.
    case badText
    /// Nested deeper than `FrameLimits.maxDepth`.
    case tooDeep
    /// More nodes than `FrameLimits.maxNodes`.
    case tooManyNodes
    /// Map keys that repeat or are not in order: equal values must have equal bytes.
    case notCanonical
}

/// The bounds of what crosses the socket.
public enum FrameLimits {
    /// The most payload bytes of a frame: both of a program's outputs of 1 MiB, and what is around them.
    public static let maxFrameBytes = (2 << 20) + (64 << 10)
    /// The deepest nesting of a value.
    public static let maxDepth = 32
    /// The most nodes of a value, map values and list elements counted alike.
    public static let maxNodes = 10_000
}
