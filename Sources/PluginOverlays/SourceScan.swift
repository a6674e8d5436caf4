import SystemLayer

/// The plugins of one source.
struct SourceScan {
    let source: PluginSource
    let hash: ([UInt8]) -> String

    /// Where a script was found.
    private struct Finding {
        let name: String
        let path: String
        let directory: String
    }

    /// Finds and reads them, one entry a name.
    ///
    /// - Parameter notices: grows by a line for what is skipped.
    /// - Returns: entries in the order of their names; two files of one name make one broken entry.
    /// - Throws: when the source's own directories cannot be listed.
    func entries(notices: inout [String]) throws(SyscallError) -> [PluginEntry] {
        let root = try pluginRoot()
        var byName: [String: [Finding]] = [:]
        for name in try names(in: root) where Self.isVisible(name) {
            let path = "\(root)/\(name)"
            switch try kind(of: path) {
            case .directory?:
                if let finding = try folderPlugin(name, at: path) {
                    byName[name, default: []].append(finding)
                } else {
                    try scanCategory(path, into: &byName, notices: &notices)
                }
            case .regular?, .other?: keepFile(name, in: root, into: &byName, notices: &notices)
            case nil: continue
            }
        }
        return byName.values.map(entry).sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
    }

    /// An overlay repository keeps its plugins in `backends/`; a plain directory of plugins is one itself.
    private func pluginRoot() throws(SyscallError) -> String {
        let inner = source.directory + "/backends"
        guard try kind(of: inner) == .directory, try kind(of: inner + "/backend.lua") == nil else {
            return source.directory
        }
        return inner
    }

    /// A directory without `backend.lua` groups plugins, one level deep.
    private func scanCategory(
        _ path: String,
        into byName: inout [String: [Finding]],
        notices: inout [String]
    ) throws(SyscallError) {
        let inside: [String]
        do throws(SyscallError) {
            inside = try names(in: path)
        } catch {
            // One unreadable folder must not take the other plugins with it.
            notices.append("skipping \(path): \(error.description)")
            return
        }
        for name in inside where Self.isVisible(name) {
            let inner = "\(path)/\(name)"
            switch try kind(of: inner) {
            case .directory?:
                if let finding = try folderPlugin(name, at: inner) { byName[name, default: []].append(finding) }
            case .regular?, .other?: keepFile(name, in: path, into: &byName, notices: &notices)
            case nil: continue
            }
        }
    }

    private func folderPlugin(_ name: String, at path: String) throws(SyscallError) -> Finding? {
        let script = path + "/backend.lua"
        guard try kind(of: script) != nil else { return nil }
        return Finding(name: name, path: script, directory: path)
    }

    /// Keeps `NAME.lua` whatever kind of file it is, so that a link is reported as broken and not overlooked.
    private func keepFile(
        _ name: String,
        in directory: String,
        into byName: inout [String: [Finding]],
        notices: inout [String]
    ) {
        let path = "\(directory)/\(name)"
        guard name.hasSuffix(".lua"), name.utf8.count > 4 else {
            if (try? kind(of: path)) == .other { notices.append("skipping \(path): links are not followed") }
            return
        }
        let plugin = String(name.dropLast(4))
        byName[plugin, default: []].append(Finding(name: plugin, path: path, directory: directory))
    }

    private static func isVisible(_ name: String) -> Bool { !name.hasPrefix(".") && !name.hasPrefix("_") }

    private func entry(_ findings: [Finding]) -> PluginEntry {
        let first = findings[0]
        guard findings.count == 1 else {
            let others = findings.map(\.path).joined(separator: " and ")
            return entry(first, bytes: [], state: .broken("duplicate_name \(first.name): \(others)"))
        }
        let script = PluginScript(path: first.path)
        let state: PluginEntry.State = script.problem.map { .broken("\(first.path): \($0)") } ?? .candidate
        return entry(first, bytes: script.bytes, state: state)
    }

    private func entry(_ finding: Finding, bytes: [UInt8], state: PluginEntry.State) -> PluginEntry {
        PluginEntry(
            name: finding.name,
            path: finding.path,
            directory: finding.directory,
            origin: source.origin,
            source: bytes,
            sha256: bytes.isEmpty ? "" : hash(bytes),
            state: state,
            shadows: []
        )
    }
}
