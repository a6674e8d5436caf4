import ActorContract
import ActorNetwork
import PluginOverlays
import Snapshots
import Telemetry

/// Which dialect of the contract to serve.
enum ContractChoice: String, CaseIterable, Sendable {
    case june, autumn, auto
}

/// What a snapshot holds, as `--scope` says it.
enum ScopeChoice: String, CaseIterable, Sendable {
    case full, data
}

/// One `--publish`: a port of the actor, and the loopback port that leads to it.
struct PublishedPort: Equatable, Sendable {
    /// The port on the loopback interface; 0 lets the system choose.
    var hostPort: UInt16
    /// The port inside the actor, 1 or more.
    var port: UInt16
}

/// `serve`.
struct ServeOptions: Equatable, Sendable {
    /// The backend's name.
    var backend: String
    /// The host's state, absolute.
    var baseDirectory: String
    /// Where to listen, at least one.
    var listen: [Endpoint]
    /// Whether `tcp:` was allowed without TLS.
    var insecureTCP: Bool
    /// Which dialect.
    var contract: ContractChoice
    /// Whether the services are told to whoever asks.
    var reflection = false
    /// Overlays in order, absolute.
    var overlays: [PluginSource]
    /// The shipped plugins, absolute, if named.
    var pluginsDirectory: String?
    /// Where `file:` and `oci:` may lead, absolute.
    var assetRoots: [String]
    /// Actors a slot in autumn; 0 = no limit.
    var slotCapacity: Int
    /// What must not be missing.
    var require: [String]
    /// Whether SIGTERM stops the actors too.
    var stopActors: Bool
    /// Whether to log JSON on a terminal too.
    var json: Bool
    /// What each backend is given, by name.
    var backends: [String: BackendSettings] = [:]
    /// The configuration file that was read.
    var configuration: String?
    /// The least that is logged.
    var logLevel = LogLevel.info
    /// Servers of assets that the operator trusts, as `TrustedOrigin` reads them.
    var assetOrigins: [String] = []
    /// The bytes that cached assets may take; 0 = no limit.
    var assetBudget: Int64 = 0
    /// Packs of assets, absolute.
    var assetPacks: [String] = []
    /// The parent of the buckets of `file:`; nil: in the base directory.
    var objectDirectory: String?
    /// How external snapshots are written.
    var snapshotFormat = SnapshotFormat.chunks
    /// How many local snapshots of an actor are kept; 0 = all.
    var keepSnapshots = 0
    /// What every container is shown of this machine.
    var mounts: [OperatorMount] = []
    /// How actors leave the machine; nil: they do not.
    var egress: EgressSettings?
    /// What images are told.
    var images = ImageOptions()
    /// The certificates that actors may ask for.
    var trustBundles: [String: String] = [:]
}

/// What every client command has.
struct ClientOptions: Equatable, Sendable {
    /// The host to talk to.
    var connect: Endpoint
    /// Whether to print JSON.
    var json: Bool
}

/// `run`.
struct RunOptions: Equatable, Sendable {
    var client: ClientOptions
    /// The YAML file as written; `-` is standard input.
    var file: String
    var publish: [PublishedPort]
    var slot: String?
    /// nil: the file's.
    var egressGateway: String?
}

/// `checkpoint`.
struct CheckpointOptions: Equatable, Sendable {
    var client: ClientOptions
    var actor: String
    /// nil: the widest that the backend has.
    var scope: ScopeChoice?
    /// nil: made from the actor's name and the time.
    var snapshotName: String?
}

/// `restore`.
struct RestoreOptions: Equatable, Sendable {
    var client: ClientOptions
    var actor: String
    /// nil: the newest local one.
    var snapshotName: String?
    var slot: String?
    /// nil: the snapshot's own.
    var scope: ScopeChoice?
    var publish: [PublishedPort]
}

/// `get`, `stats`, `start`, `stop`, `remove`.
struct ActorOptions: Equatable, Sendable {
    var client: ClientOptions
    var actor: String
}

/// `logs`.
struct LogsOptions: Equatable, Sendable {
    var client: ClientOptions
    var actor: String
    var follow: Bool
}

