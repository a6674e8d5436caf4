import Glibc
public import HostErrors
import SystemLayer
import Telemetry

/// What `images ls` shows of one image.
public struct ImageSummary: Sendable, Equatable {
    /// The manifest's digest.
    public let digest: String
    /// What it was called, newest first.
    public let references: [String]
    /// The bytes of its unpacked layers, shared ones included.
    public let bytes: Int64
    /// The bytes of its blobs in the store.
    public let blobBytes: Int64
    /// Its layers' digests, bottom first, each with its compressed size and whether it is unpacked.
    public let layers: [(digest: String, size: Int64, isUnpacked: Bool)]
    /// Its last use, in seconds since 1970.
    public let lastUsed: Int64
    /// The actors that keep it.
    public let pinnedBy: [String]
    /// What it says about the program in it; nil where its configuration is not in the store.
    public let configuration: ImageConfiguration?

    /// Whether everything that is shown is the same.
    public static func == (one: ImageSummary, other: ImageSummary) -> Bool {
        one.digest == other.digest && one.references == other.references && one.lastUsed == other.lastUsed
            && one.pinnedBy == other.pinnedBy && one.bytes == other.bytes && one.blobBytes == other.blobBytes
    }
}

/// What was removed.
public struct ImageRemoval: Sendable, Equatable {
    /// The manifests' digests.
    public var images: [String] = []
    /// The bytes that layers and blobs took.
    public var bytes: Int64 = 0
}

/// Lists and removes.
extension ImageStore {
    /// Whether a bound is set that may have been passed.
    public var wantsCollection: Bool { settings.budgetBytes > 0 }

    /// All images of the store, the last used first.
    ///
    /// - Returns: what is known of each.
    public func list() -> [ImageSummary] {
        let pins = records.pins()
        return records.all().map { _, entry in summary(entry.record, entry.lastUsed, pins) }
            .sorted { ($1.lastUsed, $0.digest) < ($0.lastUsed, $1.digest) }
    }

    /// The image of that name.
    ///
    /// - Parameter name: a reference as it was pulled, a digest, or the first eight or more of its hex digits.
    /// - Returns: what is known of it.
    /// - Throws: NOT_FOUND; INVALID_ARGUMENT where several begin so.
    public func find(_ name: String) throws(HostError) -> ImageSummary {
        let all = list()
        let canonical: String? =
            if case .registry(let reference)? = try? ImageReference(name) { reference.text } else { nil }
        let hex = name.hasPrefix("sha256:") ? String(name.dropFirst(7)) : name
        func isNamed(_ reference: String) -> Bool {
            if reference == name { return true }
            guard let canonical, case .registry(let other)? = try? ImageReference(reference) else { return false }
            return other.text == canonical
        }
        var found = all.filter { $0.references.contains(where: isNamed) }
        if found.isEmpty, hex.utf8.count >= 8 {
            found = all.filter { image in
                let chain = records.read(String(image.digest.dropFirst(7)))?.chain ?? []
                return chain.contains { $0.dropFirst(7).hasPrefix(hex) }
            }
        }
        // Of one tag that meant several images in turn, the last is meant.
        if found.count > 1, found.allSatisfy({ $0.references.contains(where: isNamed) }) { found = [found[0]] }
        guard let first = found.first else {
            throw HostError(.notFound, .image, "no image \"\(name)\" in the store; `images ls` lists them")
        }
        guard found.count == 1 else {
            throw HostError(.invalidArgument, .image, "\(found.count) images begin with \"\(name)\": write more of it")
        }
        return first
    }

    private func summary(_ record: ImageRecord, _ lastUsed: Int64, _ pins: [ImagePins]) -> ImageSummary {
        var bytes: Int64 = 0
        var blobBytes: Int64 = 0
        var rows: [(digest: String, size: Int64, isUnpacked: Bool)] = []
        for layer in record.manifest.layers {
            let hex = String(layer.digest.dropFirst(7))
            let forms = [hex, LayerStore.name(hex, isRootOwned: true)].filter(layers.has)
            for name in forms { bytes += layers.bytes(name) }
            rows.append((layer.digest, layer.size, !forms.isEmpty))
        }
        for descriptor in [record.manifest.config] + record.manifest.layers where (try? blobs.has(descriptor)) == true {
            blobBytes += descriptor.size
        }
        let configuration = (try? blobs.read(record.manifest.config))
            .flatMap { try? ImageConfiguration($0, named: record.manifest.config.digest) }
        return ImageSummary(
            digest: record.digest,
            references: record.references.reversed(),
            bytes: bytes,
            blobBytes: blobBytes,
            layers: rows,
            lastUsed: lastUsed,
            pinnedBy: pins.filter { $0.images.contains { $0.manifest == record.digest } }.map(\.owner).sorted(),
            configuration: configuration
        )
    }

