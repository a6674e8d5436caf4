import SystemLayer

/// The surfaces of one source.
struct SourceScan {
    /// Where something was found.
    struct Finding {
        let name: String
        let path: String
        let directory: String
    }

    let source: PluginSource
    let hash: ([UInt8]) -> String
    /// What is skipped and is no error, in words.
    private(set) var notices: [String] = []
    /// What each surface holds.
    private(set) var reports: [SurfaceReport] = []
    /// Every directory that was listed: what is saved there may change what this finds.
    private(set) var visited: [String] = []
    private var modules: [String: Finding] = [:]
    private var modulesDirectory: String?

    init(source: PluginSource, hash: @escaping ([UInt8]) -> String) {
        self.source = source
        self.hash = hash
    }

    /// Finds and reads the backends, one entry a name.
    ///
    /// - Returns: entries in the order of their names; two files of one name make one broken entry.
    /// - Throws: when the source's own directories cannot be listed.
    mutating func backends() throws(SyscallError) -> [PluginEntry] {
        visited.append(source.directory)
        if let found = try surface(.lib, suffix: ".lua") {
            modules = found.compactMapValues(\.first)
            modulesDirectory = reports.last?.directory
        }
        guard let found = try surface(.backends, suffix: ".lua", script: "backend.lua") else { return [] }
        return found.values.map(entry).sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
    }

    /// Finds the packs.
    ///
    /// - Returns: entries in the order of their names; what is wrong is said in them.
    mutating func assets() throws(SyscallError) -> [SurfaceEntry] {
        guard let found = try surface(.assets, suffix: ".pack") else { return [] }
        return found.values.map { findings in
            let first = findings[0]
            var problem: String?
            if findings.count > 1 {
                problem = Self.duplicate(findings)
            } else if (try? kind(of: first.path)) != .regular {
                problem = "\(first.path): not a regular file"
            }
            return SurfaceEntry(
                name: first.name,
                path: first.path,
                origin: source.origin,
                problem: problem,
                shadows: []
            )
        }.sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
    }

    /// Lists a surface, and reports on it.
    ///
    /// - Returns: what is there by name; nil where the surface is off or absent.
    private mutating func surface(
        _ surface: PluginSurface,
        suffix: String,
        script: String? = nil
    ) throws(SyscallError) -> [String: [Finding]]? {
        func report(_ directory: String?, _ names: [String], _ absence: String?) {
            reports.append(
                SurfaceReport(
                    origin: source.origin,
                    surface: surface,
                    directory: directory,
                    names: names.sorted(),
                    absence: absence
                )
            )
        }
        guard !source.isShipped || surface == .backends else { return nil }
        let root: String
        var hidden: Set<String> = []
        switch source[surface] {
        case .off:
            report(nil, [], "off")
            return nil
        case .named(let name): root = "\(source.directory)/\(name)"
        case .standard:
            let usual = "\(source.directory)/\(surface.rawValue)"
            // A directory of plugins is an overlay too, and a plugin may have a surface's name.
            let isPlugin = try kind(of: usual + "/backend.lua") != nil
            let isHere = try kind(of: usual) == .directory && !isPlugin
            if isHere {
                root = usual
            } else if surface == .backends {
                root = source.directory
                if !source.isShipped { hidden = Set(PluginSurface.allCases.map(\.rawValue)) }
            } else {
                root = ""
            }
        }
        let rootKind = root.isEmpty ? nil : try kind(of: root)
        // The source's own directory may be behind a link: its operator named it.
        guard rootKind == .directory || root == source.directory else {
            let name = root.isEmpty ? surface.rawValue : String(root.dropFirst(source.directory.utf8.count + 1))
            report(nil, [], "no \(name)/")
            notices.append("skipping \(surface.rawValue) of \(source.origin): no \(name)/ there")
            return nil
        }
        var byName: [String: [Finding]] = [:]
        try list(root, suffix, script, hidden: hidden, depth: 0, into: &byName)
        report(root, Array(byName.keys), nil)
        return byName
    }

    /// One directory: a folder without the script groups others, one level deep.
    private mutating func list(
        _ root: String,
        _ suffix: String,
        _ script: String?,
        hidden: Set<String>,
        depth: Int,
        into byName: inout [String: [Finding]]
    ) throws(SyscallError) {
        let inside = try names(in: root)
        visited.append(root)
        for name in inside where !name.hasPrefix(".") && !name.hasPrefix("_") {
            let path = "\(root)/\(name)"
            switch try kind(of: path) {
            case .directory?:
                if let script, try kind(of: "\(path)/\(script)") != nil {
                    visited.append(path)
                    byName[name, default: []].append(Finding(name: name, path: "\(path)/\(script)", directory: path))
                } else if depth == 0, !hidden.contains(name) {
                    do throws(SyscallError) {
                        try list(path, suffix, script, hidden: [], depth: 1, into: &byName)
                    } catch {
                        // One unreadable folder must not take the other plugins with it.
                        notices.append("skipping \(path): \(error.description)")
                    }
                } else if depth == 1 {
                    // Too deep to be one now; a script that is put into it makes it one.
                    visited.append(path)
                }
            case .regular?, .other?: keepFile(name, in: root, suffix, into: &byName)
            case nil: continue
            }
        }
    }

    /// Keeps `NAME.lua` whatever kind of file it is, so that a link is reported as broken and not overlooked.
    private mutating func keepFile(
        _ name: String,
        in directory: String,
        _ suffix: String,
        into byName: inout [String: [Finding]]
    ) {
        let path = "\(directory)/\(name)"
        guard name.hasSuffix(suffix), name.utf8.count > suffix.utf8.count else {
            if (try? kind(of: path)) == .other { notices.append("skipping \(path): links are not followed") }
            return
        }
        let plugin = String(name.dropLast(suffix.utf8.count))
        byName[plugin, default: []].append(Finding(name: plugin, path: path, directory: directory))
    }

    private static func duplicate(_ findings: [Finding]) -> String {
        "duplicate_name \(findings[0].name): " + findings.map(\.path).joined(separator: " and ")
    }

    private func entry(_ findings: [Finding]) -> PluginEntry {
        let first = findings[0]
        guard findings.count == 1 else { return entry(first, [], [:], .broken(Self.duplicate(findings))) }
        let script = PluginScript(path: first.path)
        if let problem = script.problem { return entry(first, [], [:], .broken("\(first.path): \(problem)")) }
        do throws(LibraryClosure.Fault) {
            let closure = LibraryClosure(directory: modulesDirectory, paths: modules.mapValues(\.path))
            let libraries = try closure.libraries(of: script.bytes, path: first.path)
            return entry(first, script.bytes, libraries, .candidate)
        } catch {
            return entry(first, script.bytes, [:], .broken(error.text))
        }
    }

    private func entry(
        _ finding: Finding,
        _ bytes: [UInt8],
        _ libraries: [String: [UInt8]],
        _ state: PluginEntry.State
    ) -> PluginEntry {
        PluginEntry(
            name: finding.name,
            path: finding.path,
            directory: finding.directory,
            origin: source.origin,
            isShipped: source.isShipped,
            source: bytes,
            libraries: libraries,
            state: state,
            shadows: [],
            hash: hash
        )
    }
}
