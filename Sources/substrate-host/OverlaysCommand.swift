import ActorContract
import HostErrors
import PluginHost
import PluginOverlays

/// `overlays ls`, `explain` and `check`.
enum OverlaysCommand {
    /// Runs one.
    ///
    /// - Parameters:
    ///   - options: which.
    ///   - output: for the answer.
    /// - Returns: failure when `check` found an error.
    /// - Throws: when a source cannot be read, or the backend to explain is none.
    static func run(_ options: OverlaysOptions, output: ConsoleOutput = .standard) throws -> ExitCode {
        switch options.action {
        case .check: return check(options, output)
        case .ls:
            let found = try FoundBackends(overlays: options.sources, pluginsDirectory: options.pluginsDirectory)
            list(found, options, output)
            return .ok
        case .explain:
            let found = try FoundBackends(overlays: options.sources, pluginsDirectory: options.pluginsDirectory)
            let name = options.name ?? ""
            guard let entry = found.index[name] else {
                throw UsageError.unknownBackend(
                    name,
                    available: found.index.available,
                    skipped: found.index.notices
                )
            }
            let pool = FoundBackends.loadingPool()
            defer { pool.close() }
            let explanation = OverlayExplanation(entry, options.backends[name] ?? BackendSettings(), pool: pool)
            options.json ? output.json(explanation.json) : explanation.print(output)
            return .ok
        }
    }

    private static func list(_ found: FoundBackends, _ options: OverlaysOptions, _ output: ConsoleOutput) {
        let index = found.index
        /// A name as one source gives it: with a mark when another source's file wins.
        func names(_ report: SurfaceReport) -> [(name: String, isShadowed: Bool)] {
            report.names.map { name in
                switch report.surface {
                case .backends: (name, index[name]?.origin != report.origin)
                case .assets: (name, index.assets.first { $0.name == name }?.origin != report.origin)
                // A module is there for the scripts of its own overlay alone.
                case .lib: (name, false)
                }
            }
        }
        if options.json {
            output.json(
                .list(
                    found.sources.map { source in
                        .members([
                            "source": .string(source.origin), "directory": .string(source.directory),
                            "surfaces": .list(
                                index.surfaces.filter { $0.origin == source.origin }.map { report in
                                    .members([
                                        "surface": .string(report.surface.rawValue),
                                        "directory": .optional(report.directory),
                                        "absent": .optional(report.absence),
                                        "names": .list(
                                            names(report).map {
                                                .members(["name": .string($0.name), "shadowed": .bool($0.isShadowed)])
                                            }
                                        ),
                                    ])
                                }
                            ),
                        ])
                    }
                )
            )
            return
        }
        var rows: [[String]] = []
        for (number, source) in found.sources.enumerated() {
            if !index.surfaces.contains(where: { $0.origin == source.origin }) {
                rows.append(["\(number + 1)", source.origin, "-", "- (there is no such directory)"])
            }
            for report in index.surfaces where report.origin == source.origin {
                let gives = names(report).map { $0.isShadowed ? "\($0.name) (shadowed)" : $0.name }
                rows.append([
                    "\(number + 1)", source.origin, report.surface.rawValue,
                    report.absence.map { "- (\($0))" } ?? (gives.isEmpty ? "(none)" : gives.joined(separator: ", ")),
                ])
            }
        }
        output.table(["ORDER", "SOURCE", "SURFACE", "GIVES"], rows)
    }

    private static func check(_ options: OverlaysOptions, _ output: ConsoleOutput) -> ExitCode {
        var errors: [(name: String, text: String)] = []
        var notices: [String] = []
        let pool = FoundBackends.loadingPool()
        defer { pool.close() }
        do throws(HostError) {
            let found = try FoundBackends(overlays: options.sources, pluginsDirectory: options.pluginsDirectory)
            notices = found.index.notices
            for entry in found.index.entries where options.name == nil || entry.name == options.name {
                let explanation = OverlayExplanation(
                    entry,
                    options.backends[entry.name] ?? BackendSettings(),
                    pool: pool
                )
                errors += explanation.problems.map { (entry.name, $0) }
            }
            if let name = options.name, found.index[name] == nil {
                let list = found.index.entries.map(\.name).joined(separator: ", ")
                errors.append((name, "no backend \"\(name)\"; there is: \(list.isEmpty ? "(none)" : list)"))
            }
            if options.name == nil {
                errors += found.index.assets.compactMap { pack in pack.problem.map { (pack.name, $0) } }
                let known = Set(found.index.entries.map(\.name))
                for (name, backend) in options.backends.sorted(by: { $0.key < $1.key }) where !known.contains(name) {
                    let origin = backend.grants.first?.origin ?? backend.poolOrigin
                    errors.append((name, "\(origin): backends.\(name): there is no backend of that name"))
                }
            }
        } catch { errors.append(("", error.message)) }
        if options.json {
            output.json(
                .members([
                    "ok": .bool(errors.isEmpty),
                    "errors": .list(
                        errors.map { .members(["name": .string($0.name), "error": .string($0.text)]) }
                    ),
                    "notices": .list(notices.map { .string($0) }),
                    "confinement": .string(pool.confinement.applied),
                ])
            )
        } else {
            for notice in notices { output.line("notice: \(notice)") }
            if !pool.confinement.separate {
                output.line("notice: scripts are loaded with \(pool.confinement.applied); serving needs root")
            }
            for error in errors { output.line(error.name.isEmpty ? error.text : "\(error.name): \(error.text)") }
            if errors.isEmpty { output.line("ok") }
        }
        return errors.isEmpty ? .ok : .failure
    }
}
