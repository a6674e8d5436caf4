public import ActorContract
import ActorNetwork
public import Assets
import FoundationEssentials
import Glibc
public import HostErrors
public import Images
public import Snapshots
import Synchronization
public import SystemLayer
public import Telemetry
import Transfer

/// All actors of this host: what is done around every verb, whatever the backend.
public final class ActorHost: Sendable {
    let settings: HostSettings
    let backend: any ActorBackend
    let journal: Journal
    let images: ImageStore
    let assets: AssetCache
    let snapshots: SnapshotStore
    /// Snapshots in object stores; nil where this host serves none.
    let external: ExternalSnapshots?
    /// Copies of external snapshots that are shared by many readers and so never change.
    let goldens: SnapshotStore
    let layout: CgroupLayout
    let logger: Logger
    /// What monitors read.
    public let metrics = Metrics()
    /// Keys the fingerprints: an environment value is compared and never kept.
    let secret: [UInt8]
    /// Below which all cgroups of this base directory are.
    let cgroupParent: String
    let registry = Mutex<[ActorKey: ActorEntry]>([:])
    let draining = Mutex(false)
    let ports = PublishedPorts()
    let exits: ExitWatcher
    /// Told when a verb ends: whoever waits for a place in a slot looks again.
    let changes = Changes()
    /// Those that watch all actors.
    let watchers = Watchers()
    /// Slots that were prepared before anybody asked.
    let warm: WarmPool
    /// Actors that are paused and frozen.
    let pauses: HeldPauses
    /// The next actor's network, made before anybody asks.
    let namespaces = SpareNamespaces()
    /// The ways out of actors.
    let egress: ActorEgress
    /// One probe at a time for the same circumstances.
    let probing = SingleFlight()
    /// Bounds the verbs that begin actors, and those that save them; what ends actors never waits here.
    let beginning: VerbGate
    let saving: VerbGate

    /// Makes a host over an open journal; `recover()` comes next.
    ///
    /// - Throws: `dataLoss` when the journal cannot be read.
    public init(
        settings: HostSettings,
        backend: any ActorBackend,
        journal: Journal,
        images: ImageStore,
        assets: AssetCache,
        snapshots: SnapshotStore,
        external: ExternalSnapshots? = nil,
        layout: CgroupLayout,
        logger: Logger
    ) throws(HostError) {
        self.settings = settings
        self.backend = backend
        self.journal = journal
        self.images = images
        self.assets = assets
        self.snapshots = snapshots
        self.external = external
        goldens = snapshots.beside("golden")
        self.layout = layout
        self.logger = logger
        if let kept = try journal.fact("fingerprint.key") {
            secret = kept
        } else {
            var generator = SystemRandomNumberGenerator()
            secret = (0..<32).map { _ in UInt8.random(in: 0...255, using: &generator) }
            try journal.setFact("fingerprint.key", secret)
        }
        warm = WarmPool(size: settings.warmSlots)
        pauses = HeldPauses(budget: settings.heldBytes)
        egress = ActorEgress(settings.egress, logger: logger)
        beginning = VerbGate(width: settings.verbsAtOnce, queue: settings.verbsWaiting)
        saving = VerbGate(width: settings.verbsAtOnce, queue: settings.verbsWaiting)
        do throws(SyscallError) { exits = try ExitWatcher() } catch {
            throw HostError(.resourceExhausted, .machine, "the end of programs cannot be watched (\(error))")
        }
        cgroupParent = "substrate/\(SHA256.hex(of: [UInt8](settings.baseDirectory.utf8)).prefix(12))"
    }

    /// The backend that serves every actor here.
    public var backendDescription: BackendDescription { backend.description }

    /// All actors, by key.
    public func list() -> [ActorRecord] {
        registry.withLock { $0.values.map(\.record) }.sorted { $0.identity.key.text < $1.identity.key.text }
    }

