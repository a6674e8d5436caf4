import FoundationEssentials
import Glibc
import HostErrors
import SystemLayer
import Transfer

/// A content descriptor.
///
/// - Source: OCI image-spec v1.1, descriptor.md.
struct Descriptor: Decodable {
    /// A platform, in an index.
    struct Platform: Decodable {
        var architecture: String
        var os: String
    }
    var mediaType: String?
    var digest: String
    var size: Int64
    var annotations: [String: String]?
    var platform: Platform?

    /// The digest's 64 hex digits; only SHA-256 is served.
    func hex() throws(HostError) -> String {
        let hex = digest.dropFirst(7)
        let valid = hex.utf8.count == 64 && hex.utf8.allSatisfy { (0x30...0x39) ~= $0 || (0x61...0x66) ~= $0 }
        guard digest.hasPrefix("sha256:"), valid else {
            throw HostError(.invalidArgument, .image, "digest \"\(digest.prefix(200))\" is not sha256:<64 hex digits>")
        }
        return String(hex)
    }
}

/// An index: several images under one name.
struct ImageIndex: Decodable {
    var manifests: [Descriptor]
}

/// A manifest: one image.
struct ImageManifest: Decodable {
    var config: Descriptor
    var layers: [Descriptor]
}

/// An OCI image layout in a directory: `oci-layout`, `index.json`, `blobs/sha256/…`.
///
/// - Source: OCI image-spec v1.1, image-layout.md.
struct ImageLayout {
    /// The most of any JSON document that is read.
    static let maxDocument = 4 << 20
    private struct Version: Decodable {
        var imageLayoutVersion: String
    }
    private let directory: String
    private let index: ImageIndex

    /// Opens a layout and reads its index.
    init(directory: String) throws(HostError) {
        self.directory = directory
        let version: Version = try Self.decode(Self.document("\(directory)/oci-layout"), "oci-layout")
        guard version.imageLayoutVersion.hasPrefix("1.") else {
            throw HostError(.invalidArgument, .image, "oci-layout has version \(version.imageLayoutVersion), not 1.x")
        }
        index = try Self.decode(Self.document("\(directory)/index.json"), "index.json")
    }

    /// The manifest of that name, or the only one, for this machine; verified.
    func manifest(named tag: String?) throws(HostError) -> (ImageManifest, digest: String) {
        var candidates = index.manifests
        if let tag {
            candidates = candidates.filter { $0.annotations?["org.opencontainers.image.ref.name"] == tag }
            if candidates.isEmpty { throw HostError(.notFound, .image, "no image named \"\(tag)\" in the layout") }
        }
        var chosen = try Self.choose(candidates)
        // An index may hold an index; one level is what tools write.
        if chosen.mediaType?.hasSuffix("image.index.v1+json") == true
            || chosen.mediaType?.hasSuffix("manifest.list.v2+json") == true
        {
            let inner: ImageIndex = try Self.decode(read(chosen), chosen.digest)
            chosen = try Self.choose(inner.manifests)
        }
        let manifest: ImageManifest = try Self.decode(read(chosen), chosen.digest)
        guard !manifest.layers.isEmpty, manifest.layers.count <= 500 else {
            throw HostError(.invalidArgument, .image, "the manifest has \(manifest.layers.count) layers, not 1 to 500")
        }
        return (manifest, chosen.digest)
    }

    /// Of several descriptors the one for this machine; one without a platform fits every machine.
    private static func choose(_ candidates: [Descriptor]) throws(HostError) -> Descriptor {
        let fitting = candidates.filter {
            $0.platform == nil || ($0.platform?.os == "linux" && $0.platform?.architecture == architecture)
        }
        guard let first = fitting.first else {
            throw HostError(.notFound, .image, "no image for linux/\(architecture) in the layout")
        }
        guard fitting.count == 1 || fitting.allSatisfy({ $0.digest == first.digest }) else {
            throw HostError(.invalidArgument, .image, "the layout holds \(fitting.count) images: add :REF to say which")
        }
        return first
    }

    private static var architecture: String {
        #if arch(arm64)
        "arm64"
        #else
        "amd64"
        #endif
    }

    /// A small blob, verified.
    func read(_ descriptor: Descriptor) throws(HostError) -> [UInt8] {
        let hex = try descriptor.hex()
        let bytes = try Self.document("\(directory)/blobs/sha256/\(hex)")
        guard Int64(bytes.count) == descriptor.size, SHA256.hex(of: bytes) == hex else {
            throw HostError(.dataLoss, .image, "blob \(descriptor.digest) is not what its digest and size say")
        }
        return bytes
    }

    /// A blob of any size, verified, open at its start.
    func open(_ descriptor: Descriptor) throws(HostError) -> OwnedFD {
        let hex = try descriptor.hex()
        let file = try Self.file("\(directory)/blobs/sha256/\(hex)")
        var status = stat()
        guard unsafe fstat(file.rawValue, &status) == 0 else { throw storeError("fstat", hex) }
        guard Int64(status.st_size) == descriptor.size,
            try SHA256.hex(ofDescriptor: file.rawValue, named: hex) == hex
        else {
            throw HostError(.dataLoss, .image, "blob \(descriptor.digest) is not what its digest and size say")
        }
        guard lseek(file.rawValue, 0, SEEK_SET) == 0 else { throw storeError("lseek", hex) }
        return file
    }

    private static func file(_ path: String) throws(HostError) -> OwnedFD {
        let number = unsafe Glibc.open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)
        guard number >= 0 else {
            if errno == ENOENT || errno == ENOTDIR { throw HostError(.notFound, .image, "\(path) does not exist") }
            throw storeError("open", path)
        }
        let file = OwnedFD(number)
        var status = stat()
        guard unsafe fstat(number, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            throw HostError(.invalidArgument, .image, "\(path) is not a regular file")
        }
        return file
    }

    private static func document(_ path: String) throws(HostError) -> [UInt8] {
        let file = try file(path)
        do throws(SyscallError) { return try readAll(from: file.rawValue, limit: maxDocument) } catch {
            throw HostError(.invalidArgument, .image, "cannot read \(path): \(error)")
        }
    }

    private static func decode<Value: Decodable>(_ bytes: [UInt8], _ name: String) throws(HostError) -> Value {
        do { return try JSONDecoder().decode(Value.self, from: Data(bytes)) } catch {
            throw HostError(.invalidArgument, .image, "\(name) is not an OCI document: \(error)")
        }
    }
}
