import ActorContract
import ContractWire
import HostErrors
import PluginHost
import PluginOverlays
import Telemetry
import Transfer

/// The scripts of all sources, and what each says that it is.
struct FoundBackends: Sendable {
    /// The shipped plugins, then each overlay.
    let sources: [PluginSource]
    let index: PluginIndex

    /// Scans the shipped plugins, then each overlay; a later one shadows an earlier one by name.
    init(overlays: [PluginSource], pluginsDirectory: String?) throws(HostError) {
        var sources: [PluginSource] = []
        if let shipped = ShippedPlugins.find(pluginsDirOption: pluginsDirectory, executableRealPath: Program.path) {
            sources.append(.shipped(shipped))
        }
        self.sources = sources + overlays
        index = try PluginIndex.scan(sources: self.sources, hash: SHA256.hex(of:))
    }

    /// Every entry with its descriptor, or with the cause why it has none.
    func describe(_ pool: SupervisorPool) -> [HostMessages.Backend] {
        index.entries.map { entry in
            do throws(HostError) {
                return Self.message(entry, try ScriptBackend.describe(entry, pool: pool), state: "ok", problem: "")
            } catch {
                return Self.message(entry, nil, state: "broken", problem: error.message)
            }
        }
    }

    /// What a running host says of one name.
    static func message(_ listed: BackendCatalog.Listed) -> HostMessages.Backend {
        message(listed.entry, listed.description, state: listed.state, problem: listed.problem ?? "")
    }

    private static func message(
        _ entry: PluginEntry,
        _ described: BackendDescription?,
        state: String,
        problem: String
    ) -> HostMessages.Backend {
        HostMessages.Backend(
            name: entry.name,
            state: state,
            path: entry.path,
            isolation: described?.isolation ?? "",
            summary: described?.summary ?? "",
            scopes: described?.scopes.map(\.rawValue) ?? [],
            error: problem,
            sha256: entry.sha256,
            shadows: entry.shadows,
            classes: described?.classes ?? []
        )
    }

    /// Prints the list of `backends`.
    static func run(_ options: BackendsOptions, output: ConsoleOutput = .standard) async throws -> ExitCode {
        let backends = try await list(options)
        if options.json {
            output.json(.list(backends.map(json)))
        } else {
            output.table(
                ["NAME", "STATE", "ISOLATION (the script's claim)", "SCOPES", "FROM"],
                backends.map { backend in
                    [
                        backend.name, backend.state,
                        backend.isolation.isEmpty ? "-" : backend.isolation,
                        backend.scopes.isEmpty ? "-" : backend.scopes.joined(separator: " "), backend.path,
                    ]
                }
            )
            for backend in backends where !backend.error.isEmpty {
                let what = backend.state == "stale" ? "its last good revision serves on; as saved: " : ""
                output.line("\n\(backend.name): \(what)\(backend.error)")
            }
        }
        return .ok
    }

    /// Asks the host, or reads the files where none is asked or none answers that need not.
    private static func list(_ options: BackendsOptions) async throws -> [HostMessages.Backend] {
        if let address = options.connect {
            do throws(Client.Failure) {
                return try await Client(address).call(
                    .backends,
                    HostMessages.BackendsRequest(),
                    as: HostMessages.BackendsResponse.self
                ).backends
            } catch {
                guard options.isConnectOptional, error.exitCode == .unavailable else { throw error }
            }
        }
        let found = try FoundBackends(overlays: options.overlays, pluginsDirectory: options.pluginsDirectory)
        let pool = loadingPool()
        defer { pool.close() }
        return found.describe(pool)
    }

    /// Supervisors for a command that only loads scripts, and needs no root for it: none is kept spare.
    static func loadingPool() -> SupervisorPool {
        SupervisorPool(
            program: Companions(directory: Program.directory).supervisor,
            size: 0,
            confinement: .forAuthor(),
            logger: Logger(sink: SilentSink())
        )
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
