/// The winner of one name on a surface that holds files: a pack of assets, or a module.
public struct SurfaceEntry: Sendable, Equatable {
    /// The file's name without its suffix.
    public let name: String
    /// Where it is.
    public let path: String
    /// The source it came from.
    public let origin: String
    /// Why it is never used, in words; nil when it is sound.
    public let problem: String?
    /// The files of the same name in earlier sources, nearest first.
    public let shadows: [String]

    /// This entry in front of another of the same name.
    func shadowing(_ earlier: SurfaceEntry) -> SurfaceEntry {
        SurfaceEntry(
            name: name,
            path: path,
            origin: origin,
            problem: problem,
            shadows: [earlier.path] + earlier.shadows
        )
    }
}

/// What one source gives on one surface.
public struct SurfaceReport: Sendable, Equatable {
    /// The source's `origin`.
    public let origin: String
    /// Which surface.
    public let surface: PluginSurface
    /// Its directory; nil when it is off or absent.
    public let directory: String?
    /// The names that it holds, sorted, shadowed ones too.
    public let names: [String]
    /// Why it holds none: `off`, or which directory is absent.
    public let absence: String?
}
