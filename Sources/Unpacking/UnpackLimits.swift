/// How much of a stranger's archive is taken before it is refused.
public struct UnpackLimits: Sendable {
    /// The most entries.
    public var entries = 1_000_000
    /// The most bytes of all files together.
    public var bytes: Int64 = 64 << 30
    /// The most bytes that one compressed byte may become, once `ratioFloor` is passed.
    public var ratio: Int64 = 400
    /// Below this many bytes no ratio is asked for: small archives of zeros are common.
    public var ratioFloor: Int64 = 256 << 20
    /// The most bytes that the directories' names and facts take together until they are finished.
    public var directoryBytes = 12 << 20
    /// The most extended attributes of one entry, and the most bytes of one.
    public var attributes = (count: 64, bytes: 64 << 10)
    /// The usual limits.
    public init() {}
}

/// What an archive is unpacked as.
public enum UnpackMode: Sendable {
    /// A layer of an image: whiteouts become overlayfs's own, owners, modes and `user.` attributes are kept.
    case layer
    /// A layer whose files all belong to root, as the contract's first dialect has them.
    case layerOfRoot
    /// Our own archive of durable volumes: owners are kept, no name is special.
    case durable

    /// Whether `.wh.` names mean something.
    var isLayer: Bool { self != .durable }
    /// Whether files belong to whom the archive says.
    var namesOwners: Bool { self != .layerOfRoot }
}
