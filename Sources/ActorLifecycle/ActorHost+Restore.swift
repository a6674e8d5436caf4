import ActorContract
import HostErrors
import Snapshots
import SystemLayer
import Telemetry

/// What a Restore takes: found and held against this machine before anything of the actor changes.
struct RestoreSource: Sendable {
    /// Where it is.
    var place: SnapshotPlace
    /// What is restored of it.
    var scope: SnapshotScope
    /// Whether it is external, and shared by many readers.
    var isShared = false
    /// The snapshot whose memory it wakes with, where only the volumes are its own.
    var golden: Golden?

    /// A snapshot that many begin with.
    struct Golden: Sendable {
        var uri: String
        /// Whether it never changes, so that a copy on this node may serve.
        var isShared: Bool
    }

    /// Whether any of it comes from an object store.
    var isExternal: Bool {
        if case .external = place { return true }
        return golden != nil
    }

    /// What is compared to tell a repeated request.
    var text: String {
        switch place {
        case .local(let name): "\(name)\n\(scope.rawValue)\n\(golden?.uri ?? "")"
        case .external(let uri): "\(uri)\n\(scope.rawValue)\n\(golden?.uri ?? "")"
        }
    }
}

/// A snapshot that fits this machine, and what it decides of the verb.
struct ResolvedRestore: Sendable {
    /// Where its bytes are.
    enum Origin: Sendable {
        /// In an actor's directory, or among the goldens.
        case local(store: SnapshotStore, directory: String, name: String)
        /// In an object store.
        case external(SnapshotURI, isShared: Bool)
    }
    var origin: Origin
    var manifest: SnapshotManifest
    var scope: SnapshotScope
    /// The revision of the backend that is to restore it.
    var serving: any ActorBackend
    /// The assets: the request's where it brings some, else the snapshot's.
    var assets: [String: SandboxAssets.File]
    /// Where the volumes are, where they are another snapshot's.
    var volumes: Volumes?

    /// The snapshot that the volumes alone are of.
    struct Volumes: Sendable {
        var origin: Origin
        var manifest: SnapshotManifest
    }
}

/// What a Restore takes, on this machine and verified.
struct ObtainedRestore: Sendable {
    /// What the backend is given.
    var snapshot: Snapshot
    /// What the volumes are of, where that is another.
    var volumes: Snapshot?
    /// Directories to be removed when the verb has taken its files.
    var scratch: [String]
}

extension ActorHost {
    /// Under which name the goldens are kept.
    private static let goldenDirectory = "shared"
    /// How many of them.
    private static let goldensKept = 4
    /// Where snapshots are fetched to; swept when the host starts.
    var fetchingDirectory: String { "\(settings.baseDirectory)/fetching" }

    /// Finds a snapshot and refuses it where it does not fit; blocks.
    ///
    /// - Parameters:
    ///   - source: where it is, and what is wanted of it.
    ///   - request: the request.
    ///   - newest: the backend as it is now.
    ///   - operation: ends it when it is cancelled.
    /// - Returns: what the verb goes on with.
    /// - Throws: NOT_FOUND; DATA_LOSS; FAILED_PRECONDITION with the reason.
    func resolve(
        _ source: RestoreSource,
        _ request: RunRequest,
        newest: any ActorBackend,
        _ operation: Operation
    ) throws(HostError) -> ResolvedRestore {
        let key = request.identity.key
        let own = try locate(source, key)
        var (origin, manifest, name) = own
        if let golden = source.golden {
            let place = RestoreSource(place: .external(golden.uri), scope: .full, isShared: golden.isShared)
            (origin, manifest, name) = try locate(place, key)
        }
        let described = newest.description
        let brought = request.assets?.assets[settings.architecture] ?? [:]
        let gate = CompatibilityGate(
            machine: .here,
            backend: described.name,
            classes: described.classes,
            requiredAssets: described.requiredAssets
        )
        try gate.check(manifest, named: name, overridden: Set(brought.keys))
        if source.scope != .data, manifest.scope == SnapshotScope.data.rawValue {
            throw HostError(
                .failedPrecondition,
                .snapshotIncompatible,
                source.golden == nil
                    ? "snapshot \"\(name)\" holds data alone: restore it with scope data"
                    : "golden snapshot \"\(name)\" holds data alone, and no memory to wake with"
            )
        }
        var volumes: ResolvedRestore.Volumes?
        if source.golden != nil {
            try checkVolumes(own.manifest, own.name, on: manifest, name, gate)
            volumes = .init(origin: own.origin, manifest: own.manifest)
        }
        let serving = try revision(for: manifest, named: name, newest: newest)
        try checkScope(source.scope, by: serving.description)
        let stated = manifest.assets.mapValues { SandboxAssets.File(url: $0.url, sha256: $0.sha256) }
        let assets = brought.isEmpty ? stated : brought
        do throws(HostError) {
            _ = try cached(assets, for: serving.description) { operation.isCancelled }
        } catch {
            // What may be had a moment later is no reason to give the snapshot up.
            guard [.notFound, .invalidArgument, .permissionDenied].contains(error.code) else { throw error }
            throw HostError(.failedPrecondition, .asset, "snapshot \"\(name)\" needs an asset: \(error.message)")
        }
        return ResolvedRestore(
            origin: origin,
            manifest: manifest,
            scope: source.scope,
            serving: serving,
            assets: assets,
            volumes: volumes
        )
    }

