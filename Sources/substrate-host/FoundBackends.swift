import ActorContract
import ContractWire
import HostErrors
import PluginHost
import PluginOverlays
import Telemetry
import Transfer

/// The scripts of all sources, and what each says that it is.
struct FoundBackends: Sendable {
    let index: PluginIndex

    /// Scans the shipped plugins, then each overlay; a later one shadows an earlier one by name.
    init(overlays: [String], pluginsDirectory: String?) throws(HostError) {
        var sources: [PluginSource] = []
        if let shipped = ShippedPlugins.find(pluginsDirOption: pluginsDirectory, executableRealPath: Program.path) {
            sources.append(.shipped(shipped))
        }
        for overlay in overlays { sources.append(.overlay(overlay)) }
        index = try PluginIndex.scan(sources: sources, hash: SHA256.hex(of:))
    }

    /// Every entry with its descriptor, or with the cause why it has none.
    func describe(_ pool: SupervisorPool) -> [HostMessages.Backend] {
        index.entries.map { entry in
            do throws(HostError) {
                let described = try ScriptBackend.describe(entry, pool: pool)
                return HostMessages.Backend(
                    name: entry.name,
                    state: "ok",
                    path: entry.path,
                    isolation: described.isolation,
                    summary: described.summary,
                    scopes: described.scopes.map(\.rawValue),
                    sha256: entry.sha256,
                    shadows: entry.shadows,
                    classes: described.classes
                )
            } catch {
                return HostMessages.Backend(
                    name: entry.name,
                    state: "broken",
                    path: entry.path,
                    error: error.message,
                    sha256: entry.sha256,
                    shadows: entry.shadows
                )
            }
        }
    }

    /// Prints the list of `backends`.
    static func run(_ options: BackendsOptions, output: ConsoleOutput = .standard) throws(HostError) -> ExitCode {
        let found = try FoundBackends(overlays: options.overlays, pluginsDirectory: options.pluginsDirectory)
        let pool = SupervisorPool(
            program: Companions(directory: Program.directory).supervisor,
            size: 0,
            logger: Logger(sink: SilentSink())
        )
        defer { pool.close() }
        let backends = found.describe(pool)
        if options.json {
            output.json(.list(backends.map(json)))
        } else {
            output.table(
                ["NAME", "STATE", "ISOLATION (claimed by)", "SCOPES", "FROM"],
                backends.map { backend in
                    let origin = found.index[backend.name]?.origin ?? ""
                    return [
                        backend.name, backend.state,
                        backend.isolation.isEmpty ? "-" : "\(backend.isolation) (\(origin))",
                        backend.scopes.isEmpty ? "-" : backend.scopes.joined(separator: " "), backend.path,
                    ]
                }
            )
            for backend in backends where !backend.error.isEmpty { output.line("\n\(backend.name): \(backend.error)") }
        }
        return .ok
    }

    private static func json(_ backend: HostMessages.Backend) -> JSONText {
        .members([
            "name": .string(backend.name), "state": .string(backend.state), "path": .string(backend.path),
            "isolation": .string(backend.isolation), "summary": .string(backend.summary),
            "scopes": .list(backend.scopes.map { .string($0) }), "classes": .list(backend.classes.map { .string($0) }),
            "error": .string(backend.error), "sha256": .string(backend.sha256),
            "shadows": .list(backend.shadows.map { .string($0) }),
        ])
    }
}
