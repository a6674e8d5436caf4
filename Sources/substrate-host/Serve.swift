import ActorContract
import ActorLifecycle
import Assets
import ContractWire
import GRPCTransport
import Glibc
import HostErrors
import HostService
import Images
import PluginHost
import PluginOverlays
import Snapshots
import SystemLayer
import Telemetry
import Threads
import Transfer

/// `serve`: makes every part, joins them, and waits for a signal.
enum Serve {
    /// Serves until SIGTERM or SIGINT.
    ///
    /// - Returns: how to exit.
    /// - Throws: what kept it from serving, before anything was served.
    static func run(_ options: ServeOptions) async throws -> ExitCode {
        // Files of this process are its own, whoever started it with which umask.
        umask(0o077)
        let sink = DescriptorSink(descriptor: 2, format: options.json ? .json : nil)
        let logger = Logger(sink: sink, level: options.logLevel)
        let found = try FoundBackends(overlays: options.overlays, pluginsDirectory: options.pluginsDirectory)
        guard let entry = found.index[options.backend] else {
            throw UsageError.unknownBackend(
                options.backend,
                available: found.index.available,
                skipped: found.index.notices
            )
        }
        // Trying the machine takes its time: only for who asks.
        let findings = options.require.isEmpty ? [] : Doctor.examine(pluginsDirectory: options.pluginsDirectory)
        let demanded = try Protections(
            required: options.require,
            checks: findings.map(\.name),
            layout: .detect(),
            options.givesUserNamespaces
        )
        let unmet = try Doctor.unmet(demanded.checks, in: findings) + demanded.unmet
        if !unmet.isEmpty {
            let lines = unmet.map { "--require \($0.name): missing: \($0.detail); \($0.mend)" }
            throw HostError(.failedPrecondition, .machine, lines.joined(separator: "\n"))
        }
        try DirectoryTree.make(options.baseDirectory, mode: 0o700)
        let signals = await EndSignals()
        let lock = try BaseLock(directory: options.baseDirectory)
        defer { lock.keep() }
        try? Machine.becomeSubreaper()
        let companions = Companions(directory: Program.directory)
        let pool = SupervisorPool(program: companions.supervisor, logger: logger)
        let layout = CgroupLayout.detect()
        let shelf = AssetShelf()
        let store = RevisionStore(baseDirectory: options.baseDirectory, hash: SHA256.hex(of:))
        // Side by side: the script is asked in a process of its own, which starts while this one opens the rest.
        let required = demanded.protections
        let asked = aside { () throws(HostError) in
            try BackendCatalog(
                name: entry.name,
                index: found.index,
                sources: found.sources,
                scan: { previous throws(HostError) in
                    try PluginIndex.scan(sources: found.sources, after: previous, hash: SHA256.hex(of:))
                },
                make: { entry throws(HostError) in
                    let settings = options.backends[entry.name] ?? BackendSettings()
                    return try ScriptBackend(
                        entry: entry,
                        pool: pool,
                        companions: companions,
                        layout: layout,
                        required: required,
                        grants: settings.granted(to: entry),
                        config: settings.config.mapValues(\.text),
                        assets: shelf,
                        logger: logger
                    )
                },
                store: store,
                logger: logger
            )
        }
        let cached = aside { () throws(HostError) in try openAssets(options, packs: found.index.assets, logger) }
        let opened = Result { () throws(HostError) in
            try Journal(path: "\(options.baseDirectory)/journal.sqlite")
        }
        GRPCServer.prepare()
        let backend: BackendCatalog
        do throws(HostError) { backend = try await asked.value.get() } catch {
            ConsoleOutput.error.line(error.message)
            return error.code == .failedPrecondition || error.reason == .plugin ? .usage : .failure
        }
        let assets: AssetCache
        do throws(HostError) { assets = try await cached.value.get() } catch {
            guard error.context["pack.code"] != nil else { throw error }
            ConsoleOutput.error.line("\(Program.name): \(error.message)")
            return .badPack
        }
        var settings = HostSettings(baseDirectory: options.baseDirectory)
        settings.slotCapacity = options.slotCapacity
        settings.mounts = try options.mounts + ResolverFile.mounts(options, of: backend.description)
        settings.egress = options.egress
        // Every connection of an actor takes two descriptors.
        if options.egress != nil { Machine.raiseFileLimit(to: 65536) }
        settings.trustBundles = TrustBundles(options.trustBundles)
        settings.keepSnapshots = options.keepSnapshots
        settings.architecture = architecture
        settings.warmSlots = options.backends[entry.name]?.poolSize ?? 0
        settings.userNamespace = options.userNamespace
        settings.ranges = try Self.ranges(options)
        settings.heldBytes = options.backends[entry.name]?.heldBytes ?? 0
        let host = try ActorHost(
            settings: settings,
            backend: backend,
            journal: try opened.get(),
            images: ImageStore(
                baseDirectory: options.baseDirectory,
                unpacker: companions.unpacker,
                settings: options.images.settings
            ),
            assets: assets,
            snapshots: SnapshotStore(baseDirectory: options.baseDirectory, unpacker: companions.unpacker),
            external: SnapshotStores.external(
                options.snapshotFormat,
                objectDirectory: options.objectDirectory ?? "\(options.baseDirectory)/objects"
            ),
            layout: layout,
            logger: logger
        )
        assets.keep(host)
        shelf.put(assets)
        let recovered = try await host.recover()
        logger.notice(
            "recovered",
            ["actors.adopted": "\(recovered.adopted)", "actors.ended": "\(recovered.ended)"]
        )
        // No actor is started while the journal alone says which revisions are still needed.
        try? store.forget(except: Set(host.list().map(\.backendSHA256)).union(host.snapshotRevisions()))
        for notice in found.index.notices { logger.notice("overlays", ["notice": notice]) }
        // It serves all the same, since a save may need less: what is not granted is logged, and refuses each verb.
        try? backend.admit()
        options.warn(of: entry.name, verbs: backend.description.verbs, logger)
        let own = OwnService(host: host, backends: { backend.listed().map(FoundBackends.message) }, logger: logger)
        let setting = DialectSetting(rawValue: options.contract.rawValue) ?? .auto
        let contract = ContractService(host: host, setting: setting, architecture: architecture, logger: logger)
        var methods = contract.methods.merging(own.methods) { first, _ in first }
        if options.reflection {
            let told = ReflectionService(try Reflection(setting, methods: methods.keys))
            methods.merge(told.methods) { first, _ in first }
        }
        let server = try GRPCServer(
            methods: methods,
            refusal: Handlers.refusal
        )
        for endpoint in options.listen { try listen(server, endpoint, options, logger) }
        server.start()
        server.setServing(true)
        backend.follow()
        host.warmUp()
        verifyAside(assets, logger)
        logger.notice(
            "serving",
            [
                "backend": options.backend, "isolation": backend.description.isolation,
                "claimed.by": backend.description.origin,
                "base.dir": options.baseDirectory, "listen": options.listen.map(\.description).joined(separator: " "),
            ]
        )
        await signals.first()
        logger.notice("draining", ["stop.actors": "\(options.stopActors)"])
        server.setServing(false)
        host.drain()
        if options.stopActors {
            for record in host.list() where record.status.isLive {
                try? await host.stop(record.identity.key, context: VerbContext(timeoutMilliseconds: 30_000))
            }
        }
        await server.shutdown(grace: .seconds(30))
        await host.coolDown()
        backend.close()
        pool.close()
        host.forgetCgroupParent()
        return .ok
    }

