public import HostErrors

/// What a snapshot needs, held against what is here, before anything of the actor changes.
///
/// What a manifest does not say is not checked: others' snapshots, and older ones of ours, say less.
public struct CompatibilityGate: Sendable {
    /// This machine.
    public var machine: MachineFacts
    /// The backend's name.
    public var backend: String
    /// Further classes that it accepts.
    public var classes: [String]
    /// Assets that it cannot do without.
    public var requiredAssets: [String]

    /// Makes one.
    public init(machine: MachineFacts, backend: String, classes: [String], requiredAssets: [String]) {
        self.machine = machine
        self.backend = backend
        self.classes = classes
        self.requiredAssets = requiredAssets
    }

    /// Refuses what cannot be restored here; the digests of scripts and files are looked at elsewhere.
    ///
    /// - Parameters:
    ///   - manifest: the snapshot's.
    ///   - name: for people.
    ///   - overridden: the names of assets that the request brings itself.
    /// - Throws: FAILED_PRECONDITION with SNAPSHOT_INCOMPATIBLE, SANDBOX_CLASS_MISMATCH or ASSET.
    public func check(_ manifest: SnapshotManifest, named name: String, overridden: Set<String>) throws(HostError) {
        func refuse(_ words: String) -> HostError {
            HostError(.failedPrecondition, .snapshotIncompatible, "snapshot \"\(name)\" \(words)")
        }
        if let schema = manifest.schema, schema > SnapshotManifest.newestSchema {
            throw refuse(
                "has schema \(schema), this host knows \(SnapshotManifest.newestSchema): update substrate-host"
            )
        }
        let here = ([backend] + classes).map { "\"\($0)\"" }.joined(separator: ", ")
        guard manifest.sandboxClass == backend || classes.contains(manifest.sandboxClass) else {
            throw refuse("was made by \"\(manifest.sandboxClass)\", this host serves \(here)")
        }
        if let maker = manifest.backend, maker.name != backend {
            throw refuse("was made by backend \"\(maker.name)\", this host serves \"\(backend)\"")
        }
        if let made = manifest.machine {
            guard made.arch == machine.arch else {
                throw refuse("was made on \(made.arch), this machine is \(machine.arch)")
            }
            let missing = Set(made.cpuFeatures ?? []).subtracting(machine.cpuFeatures ?? [])
            guard missing.isEmpty else {
                let words = missing.sorted().joined(separator: " ")
                throw refuse("needs processor features that this machine lacks: \(words)")
            }
        }
        let present = overridden.union(manifest.assets.keys)
        for asset in requiredAssets where !present.contains(asset) {
            throw HostError(
                .failedPrecondition,
                .asset,
                "snapshot \"\(name)\" names no asset \"\(asset)\", which backend \"\(backend)\" needs"
            )
        }
    }
}
