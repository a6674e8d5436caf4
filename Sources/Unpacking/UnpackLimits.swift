/// How much of a stranger's archive is taken before it is refused.
public struct UnpackLimits: Sendable, Equatable {
    /// The most entries.
    public var entries = 1_000_000
    /// The most bytes of all files together.
    public var bytes: Int64 = 64 << 30
    /// The most bytes that one compressed byte may become, once `ratioFloor` is passed.
    public var ratio: Int64 = 400
    /// Below this many bytes no ratio is asked for: small archives of zeros are common.
    public var ratioFloor: Int64 = 256 << 20
    /// The usual limits.
    public init() {}
}

/// What an archive is unpacked as.
public enum UnpackMode: Sendable {
    /// A layer of an image: whiteouts become overlayfs's own, everything belongs to root.
    case layer
    /// Our own archive of durable volumes: owners are kept, no name is special.
    case durable
}
