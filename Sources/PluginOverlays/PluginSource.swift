/// One place that plugins come from, in the order of the list.
public struct PluginSource: Sendable, Equatable {
    /// The directory that was named: an overlay's root, or the shipped `plugins` directory.
    public let directory: String
    /// `shipped`, or `overlay DIR` as the operator wrote it.
    public let origin: String

    /// Makes one.
    ///
    /// - Parameters:
    ///   - directory: must exist; what is missing is an error of the scan.
    ///   - origin: for people: `shipped` or `overlay DIR`.
    public init(directory: String, origin: String) {
        self.directory = directory
        self.origin = origin
    }

    /// The plugins that ship with the host.
    ///
    /// - Parameter directory: what `ShippedPlugins.find` found.
    /// - Returns: a source that every overlay shadows.
    public static func shipped(_ directory: String) -> PluginSource {
        PluginSource(directory: directory, origin: "shipped")
    }

    /// An overlay that the operator named.
    ///
    /// - Parameter directory: the root of an overlay repository, or a directory of plugins.
    /// - Returns: a source whose plugins are in `backends/` where that exists, else in the directory itself.
    public static func overlay(_ directory: String) -> PluginSource {
        PluginSource(directory: directory, origin: "overlay \(directory)")
    }
}
