import Glibc
public import HostErrors
import SystemLayer
import Transfer

/// An image, unpacked and ready to be mounted.
public struct PreparedImage: Sendable, Equatable {
    /// The layers' directories, bottom first: overlay lower directories, whiteouts already in overlay's own form.
    public let layers: [String]
    /// What the reference means: `sha256:` and 64 hex digits of its manifest, or of the index that led to it.
    public let digest: String
    /// What the image says about the program in it.
    public let configuration: ImageConfiguration
}

/// The content-addressed store of images: blobs of registries, unpacked layers, and who uses them.
///
/// A layer is there whole or not at all. Several processes may use one store. Every call blocks: never on the
/// cooperative pool.
public final class ImageStore: Sendable {
    let directory: String
    let settings: ImageSettings
    let blobs: BlobStore
    let layers: LayerStore
    let records: RecordStore
    let registry: Registry
    private let flights = SingleFlight()

    /// Opens the store and sweeps what a crash left half made.
    ///
    /// - Parameters:
    ///   - baseDirectory: the host's state directory.
    ///   - unpacker: the path of `substrate-unpack`.
    ///   - settings: the operator's.
    public init(baseDirectory: String, unpacker: String, settings: ImageSettings = ImageSettings()) {
        directory = "\(baseDirectory)/image-store"
        self.settings = settings
        blobs = BlobStore(directory: "\(directory)/blobs/sha256")
        layers = LayerStore(store: directory, unpacker: unpacker)
        records = RecordStore(store: directory, actors: "\(baseDirectory)/actors")
        let beside = "/" + unpacker.split(separator: "/").dropLast().joined(separator: "/")
        let skopeo = Skopeo(
            settings: settings,
            launcher: settings.launcher ?? "\(beside)/substrate-launch",
            baseDirectory: baseDirectory
        )
        registry = Registry(store: directory, settings: settings, blobs: blobs, skopeo: skopeo)
        StagingDirectory.sweep("\(directory)/staging")
    }

    /// Where an actor's images are kept from being removed: a file that goes away with the actor's directory.
    ///
    /// - Parameter actorDirectory: absolute.
    /// - Returns: the path for `ImageUse.pinFile`.
    public static func pinFile(_ actorDirectory: String) -> String { "\(actorDirectory)/images" }

    /// What tags meant for an actor when it was run.
    ///
    /// - Parameter actorDirectory: absolute.
    /// - Returns: reference → digest; empty for an actor that has none.
    public func known(_ actorDirectory: String) -> [String: String] {
        let pins = records.pins(Self.pinFile(actorDirectory))?.images ?? []
        return Dictionary(pins.map { ($0.reference, $0.digest) }, uniquingKeysWith: { $1 })
    }

    /// Has every layer of an image unpacked when it returns; blocks.
    ///
    /// - Parameter reference: as in the other.
    /// - Returns: the layers' directories and what the image says.
    /// - Throws: as the other.
    public func prepare(_ reference: String) throws(HostError) -> PreparedImage {
        try prepare([reference])[0]
    }

    /// Has every layer of some images unpacked when it returns; blocks.
    ///
    /// Digest and size of each manifest, configuration and layer are verified. What is in the store is not fetched and
    /// not unpacked again, and of callers that want one layer at once one unpacks it.
    /// - Parameters:
    ///   - references: each `[HOST/]REPOSITORY[:TAG][@sha256:…]`, or `oci:DIR[:REF]`, an OCI image layout here.
    ///   - use: for whom.
    /// - Returns: one for each reference, in order.
    /// - Throws: reason IMAGE: INVALID_ARGUMENT for what is no image, NOT_FOUND, PERMISSION_DENIED, UNAVAILABLE for a
    ///   registry that does not answer, FAILED_PRECONDITION offline, DATA_LOSS for other bytes than the digest says,
    ///   RESOURCE_EXHAUSTED for an archive over the limits.
    public func prepare(_ references: [String], _ use: ImageUse = ImageUse()) throws(HostError) -> [PreparedImage] {
        var attempts = 0
        while true {
            var all: [(image: PreparedImage, pin: ImagePins.Pin)] = []
            for reference in references { all.append(try prepared(reference, use)) }
            if try hold(all.map(\.pin), use) { return all.map(\.image) }
            attempts += 1
            guard attempts < 4 else {
                throw HostError(
                    .aborted,
                    .image,
                    "layers are removed as fast as they are unpacked: the budget is too small"
                )
            }
        }
    }

    /// An image in its parts.
    struct Found {
        var digest: String
        var chain: [String]
        var manifest: ImageManifest
        var configuration: ImageConfiguration
        var blobs: BlobStore
    }

