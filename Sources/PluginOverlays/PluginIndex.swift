public import HostErrors
import SystemLayer

/// Every plugin by name, found in an ordered list of sources.
///
/// A later source shadows an earlier one wholesale, by name; a broken winner stays the winner, so that what it
/// shadows is never served by accident. One broken entry breaks no other.
public struct PluginIndex: Sendable, Equatable {
    /// The winners, sorted by name.
    public let entries: [PluginEntry]
    /// What was skipped and is no error, in words.
    public let notices: [String]
    /// The winners among the packs of assets, sorted by name.
    public let assets: [SurfaceEntry]
    /// What each surface of each source holds, in the order of the sources.
    public let surfaces: [SurfaceReport]
    /// Every directory in which a save may change this index.
    public let directories: [String]
    /// The directories of the sources that were there.
    let present: Set<String>

    /// The winner of a name.
    ///
    /// - Parameter name: as in `--backend=NAME`.
    public subscript(name: String) -> PluginEntry? { entries.first { $0.name == name } }

    /// The names that can be served, sorted.
    public var available: [String] { entries.filter { !$0.isBroken }.map(\.name) }

    /// Reads every source, in order.
    ///
    /// An overlay whose directory is missing is skipped with a notice. One that was there before and is gone is not:
    /// what it shadows would serve in its place.
    /// - Parameters:
    ///   - sources: the shipped one first; each shadows those before it.
    ///   - previous: what was found before; nil the first time.
    ///   - hash: SHA-256 in lower-case hex.
    /// - Returns: one entry a name, broken ones included.
    /// - Throws: not found when a source cannot be read, or the shipped one is missing.
    public static func scan(
        sources: [PluginSource],
        after previous: PluginIndex? = nil,
        hash: @escaping ([UInt8]) -> String
    ) throws(HostError) -> PluginIndex {
        var present: Set<String> = []
        var winners: [String: PluginEntry] = [:]
        var packs: [String: SurfaceEntry] = [:]
        var notices: [String] = []
        var surfaces: [SurfaceReport] = []
        var directories: [String] = []
        for source in sources {
            do throws(SyscallError) {
                guard try kind(of: source.directory + "/.") == .directory else {
                    let isFile = try kind(of: source.directory) != nil
                    let wasThere = previous?.present.contains(source.directory) == true
                    guard !isFile, !wasThere, !source.isShipped else {
                        throw SyscallError("opendir", isFile ? 20 : 2, source.directory)
                    }
                    notices.append("skipping \(source.origin): there is no such directory")
                    continue
                }
                present.insert(source.directory)
                var scan = SourceScan(source: source, hash: hash)
                for entry in try scan.backends() {
                    winners[entry.name] = winners[entry.name].map(entry.shadowing) ?? entry
                }
                for pack in try scan.assets() {
                    packs[pack.name] = packs[pack.name].map(pack.shadowing) ?? pack
                }
                notices += scan.notices
                surfaces += scan.reports
                directories += scan.visited
            } catch {
                throw HostError(
                    .notFound,
                    .plugin,
                    "plugin source \"\(source.directory)\" (\(source.origin)) cannot be read: \(error.description)"
                )
            }
        }
        let entries = winners.values.sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
        return PluginIndex(
            entries: entries,
            notices: notices,
            assets: packs.values.sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) },
            surfaces: surfaces,
            directories: directories,
            present: present
        )
    }
}
