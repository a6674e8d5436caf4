import HostErrors

/// An OCI image layout in a directory: `oci-layout`, `index.json`, `blobs/sha256/…`.
///
/// - Source: OCI image-spec v1.1, image-layout.md.
struct ImageLayout {
    private struct Version: Decodable {
        var imageLayoutVersion: String
    }
    /// Its content.
    let blobs: BlobStore
    private let index: ImageIndex

    /// Opens a layout and reads its index.
    init(directory: String) throws(HostError) {
        blobs = BlobStore(directory: "\(directory)/blobs/sha256")
        let version: Version = try decodeDocument(BlobStore.document("\(directory)/oci-layout"), "oci-layout")
        guard version.imageLayoutVersion.hasPrefix("1.") else {
            throw HostError(.invalidArgument, .image, "oci-layout has version \(version.imageLayoutVersion), not 1.x")
        }
        index = try decodeDocument(BlobStore.document("\(directory)/index.json"), "index.json")
    }

    /// The manifest of that name, or the only one, for this machine; verified.
    func manifest(named tag: String?) throws(HostError) -> (manifest: ImageManifest, descriptor: Descriptor) {
        var candidates = index.manifests
        if let tag {
            candidates = candidates.filter { $0.annotations?["org.opencontainers.image.ref.name"] == tag }
            if candidates.isEmpty { throw HostError(.notFound, .image, "no image named \"\(tag)\" in the layout") }
        }
        var chosen = try ImageIndex.choose(candidates)
        if chosen.isIndex {
            let inner: ImageIndex = try decodeDocument(blobs.read(chosen), chosen.digest)
            chosen = try ImageIndex.choose(inner.manifests)
        }
        return (try ImageManifest(blobs.read(chosen), named: chosen.digest), chosen)
    }
}