    private func prepared(
        _ reference: String,
        _ use: ImageUse
    ) throws(HostError) -> (image: PreparedImage, pin: ImagePins.Pin) {
        do throws(HostError) {
            let found: Found
            switch try ImageReference(reference) {
            case .layout(let directory, let tag):
                found = try inLayout(directory, tag)
                try records.note(reference, found.chain, found.manifest)
                try layers.ensure(try wants(found), use)
            case .registry(let name):
                found = try fromRegistry(name, reference, use)
            }
            let names = try layerNames(found.manifest, use)
            return (
                PreparedImage(
                    layers: names.map(layers.root),
                    digest: found.digest,
                    configuration: found.configuration
                ),
                ImagePins.Pin(
                    reference: reference,
                    digest: found.digest,
                    manifest: found.chain.last ?? "",
                    layers: names
                )
            )
        } catch {
            throw HostError(
                error.code,
                error.reason ?? .image,
                error.message.hasPrefix("image \"") ? error.message : "image \"\(reference)\": \(error.message)",
                context: error.context
            )
        }
    }

    private func inLayout(_ directory: String, _ tag: String?) throws(HostError) -> Found {
        let layout = try ImageLayout(directory: directory)
        let (manifest, descriptor) = try layout.manifest(named: tag)
        let bytes = try layout.blobs.read(manifest.config)
        return Found(
            digest: descriptor.digest,
            chain: [descriptor.digest],
            manifest: manifest,
            configuration: try ImageConfiguration(bytes, named: manifest.config.digest),
            blobs: layout.blobs
        )
    }

    private func fromRegistry(
        _ name: RegistryReference,
        _ reference: String,
        _ use: ImageUse
    ) throws(HostError) -> Found {
        let (digest, chain, manifest) = try registry.resolve(name, as: reference, use)
        let own = chain.last ?? digest
        try records.note(reference, chain, manifest)
        func fetch() throws(HostError) {
            var wanted = [manifest.config]
            for layer in manifest.layers
            where !layers.has(LayerStore.name(try layer.hex(), isRootOwned: use.isRootOwned)) {
                wanted.append(layer)
            }
            let missing = wanted
            // Not many at once for one image: the second finds all of it there.
            try flights.run(own) { () throws(HostError) in
                try registry.fetch(name, manifest, digest: own, wanted: missing, use)
            }
        }
        func unpack() throws(HostError) -> Found {
            let configuration = try ImageConfiguration(blobs.read(manifest.config), named: manifest.config.digest)
            let found = Found(
                digest: digest,
                chain: chain,
                manifest: manifest,
                configuration: configuration,
                blobs: blobs
            )
            try layers.ensure(try wants(found), use)
            return found
        }
        try fetch()
        do throws(HostError) { return try unpack() } catch {
            guard error.code == .dataLoss || error.code == .notFound, !settings.isOffline else { throw error }
            // The disk lost or changed what the registry gave: once more from there.
            for descriptor in [manifest.config] + manifest.layers {
                let hex = try descriptor.hex()
                if (try? blobs.open(descriptor)) == nil { blobs.remove(hex) }
            }
            try fetch()
            return try unpack()
        }
    }

    /// The layers, bottom first, each once: of one that occurs twice the upper hides the lower, and overlayfs refuses both.
    private func unique(_ manifest: ImageManifest) throws(HostError) -> [Descriptor] {
        var seen: Set<String> = []
        return manifest.layers.reversed().filter { seen.insert($0.digest).inserted }.reversed()
    }

    private func wants(_ found: Found) throws(HostError) -> [LayerStore.Want] {
        try unique(found.manifest).map { LayerStore.Want(descriptor: $0, blobs: found.blobs) }
    }

    private func layerNames(_ manifest: ImageManifest, _ use: ImageUse) throws(HostError) -> [String] {
        var names: [String] = []
        for layer in try unique(manifest) {
            names.append(LayerStore.name(try layer.hex(), isRootOwned: use.isRootOwned))
        }
        return names
    }

    /// Keeps the images while the pin file is there.
    ///
    /// - Returns: false where one of the layers was removed meanwhile.
    private func hold(_ pins: [ImagePins.Pin], _ use: ImageUse) throws(HostError) -> Bool {
        let lock = try StoreLock(directory, exclusive: false)
        guard pins.allSatisfy({ $0.layers.allSatisfy(layers.has) }) else { return false }
        guard let path = use.pinFile else { return true }
        let wanted = ImagePins(owner: use.pinOwner, images: pins)
        if records.pins(path) != wanted { try records.write(wanted, path) }
        lock.release()
        return true
    }
}
