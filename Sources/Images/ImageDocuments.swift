import FoundationEssentials
import HostErrors

/// A content descriptor.
///
/// - Source: OCI image-spec v1.1, descriptor.md.
struct Descriptor: Codable, Sendable, Equatable {
    /// A platform, in an index.
    struct Platform: Codable, Sendable, Equatable {
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

    /// Whether it is a list of images rather than one.
    ///
    /// An index may hold an index; one level is what tools write.
    var isIndex: Bool {
        mediaType?.hasSuffix("image.index.v1+json") == true || mediaType?.hasSuffix("manifest.list.v2+json") == true
    }
}

/// An index: several images under one name.
struct ImageIndex: Decodable {
    var manifests: [Descriptor]

    /// Of several descriptors the one for this machine; one without a platform fits every machine.
    static func choose(_ candidates: [Descriptor]) throws(HostError) -> Descriptor {
        let fitting = candidates.filter {
            $0.platform == nil || ($0.platform?.os == "linux" && $0.platform?.architecture == architecture)
        }
        guard let first = fitting.first else {
            throw HostError(.notFound, .image, "no image for linux/\(architecture) in it")
        }
        guard fitting.count == 1 || fitting.allSatisfy({ $0.digest == first.digest }) else {
            throw HostError(.invalidArgument, .image, "it holds \(fitting.count) images: add :REF to say which")
        }
        return first
    }

    /// This machine's, in the words of images.
    static var architecture: String {
        #if arch(arm64)
        "arm64"
        #else
        "amd64"
        #endif
    }
}

/// A manifest: one image.
struct ImageManifest: Codable, Sendable, Equatable {
    var config: Descriptor
    var layers: [Descriptor]

    /// The most layers of one image.
    static let maxLayers = 500

    /// Reads one and refuses what is none.
    init(_ bytes: [UInt8], named name: String) throws(HostError) {
        self = try decodeDocument(bytes, name)
        guard !layers.isEmpty, layers.count <= Self.maxLayers else {
            throw HostError(
                .invalidArgument,
                .image,
                "the manifest has \(layers.count) layers, not 1 to \(Self.maxLayers)"
            )
        }
        _ = try config.hex()
        for layer in layers {
            _ = try layer.hex()
            guard layer.size >= 0 else {
                throw HostError(.invalidArgument, .image, "layer \(layer.digest) has size \(layer.size)")
            }
            guard layer.mediaType?.contains("foreign") != true, layer.mediaType?.contains("encrypted") != true else {
                throw HostError(
                    .invalidArgument,
                    .image,
                    "layer \(layer.digest) is \(layer.mediaType ?? ""): not one that a registry holds in the clear"
                )
            }
        }
    }
}

/// What a manifest or an index says of itself, before it is known which it is.
struct DocumentKind: Decodable {
    private struct Anything: Decodable {}
    private var manifests: [Anything]?
    private var layers: [Anything]?
    private var schemaVersion: Int?

    /// Whether it lists images.
    var isIndex: Bool { manifests != nil }
    /// Whether it is an image.
    var isManifest: Bool { layers != nil && schemaVersion != 1 }
}

/// Reads a JSON document of a stranger.
func decodeDocument<Value: Decodable>(_ bytes: [UInt8], _ name: String) throws(HostError) -> Value {
    do { return try JSONDecoder().decode(Value.self, from: Data(bytes)) } catch {
        throw HostError(.invalidArgument, .image, "\(name) is not an OCI document: \(error)")
    }
}