    /// Finds an actor by what people type: its name when unique, else its whole key.
    ///
    /// - Parameter text: `name`, `atespace/name` or `ns:template:name`.
    /// - Returns: its key.
    /// - Throws: `notFound`, or `invalidArgument` when several have that name.
    public func resolve(_ text: String) throws(HostError) -> ActorKey {
        let keys = registry.withLock { Array($0.keys) }
        if let exact = keys.first(where: { $0.text == text }) { return exact }
        let named = keys.filter { $0.name == text }
        if named.count == 1, let only = named.first { return only }
        guard named.isEmpty else {
            let all = named.map(\.text).sorted().joined(separator: ", ")
            throw HostError(.invalidArgument, nil, "actor \"\(text)\" is ambiguous; say which: \(all)")
        }
        let known = keys.map(\.text).sorted().joined(separator: ", ")
        throw HostError(
            .notFound,
            .actorNotFound,
            "no actor \"\(text)\" here; known: \(known.isEmpty ? "(none)" : known)"
        )
    }

    /// One actor's record.
    ///
    /// - Throws: `notFound`.
    public func get(_ key: ActorKey) throws(HostError) -> ActorRecord { try entry(key).record }

    /// One actor's changes of status, beginning with the present one.
    ///
    /// 16 are kept for a slow reader; after that its stream ends, and it looks anew.
    /// - Throws: `notFound`.
    public func watch(_ key: ActorKey) throws(HostError) -> AsyncStream<ActorRecord> { try entry(key).watch() }

    /// All actors as they are, and then each change of any; for a slow reader as `watch`.
    public func watchAll() -> (now: [ActorRecord], changes: AsyncStream<ActorRecord>) {
        // In this order nothing is missed; what happens in between is in both.
        let changes = watchers.watch()
        return (list(), changes)
    }

    /// Refuses new verbs from now on; what runs goes on.
    public func drain() { draining.withLock { $0 = true } }

    /// Where an actor's things are.
    public func directories(_ key: ActorKey) -> ActorDirectories {
        ActorDirectories("\(settings.baseDirectory)/actors/\(key.directoryName)")
    }

    /// Removes the cgroup directories that hold this host's actors, where no actor is left in them.
    public func forgetCgroupParent() {
        // A directory with children stays: rmdir(2) EBUSY.
        for path in Cgroup.open(layout: layout, name: cgroupParent).directories { _ = unsafe rmdir(path) }
    }

    /// The directories that are left of this host's actors' cgroups, deepest last; none when all has ended.
    public func cgroupsLeft() -> [String] {
        var found: [String] = []
        for top in Cgroup.open(layout: layout, name: cgroupParent).directories {
            var next = [top]
            while let path = next.popLast() {
                guard unsafe access(path, F_OK) == 0 else { continue }
                found.append(path)
                let names = (try? DirectoryTree.names(in: path)) ?? []
                next += names.map { "\(path)/\($0)" }.filter { (try? DirectoryTree.names(in: $0)) != nil }
            }
        }
        return found.sorted()
    }

    func entry(_ key: ActorKey) throws(HostError) -> ActorEntry {
        guard let entry = registry.withLock({ $0[key] }) else {
            throw HostError(.notFound, .actorNotFound, "no actor \(key.text) here")
        }
        return entry
    }

    func refuseWhenDraining() throws(HostError) {
        if draining.withLock({ $0 }) {
            throw HostError(.unavailable, .draining, "the host is draining and takes no new work")
        }
    }

    func cgroupName(_ key: ActorKey) -> String { "\(cgroupParent)/\(key.directoryName)" }

    /// The cgroup that an actor's programs are in: its own, or its warm slot's.
    func cgroupName(_ record: ActorRecord) -> String {
        record.warmSlot.map(slotCgroupName) ?? cgroupName(record.identity.key)
    }

    /// Where an actor's network, and what belongs to its slot, are.
    func slotDirectories(_ record: ActorRecord) -> ActorDirectories {
        record.warmSlot.map(slotDirectories) ?? directories(record.identity.key)
    }

    static func nowMilliseconds() -> Int64 { WallClock.nanoseconds() / 1_000_000 }
}