    /// Refuses volumes that do not go with a golden snapshot's memory.
    private func checkVolumes(
        _ own: SnapshotManifest,
        _ name: String,
        on golden: SnapshotManifest,
        _ goldenName: String,
        _ gate: CompatibilityGate
    ) throws(HostError) {
        guard own.sandboxClass == golden.sandboxClass else {
            throw HostError(
                .failedPrecondition,
                .sandboxClassMismatch,
                "snapshot \"\(name)\" is of class \"\(own.sandboxClass)\", golden snapshot \"\(goldenName)\" of \"\(golden.sandboxClass)\""
            )
        }
        // Whatever memory is in it stays there.
        var data = own
        data.machine = own.machine?.forData
        data.assets = golden.assets
        try gate.check(data, named: name, overridden: Set(gate.requiredAssets))
        for (manifest, name) in [(own, name), (golden, goldenName)] where Snapshot.hasVolumesSaved(manifest) {
            throw HostError(
                .failedPrecondition,
                .snapshotIncompatible,
                "snapshot \"\(name)\" has its volumes in the backend's own files: they cannot be told from its memory"
            )
        }
    }

    private func locate(
        _ source: RestoreSource,
        _ key: ActorKey
    ) throws(HostError) -> (origin: ResolvedRestore.Origin, manifest: SnapshotManifest, name: String) {
        let directory = key.directoryName
        switch source.place {
        case .local(let name):
            let found = try snapshots.find(actorDirectory: directory, name: name)
            return (.local(store: snapshots, directory: directory, name: name), found.manifest, name)
        case .external(let text):
            let external = try served()
            let uri = try SnapshotURI(text)
            // What could not be uploaded is restored from here.
            if let kept = try? snapshots.find(actorDirectory: directory, name: uri.localName) {
                return (.local(store: snapshots, directory: directory, name: uri.localName), kept.manifest, uri.text)
            }
            // Only what never changes may be served from a copy.
            if source.isShared,
                let kept = try? goldens.find(actorDirectory: Self.goldenDirectory, name: uri.localName)
            {
                let place = ResolvedRestore.Origin.local(
                    store: goldens,
                    directory: Self.goldenDirectory,
                    name: uri.localName
                )
                return (place, kept.manifest, uri.text)
            }
            guard let manifest = try external.manifest(uri) else {
                throw HostError(.notFound, .snapshotNotFound, "there is no snapshot at \(uri.text)")
            }
            return (.external(uri, isShared: source.isShared), manifest, uri.text)
        }
    }

    /// The revision of the backend that made a memory image: what one script saved another may not understand.
    ///
    /// The volumes are saved by the host itself: any revision may find them.
    private func revision(
        for manifest: SnapshotManifest,
        named name: String,
        newest: any ActorBackend
    ) throws(HostError) -> any ActorBackend {
        guard let maker = manifest.backend, maker.sha256 != newest.description.sha256,
            manifest.scope != SnapshotScope.data.rawValue
        else { return newest }
        do throws(HostError) { return try backend.revision(maker.sha256) } catch {
            throw HostError(
                .failedPrecondition,
                .snapshotIncompatible,
                "snapshot \"\(name)\" was made by revision \(maker.sha256.prefix(12)) of backend \"\(maker.name)\", which is not kept here; this host serves revision \(newest.description.sha256.prefix(12)): serve that revision to restore it"
            )
        }
    }

