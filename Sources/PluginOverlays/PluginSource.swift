/// What an overlay can hold: each surface is a subdirectory of it.
///
/// Grants and seccomp profiles are none: an overlay cannot widen what its own scripts may do.
public enum PluginSurface: String, Sendable, CaseIterable {
    /// Backends: `NAME.lua` or `NAME/backend.lua`.
    case backends
    /// Packs of assets.
    case assets
    /// Modules for `require "NAME"`: `NAME.lua`.
    case lib
}

/// Where a surface of an overlay is, in three states: the usual place, elsewhere in it, or nowhere.
public enum Subdirectory: Sendable, Equatable {
    /// `backends`, `assets` or `lib`.
    case standard
    /// The overlay has no such surface, whatever lies in it.
    case off
    /// That directory of the overlay.
    case named(String)

    /// A text that is no subdirectory, and what would be.
    public struct Fault: Error, Equatable {
        /// What to write instead.
        public let mend: String
    }

    /// Reads the value of a setting.
    ///
    /// - Parameter text: relative, without `..`; empty turns the surface off.
    /// - Throws: when it leads out of the overlay.
    public init(_ text: String) throws(Fault) {
        guard !text.isEmpty else {
            self = .off
            return
        }
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard !parts.contains(where: { $0.isEmpty || $0 == ".." || $0 == "." }) else {
            throw Fault(mend: "write a directory inside the overlay, such as plug/x, or \"\" to turn it off")
        }
        self = .named(text)
    }
}

/// One place that plugins come from, in the order of the list.
public struct PluginSource: Sendable, Equatable {
    /// The directory that was named: an overlay's root, or the shipped `plugins` directory.
    public let directory: String
    /// `shipped`, or `overlay DIR` as the operator wrote it.
    public let origin: String
    /// Whether it ships with the host: then it is a directory of backends, and nothing else.
    public let isShipped: Bool
    private let surfaces: [PluginSurface: Subdirectory]

    /// Makes an overlay.
    ///
    /// - Parameters:
    ///   - directory: must exist; what is missing is an error of the scan.
    ///   - origin: for people: `overlay DIR`.
    ///   - surfaces: where its surfaces are; what is absent is in the usual place.
    public init(directory: String, origin: String, surfaces: [PluginSurface: Subdirectory] = [:]) {
        self.init(directory: directory, origin: origin, isShipped: false, surfaces: surfaces)
    }

    private init(directory: String, origin: String, isShipped: Bool, surfaces: [PluginSurface: Subdirectory]) {
        self.directory = directory
        self.origin = origin
        self.isShipped = isShipped
        self.surfaces = surfaces
    }

    /// The plugins that ship with the host.
    ///
    /// - Parameter directory: what `ShippedPlugins.find` found.
    /// - Returns: a source that every overlay shadows.
    public static func shipped(_ directory: String) -> PluginSource {
        PluginSource(directory: directory, origin: "shipped", isShipped: true, surfaces: [:])
    }

    /// An overlay that the operator named.
    ///
    /// - Parameter directory: the root of an overlay repository, or a directory of plugins.
    /// - Returns: a source whose plugins are in `backends/` where that exists, else in the directory itself.
    public static func overlay(_ directory: String) -> PluginSource {
        PluginSource(directory: directory, origin: "overlay \(directory)")
    }

    /// Where a surface is said to be.
    ///
    /// - Parameter surface: which.
    public subscript(surface: PluginSurface) -> Subdirectory { surfaces[surface] ?? .standard }
}
