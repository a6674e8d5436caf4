import Glibc
public import HostErrors
public import PluginOverlays
import Transfer

/// Where an installation keeps what authors need, and how a PATH of the command line is understood.
public struct PluginPlace: Sendable {
    /// The directory of the program, its links resolved.
    public let programs: String
    /// The directory of types and documents; nil where there is none.
    public let sdk: String?
    /// The shipped plugins; nil where there are none.
    public let shipped: String?

    /// Finds it.
    ///
    /// - Parameter executable: the running program's real path.
    public init(executable: String) {
        programs = executable.split(separator: "/").dropLast().reduce(into: "") { $0 += "/" + $1 }
        shipped = ShippedPlugins.find(pluginsDirOption: nil, executableRealPath: executable)
        var found: String?
        var directory = programs
        while !directory.isEmpty, found == nil {
            for place in ["\(directory)/share/substrate-host/sdk", "\(directory)/sdk"]
            where unsafe access("\(place)/types/host.lua", R_OK) == 0 {
                found = place
                break
            }
            directory = directory.split(separator: "/").dropLast().reduce(into: "") { $0 += "/" + $1 }
        }
        sdk = found
    }

    /// The plugin that a PATH means: a file, a folder, or the name of a served one.
    ///
    /// - Parameters:
    ///   - path: as typed.
    ///   - overlays: directories in which names are looked up beside the shipped ones.
    /// - Returns: the plugin.
    /// - Throws: `notFound` with what was looked for.
    public func find(_ path: String, overlays: [String] = []) throws(HostError) -> PluginEntry {
        let isHere = unsafe access(path, F_OK) == 0
        if isHere || path.contains("/") || path.hasSuffix(".lua") {
            return try PluginEntry.read(path: path, hash: SHA256.hex(of:))
        }
        let found = try index(overlays)
        if let entry = found[path] { return entry }
        let names = found.entries.map(\.name).joined(separator: ", ")
        throw HostError(
            .notFound,
            nil,
            "\(path): no such file or folder, and no served backend (\(names.isEmpty ? "there are none" : names))"
        )
    }

    /// Every served plugin.
    ///
    /// - Parameter overlays: directories beside the shipped one.
    /// - Returns: by name.
    /// - Throws: `notFound` when a directory is not there.
    public func index(_ overlays: [String] = []) throws(HostError) -> PluginIndex {
        let sources = (shipped.map { [PluginSource.shipped($0)] } ?? []) + overlays.map { PluginSource.overlay($0) }
        return try PluginIndex.scan(sources: sources, hash: SHA256.hex(of:))
    }
}