    /// A snapshot's files on this machine, every byte verified; blocks.
    ///
    /// - Parameters:
    ///   - resolved: from `resolve`.
    ///   - operation: ends it when it is cancelled.
    /// - Returns: the snapshot, and the directories to be removed when the verb has taken its files.
    /// - Throws: DATA_LOSS where it does not verify, and what the store says.
    func obtain(_ resolved: ResolvedRestore, _ operation: Operation) throws(HostError) -> ObtainedRestore {
        let (snapshot, scratch) = try obtain(resolved.origin, resolved.manifest, operation)
        var all = ObtainedRestore(snapshot: snapshot, volumes: nil, scratch: scratch.map { [$0] } ?? [])
        guard let volumes = resolved.volumes else { return all }
        do throws(HostError) {
            let (own, place) = try obtain(volumes.origin, volumes.manifest, operation)
            all.volumes = own
            if let place { all.scratch.append(place) }
        } catch {
            if let scratch { try? DirectoryTree.remove(scratch) }
            throw error
        }
        all.snapshot = snapshot.withoutVolumes
        return all
    }

    private func obtain(
        _ origin: ResolvedRestore.Origin,
        _ manifest: SnapshotManifest,
        _ operation: Operation
    ) throws(HostError) -> (snapshot: Snapshot, scratch: String?) {
        switch origin {
        case .local(let store, let directory, let name):
            return (try store.verified(actorDirectory: directory, name: name), nil)
        case .external(let uri, let isShared):
            let external = try served()
            try DirectoryTree.make(fetchingDirectory)
            let scratch = "\(fetchingDirectory)/\(Self.freshSlotName())"
            do throws(HostError) {
                try FailPoint.reach("\(operation.verb).fetch.before")
                let snapshot = try external.fetch(uri, manifest, into: scratch) { operation.isCancelled }
                try FailPoint.reach("\(operation.verb).fetch.after")
                guard isShared else { return (snapshot, scratch) }
                return (try keepGolden(snapshot, uri), scratch)
            } catch {
                try? DirectoryTree.remove(scratch)
                throw error
            }
        }
    }

    /// Keeps a copy of what never changes, and forgets the oldest of them.
    private func keepGolden(_ snapshot: Snapshot, _ uri: SnapshotURI) throws(HostError) -> Snapshot {
        try goldens.adopt(snapshot, actorDirectory: Self.goldenDirectory, name: uri.localName)
        try goldens.prune(actorDirectory: Self.goldenDirectory, keeping: Self.goldensKept)
        return try goldens.find(actorDirectory: Self.goldenDirectory, name: uri.localName)
    }

    /// Puts a verified snapshot's volumes and files where the actor and its backend find them; blocks.
    func place(_ obtained: ObtainedRestore, _ scope: SnapshotScope, for record: ActorRecord) throws(HostError) {
        let places = directories(record.identity.key)
        let snapshot = obtained.volumes ?? obtained.snapshot
        if !snapshot.volumesSaved {
            let volumes = record.spec.volumes.filter { $0.source == .durableDirectory }
                .map { DurableVolume(name: $0.name, path: places.volume($0.name)) }
            try snapshots.restoreVolumes(snapshot, into: volumes, isVerified: true)
        }
        if scope != .data { try snapshots.restoreRoots(obtained.snapshot, into: roots(record)) }
        try snapshots.present(obtained.snapshot, in: places.restoreState)
    }

    /// The revisions that memory images on this machine were made by.
    ///
    /// - Returns: their digests.
    public func snapshotRevisions() -> Set<String> {
        var found: Set<String> = []
        for directory in (try? snapshots.actors()) ?? [] {
            for snapshot in (try? snapshots.list(actorDirectory: directory)) ?? []
            where snapshot.manifest.scope != SnapshotScope.data.rawValue {
                if let maker = snapshot.manifest.backend { found.insert(maker.sha256) }
            }
        }
        return found
    }
}
