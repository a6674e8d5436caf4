import Glibc
import HostErrors
import PluginOverlays
import SystemLayer
import Transfer

/// The script that a command line names: a file, a folder with `backend.lua`, or the name of a served backend.
enum PluginLocation {
    /// Finds it.
    ///
    /// - Parameters:
    ///   - options: the command line.
    ///   - executable: this program's real path, from which the shipped ones are found.
    /// - Returns: the script, broken ones included.
    /// - Throws: `notFound` with what there is.
    static func find(_ options: ConformanceOptions, executable: String) throws(HostError) -> PluginEntry {
        let text = options.backend
        let isFolder = unsafe access("\(text)/backend.lua", F_OK) == 0
        let isPath = isFolder || text.contains("/") || text.hasSuffix(".lua")
        if isPath { return try atPath(absolute(text)) }
        var sources: [PluginSource] = []
        if let shipped = ShippedPlugins.find(
            pluginsDirOption: options.pluginsDirectory,
            executableRealPath: executable
        ) {
            sources.append(.shipped(shipped))
        }
        for overlay in options.overlays { sources.append(.overlay(overlay)) }
        let index = try PluginIndex.scan(sources: sources, hash: SHA256.hex(of:))
        if let entry = index[text] { return entry }
        let known = index.available.joined(separator: ", ")
        throw HostError(
            .notFound,
            .plugin,
            "no backend \"\(text)\" is served and no such file is here; served: \(known.isEmpty ? "(none)" : known)"
        )
    }

    private static func atPath(_ path: String) throws(HostError) -> PluginEntry {
        var parts = path.split(separator: "/").map(String.init)
        if parts.last == "backend.lua" { parts.removeLast() }
        let last = parts.popLast() ?? ""
        let name = last.hasSuffix(".lua") ? String(last.dropLast(4)) : last
        let parent = "/" + parts.joined(separator: "/")
        let index = try PluginIndex.scan(sources: [.overlay(parent)], hash: SHA256.hex(of:))
        guard let entry = index[name] else {
            throw HostError(.notFound, .plugin, "\(path): no such file, or a folder without backend.lua")
        }
        return entry
    }
}

/// A path as seen from the root, its links as they are.
func absolute(_ path: String) -> String {
    var all = path
    if !path.hasPrefix("/") {
        var buffer = [CChar](repeating: 0, count: 4096)
        let here = unsafe getcwd(&buffer, buffer.count) != nil
        let bytes = buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
        all = (here ? String(decoding: bytes, as: UTF8.self) : "") + "/" + path
    }
    var parts: [Substring] = []
    for part in all.split(separator: "/") where part != "." {
        if part == ".." { _ = parts.popLast() } else { parts.append(part) }
    }
    return "/" + parts.joined(separator: "/")
}