    /// Removes an image, and what of its content no other needs.
    ///
    /// - Parameter name: as for `find`.
    /// - Returns: what was removed.
    /// - Throws: NOT_FOUND; FAILED_PRECONDITION naming the actors that keep it.
    public func remove(_ name: String) throws(HostError) -> ImageRemoval {
        let lock = try StoreLock(directory, exclusive: true)
        let image = try find(name)
        guard image.pinnedBy.isEmpty else {
            throw HostError(
                .failedPrecondition,
                .image,
                "image \(image.digest) is kept by \(image.pinnedBy.joined(separator: ", ")): remove them and their snapshots first"
            )
        }
        forget(image.digest)
        var removal = ImageRemoval(images: [image.digest])
        removal.bytes = sweep(records.all().mapValues(\.record), records.pins())
        lock.release()
        return removal
    }

    private func forget(_ digest: String) {
        let hex = String(digest.dropFirst(7))
        if let record = records.read(hex) { registry.forget(Set(record.chain)) }
        records.remove(hex)
    }

    /// Removes what nobody uses until all takes no more than the budget.
    ///
    /// First go the blobs of layers that are unpacked, then the images that were used longest ago; what an actor
    /// keeps, and what was used within the minimum age, stays whatever it takes.
    /// - Returns: what was removed.
    /// - Throws: where the store cannot be read.
    public func collect() throws(HostError) -> ImageRemoval {
        var removal = ImageRemoval()
        guard settings.budgetBytes > 0 else { return removal }
        let lock = try StoreLock(directory, exclusive: true)
        let pins = records.pins()
        var all = records.all()
        removal.bytes += sweep(all.mapValues(\.record), pins)
        var total = size()
        if total > settings.budgetBytes {
            for entry in all.values {
                for layer in entry.record.manifest.layers where total > settings.budgetBytes {
                    guard (try? blobs.has(layer)) == true, let hex = try? layer.hex(), layers.has(hex) else { continue }
                    blobs.remove(hex)
                    total -= layer.size
                    removal.bytes += layer.size
                }
            }
        }
        let pinned = Set(pins.flatMap { $0.images.map(\.manifest) })
        let old = WallClock.nanoseconds() / 1_000_000_000 - settings.minimumAgeSeconds
        let oldest = all.filter { $0.value.lastUsed <= old && !pinned.contains($0.value.record.digest) }
            .sorted { ($0.value.lastUsed, $0.key) < ($1.value.lastUsed, $1.key) }
        for (hex, entry) in oldest {
            guard total > settings.budgetBytes else { break }
            forget(entry.record.digest)
            all[hex] = nil
            let freed = sweep(all.mapValues(\.record), pins)
            total -= freed
            removal.bytes += freed
            removal.images.append(entry.record.digest)
        }
        lock.release()
        return removal
    }

    /// The bytes of all layers and blobs.
    private func size() -> Int64 {
        var total: Int64 = 0
        for name in (try? DirectoryTree.names(in: layers.directory)) ?? [] { total += layers.bytes(name) }
        var status = stat()
        for name in (try? DirectoryTree.names(in: blobs.directory)) ?? []
        where unsafe lstat(blobs.path(name), &status) == 0 {
            total += Int64(status.st_size)
        }
        return total
    }

    /// Removes layers and blobs that no record and no pin names.
    ///
    /// - Returns: the bytes that they took.
    private func sweep(_ images: [String: ImageRecord], _ pins: [ImagePins]) -> Int64 {
        var keptBlobs: Set<String> = []
        var keptLayers: Set<String> = []
        for record in images.values {
            for digest in record.chain + [record.manifest.config.digest] {
                keptBlobs.insert(String(digest.dropFirst(7)))
            }
            for layer in record.manifest.layers {
                let hex = String(layer.digest.dropFirst(7))
                keptBlobs.insert(hex)
                keptLayers.formUnion([hex, LayerStore.name(hex, isRootOwned: true)])
            }
        }
        for image in pins.flatMap(\.images) { keptLayers.formUnion(image.layers) }
        var freed: Int64 = 0
        for name in (try? DirectoryTree.names(in: layers.directory)) ?? [] where !keptLayers.contains(name) {
            let bytes = layers.bytes(name)
            guard layers.remove(name) else { continue }
            freed += bytes
        }
        var status = stat()
        for name in (try? DirectoryTree.names(in: blobs.directory)) ?? [] where !keptBlobs.contains(name) {
            guard unsafe lstat(blobs.path(name), &status) == 0, status.st_mode & S_IFMT == S_IFREG else { continue }
            blobs.remove(name)
            freed += Int64(status.st_size)
        }
        return freed
    }
}