    /// The ids for user namespaces, where the operator's settings say that there are any.
    ///
    /// - Throws: whoever has some of them already.
    private static func ranges(_ options: ServeOptions) throws(HostError) -> IDRanges? {
        guard options.givesUserNamespaces else { return nil }
        let ranges = IDRanges(first: options.firstID)
        for table in ["/etc/subuid", "/etc/subgid"] {
            guard let line = ranges.clash(TextFile.read(table) ?? "") else { continue }
            throw HostError(
                .failedPrecondition,
                .machine,
                "first_id \(ranges.first): the \(IDRanges.count) ranges of \(IDRanges.size) ids from there meet \(line) of \(table); set another first_id"
            )
        }
        return ranges
    }

    /// Begins something that blocks, on a thread of its own.
    static func aside<Value: Sendable>(
        _ body: @escaping @Sendable () throws(HostError) -> Value
    ) -> Task<Result<Value, HostError>, Never> {
        Task.detached {
            do throws(HostError) {
                return .success(try await onThread("beginning", body))
            } catch {
                return .failure(error)
            }
        }
    }

    private static func listen(
        _ server: GRPCServer,
        _ endpoint: Endpoint,
        _ options: ServeOptions,
        _ logger: Logger
    ) throws(HostError) {
        switch endpoint {
        case .unix(let path): try server.listen(unix: path)
        case .tcp(let host, let port):
            guard options.insecureTCP else {
                throw HostError(
                    .failedPrecondition,
                    nil,
                    "\(endpoint) would be plaintext without authentication; say --insecure-tcp if you mean it"
                )
            }
            logger.warning("plaintext TCP: whoever reaches this port controls every actor", ["listen": "\(endpoint)"])
            _ = try server.listen(tcp: host, port: Int(port))
        }
    }

    #if arch(arm64)
    private static let architecture = "arm64"
    #else
    private static let architecture = "amd64"
    #endif
}
