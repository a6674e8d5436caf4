/// The winner of one name: its file, its bytes, and what it shadows.
public struct PluginEntry: Sendable, Equatable {
    /// What may be said of an entry without running it.
    public enum State: Sendable, Equatable {
        /// A script that a supervisor may be asked to describe.
        case candidate
        /// Never served, and never replaced by what it shadows; the cause in words.
        case broken(String)
    }

    /// The base name of its directory, or of its file without `.lua`.
    public let name: String
    /// The script's file.
    public let path: String
    /// The directory that holds the script.
    public let directory: String
    /// The source it came from: `shipped` or `overlay DIR`.
    public let origin: String
    /// The script's bytes, at most 64 KiB; empty when it could not be read.
    public let source: [UInt8]
    /// The digest of `source` in hex; empty when it could not be read.
    public let sha256: String
    /// Whether a supervisor may be asked to describe it.
    public let state: State
    /// The files of the same name in earlier sources, nearest first.
    public let shadows: [String]

    /// Whether it is never served.
    public var isBroken: Bool { state != .candidate }

    /// This entry in front of another of the same name.
    ///
    /// - Parameter earlier: the winner among the sources before this one's.
    /// - Returns: this entry; the other and what that shadowed are listed.
    func shadowing(_ earlier: PluginEntry) -> PluginEntry {
        PluginEntry(
            name: name,
            path: path,
            directory: directory,
            origin: origin,
            source: source,
            sha256: sha256,
            state: state,
            shadows: [earlier.path] + earlier.shadows
        )
    }
}
