import Glibc
import PluginAuthoring
import PluginCommands
import PluginOverlays

extension ConformanceSettings {
    /// Reads the command line.
    ///
    /// - Parameters:
    ///   - arguments: its words, sorted.
    ///   - entry: the script that it names.
    ///   - companions: the directory of the host's own programs, absolute.
    /// - Throws: for a value that is none.
    init(_ arguments: PluginArguments, entry: PluginEntry, companions: String) throws(PluginArguments.Mistake) {
        self.init(companions: companions)
        let known = Set(ConformanceSuite.checks.map(\.name)).union(ConformanceSuite.faultNames)
        for name in arguments.list("only") where !known.contains(name) {
            throw PluginArguments.Mistake("--only \"\(name)\" is no check; --list shows them")
        }
        only = Set(arguments.list("only"))
        if let text = arguments.value("at-once") {
            guard let count = Int(text), (1...64).contains(count) else {
                throw PluginArguments.Mistake("--at-once \"\(text)\" is not a number from 1 to 64")
            }
            width = count
        }
        grants = try arguments.granted(isShipped: entry.isShipped)
        image = arguments.value("image")
        for (name, value) in try arguments.pairs("config") { config[name] = value }
        for (name, file) in try arguments.pairs("asset") { assets[name] = absolute(file) }
        countsDescriptors = true
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
