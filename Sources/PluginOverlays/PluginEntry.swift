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
    /// Whether it ships with the host.
    public let isShipped: Bool
    /// The script's bytes, at most 64 KiB; empty when it could not be read.
    public let source: [UInt8]
    /// The digest of `source` in hex; empty when it could not be read.
    public let sha256: String
    /// The modules that it may `require`, and those that they require: name → bytes, from `lib` of the same source.
    public let libraries: [String: [UInt8]]
    /// The digest of the script and its modules together.
    ///
    /// It is `sha256` where there are no modules, and empty where that is.
    public let revision: String
    /// Whether a supervisor may be asked to describe it.
    public let state: State
    /// The files of the same name in earlier sources, nearest first.
    public let shadows: [String]

    /// Whether it is never served.
    public var isBroken: Bool { state != .candidate }

    /// Makes the entry of a script that was read before, such as a revision that was kept.
    ///
    /// - Parameters:
    ///   - name: of the backend.
    ///   - path: where the script was; its directory is taken from it.
    ///   - origin: `shipped` or `overlay DIR`.
    ///   - isShipped: whether it shipped with the host.
    ///   - source: the script.
    ///   - libraries: its modules.
    ///   - hash: SHA-256 in lower-case hex.
    public init(
        name: String,
        path: String,
        origin: String,
        isShipped: Bool,
        source: [UInt8],
        libraries: [String: [UInt8]],
        hash: ([UInt8]) -> String
    ) {
        self.init(
            name: name,
            path: path,
            directory: path.split(separator: "/").dropLast().reduce(into: "") { $0 += "/" + $1 },
            origin: origin,
            isShipped: isShipped,
            source: source,
            libraries: libraries,
            state: .candidate,
            shadows: [],
            hash: hash
        )
    }

    init(
        name: String,
        path: String,
        directory: String,
        origin: String,
        isShipped: Bool,
        source: [UInt8],
        libraries: [String: [UInt8]],
        state: State,
        shadows: [String],
        hash: ([UInt8]) -> String
    ) {
        self.name = name
        self.path = path
        self.directory = directory
        self.origin = origin
        self.isShipped = isShipped
        self.source = source
        self.libraries = libraries
        self.state = state
        self.shadows = shadows
        let digest = source.isEmpty ? "" : hash(source)
        sha256 = digest
        if libraries.isEmpty || source.isEmpty {
            revision = digest
        } else {
            let lines = libraries.sorted { $0.key < $1.key }.map { "\($0.key) \(hash($0.value))\n" }
            revision = hash(Array((digest + "\n" + lines.joined()).utf8))
        }
    }

    private init(_ entry: PluginEntry, shadows: [String]) {
        name = entry.name
        path = entry.path
        directory = entry.directory
        origin = entry.origin
        isShipped = entry.isShipped
        source = entry.source
        sha256 = entry.sha256
        libraries = entry.libraries
        revision = entry.revision
        state = entry.state
        self.shadows = shadows
    }

    /// This entry in front of another of the same name.
    ///
    /// - Parameter earlier: the winner among the sources before this one's.
    /// - Returns: this entry; the other and what that shadowed are listed.
    func shadowing(_ earlier: PluginEntry) -> PluginEntry {
        PluginEntry(self, shadows: [earlier.path] + earlier.shadows)
    }
}
