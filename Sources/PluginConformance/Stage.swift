import ActorContract
import ActorLifecycle
import Assets
import Glibc
import HostErrors
import Images
import PluginHost
import PluginOverlays
import PluginProtocol
import Snapshots
import Synchronization
import SystemLayer
import Telemetry
import Transfer

/// One real host around one script, in a directory of its own.
final class Stage: Sendable {
    let entry: PluginEntry
    let descriptor: PluginDescriptor
    let grants: Grants
    let pool: SupervisorPool
    let host: ActorHost
    let backend: ObservedBackend
    let observer: Observer
    let layout: CgroupLayout
    let image: String
    let scratch: String
    let assets: SandboxAssets?
    let printed: PrintedLines

    /// Makes it; the script is loaded, and nothing runs yet.
    ///
    /// - Throws: what is wrong with the script or the machine.
    ///
    /// - Parameters:
    ///   - settings: of the suite.
    ///   - entry: the script.
    ///   - image: of the checks.
    ///   - scratch: an existing directory of its own.
    ///   - warmSlots: how many slots it keeps prepared.
    init(
        _ settings: ConformanceSettings,
        entry: PluginEntry,
        image: String,
        scratch: String,
        warmSlots: Int = 0
    ) throws(HostError) {
        self.entry = entry
        self.image = image
        self.scratch = scratch
        printed = PrintedLines()
        let logger = Logger(sink: printed)
        let companions = Companions(directory: settings.companions)
        pool = SupervisorPool(program: companions.supervisor, size: 2, logger: logger)
        layout = CgroupLayout.detect()
        observer = Observer()
        grants = settings.grants ?? (entry.isShipped ? .shipped : .standard)
        do throws(HostError) {
            descriptor = try ScriptBackend.descriptor(entry, pool: pool)
            assets = try Self.assets(settings.assets, descriptor)
            let script = try ScriptBackend(
                entry: entry,
                pool: pool,
                companions: companions,
                layout: layout,
                grants: grants,
                config: settings.config,
                logger: logger,
                world: RealWorld.machine,
                observer: observer
            )
            backend = ObservedBackend(script, observer: observer, layout: layout, sabotage: settings.sabotage)
            let base = "\(scratch)/host"
            try DirectoryTree.make(base)
            var host = HostSettings(baseDirectory: base)
            host.ranges = IDRanges()
            host.architecture = Self.architecture
            host.warmSlots = warmSlots
            self.host = try ActorHost(
                settings: host,
                backend: backend,
                journal: try Journal(path: "\(base)/journal.sqlite"),
                images: ImageStore(baseDirectory: base, unpacker: companions.unpacker),
                assets: AssetCache(baseDirectory: base, roots: settings.assets.values.map(Self.parent)),
                snapshots: SnapshotStore(baseDirectory: base, unpacker: companions.unpacker),
                layout: layout,
                logger: logger
            )
        } catch {
            pool.close()
            throw error
        }
    }

    /// Ends what is left, whoever left it; the directory is the caller's.
    func close() async {
        await host.coolDown()
        for record in host.list() {
            try? await host.remove(record.identity.key, context: VerbContext(timeoutMilliseconds: 10_000))
        }
        pool.close()
        host.forgetCgroupParent()
    }

    #if arch(arm64)
    static let architecture = "arm64"
    #else
    static let architecture = "amd64"
    #endif

    private static func parent(_ path: String) -> String {
        let parts = path.split(separator: "/").dropLast()
        return "/" + parts.joined(separator: "/")
    }

    /// The operator's files as a request brings them.
    private static func assets(
        _ files: [String: String],
        _ descriptor: PluginDescriptor
    ) throws(HostError) -> SandboxAssets? {
        for (name, presence) in descriptor.assets.sorted(by: { $0.key < $1.key }) where presence && files[name] == nil {
            throw HostError(
                .invalidArgument,
                .asset,
                "\(descriptor.name) needs the asset \"\(name)\": say --asset \(name)=FILE"
            )
        }
        if files.isEmpty { return nil }
        var sandbox = SandboxAssets()
        sandbox.sandboxClass = descriptor.name
        var named: [String: SandboxAssets.File] = [:]
        for (name, path) in files {
            named[name] = SandboxAssets.File(url: "file://\(path)", sha256: try SHA256.hex(ofFile: path))
        }
        sandbox.assets = [architecture: named]
        return sandbox
    }
}

/// What the script printed, and its traps; everything else that a host logs is forgotten.
final class PrintedLines: LogSink {
    private let lines = Mutex<[String]>([])
    private let leaked = Mutex<[(verb: String, programs: String)]>([])

    /// The programs that ended with the verb which started them, with their lines.
    var leaks: [(verb: String, programs: String)] { leaked.withLock { $0 } }

    func write(_ record: LogRecord) {
        if let programs = record.metadata.last(where: { $0.key == "plugin.programs" })?.value {
            let verb = record.metadata.last { $0.key == "plugin.verb" }?.value ?? "a verb"
            leaked.withLock { $0.append((verb, programs)) }
        }
        let texts = record.metadata.filter { $0.key == "plugin.text" }.map(\.value)
        if !texts.isEmpty { lines.withLock { $0 += texts } }
    }

    var all: [String] { lines.withLock { $0 } }
}