/// `exec`.
struct ExecOptions: Equatable, Sendable {
    var client: ClientOptions
    var actor: String
    /// Empty is the first.
    var container: String
    var command: [String]
    /// Whether standard input is passed on.
    var isInteractive: Bool
    /// Whether the program has a terminal.
    var hasTerminal: Bool
}

/// `backends`.
struct BackendsOptions: Equatable, Sendable {
    var overlays: [PluginSource]
    var pluginsDirectory: String?
    var json: Bool
    /// The host to ask; nil reads the files.
    var connect: Endpoint?
    /// Whether the files are read when no host answers there.
    var isConnectOptional = false
}

/// `config`.
enum ConfigOptions: Equatable, Sendable {
    /// Says every mistake of a file; nil is the first of the usual ones that exists.
    case check(file: String?, json: Bool)
    /// Prints what holds, and who said so.
    case show(EffectiveSettings, json: Bool)
}

/// `overlays`.
struct OverlaysOptions: Equatable, Sendable {
    /// What to do.
    enum Action: String, CaseIterable, Sendable { case ls, explain, check }

    var action: Action
    /// The backend to explain or to check alone.
    var name: String?
    var sources: [PluginSource]
    var pluginsDirectory: String?
    var backends: [String: BackendSettings]
    var json: Bool
}

/// `assets`.
struct AssetsOptions: Equatable, Sendable {
    /// What to do.
    enum Action: String, CaseIterable, Sendable { case ls, stats, fetch, verify, gc, pack, preload }

    var action: Action
    /// What stands behind it: a URL and its digest, or files, absolute.
    var operands: [String]
    /// The host's state, absolute.
    var baseDirectory: String
    /// What the asset is called in messages.
    var name: String
    var roots: [String]
    var origins: [String]
    /// The bytes that cached assets may take; 0 = no limit.
    var budget: Int64
    /// Seconds after its last use in which an entry stays.
    var minimumAge: Int64
    /// Whether `gc` only says what it would do.
    var isTrial: Bool
    var json: Bool
}

/// `images`.
struct ImagesOptions: Equatable, Sendable {
    /// What to do.
    enum Action: String, CaseIterable, Sendable { case ls, inspect, pull, rm }

    var action: Action
    /// The image; empty for `ls`.
    var name: String
    /// The host's state, absolute.
    var baseDirectory: String
    var images: ImageOptions
    var json: Bool
}

/// What `serve` and `images` are told of images.
struct ImageOptions: Equatable, Sendable {
    /// Whether no registry is ever asked.
    var isOffline = false
    /// The file with the registries' credentials, absolute; nil looks in the usual places.
    var authFile: String?
    /// The registry that is asked for images of localhost; nil asks this machine.
    var localhostReplacement: String?
    /// The bytes that images may take; 0 = no limit.
    var budget: Int64 = 0
}

/// `doctor`.
struct DoctorOptions: Equatable, Sendable {
    var pluginsDirectory: String?
    var json: Bool
}

/// `demo`.
struct DemoOptions: Equatable, Sendable {
    var json: Bool
}

/// One command line, understood.
enum Invocation: Equatable, Sendable {
    case serve(ServeOptions)
    case run(RunOptions)
    case actors(ClientOptions)
    /// `metrics`
    case metrics(ClientOptions)
    case get(ActorOptions)
    /// `stats`
    case stats(ActorOptions)
    case checkpoint(CheckpointOptions)
    case restore(RestoreOptions)
    case start(ActorOptions)
    case stop(ActorOptions)
    case remove(ActorOptions)
    case logs(LogsOptions)
    case exec(ExecOptions)
    case backends(BackendsOptions)
    case config(ConfigOptions)
    case overlays(OverlaysOptions)
    case assets(AssetsOptions)
    case images(ImagesOptions)
    case snapshots(SnapshotsOptions)
    case doctor(DoctorOptions)
    case demo(DemoOptions)
    /// The words after `plugin`, for the program beside this one.
    case plugin([String])
    /// Text for standard output, then exit 0: help, the version, a completion script.
    case print(String)
}
