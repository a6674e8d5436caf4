import Glibc
public import HostErrors
import SystemLayer
import Transfer

/// An image, unpacked and ready to be mounted.
public struct PreparedImage: Sendable, Equatable {
    /// The layers' directories, bottom first: overlay lower directories, whiteouts already in overlay's own form.
    public let layers: [String]
    /// The manifest's digest: `sha256:` and 64 hex digits.
    public let digest: String
}

/// The content-addressed store of unpacked layers: `<base>/image-store/layers/<sha256>/root`.
///
/// A layer is there whole or not at all. Every call blocks: never on the cooperative pool.
public final class ImageStore: Sendable {
    private let directory: String
    private let worker: UnpackWorker
    private let flights = SingleFlight()

    /// Opens the store and sweeps what a crash left half unpacked.
    ///
    /// - Parameters:
    ///   - baseDirectory: the host's state directory.
    ///   - unpacker: the path of `substrate-unpack`.
    public init(baseDirectory: String, unpacker: String) {
        directory = "\(baseDirectory)/image-store"
        worker = UnpackWorker(executable: unpacker)
        try? DirectoryTree.remove("\(directory)/staging")
    }

    /// Has every layer of an image unpacked when it returns; blocks.
    ///
    /// Digest and size of the manifest, the configuration and each layer are verified. A layer that is in the store is
    /// not read again, and of callers that want one layer at once one unpacks it.
    /// - Parameter reference: `oci:DIR[:REF]`, an OCI image layout on this machine.
    /// - Returns: the layers' directories and the manifest's digest.
    /// - Throws: reason IMAGE: INVALID_ARGUMENT for what is no image, NOT_FOUND, DATA_LOSS for other bytes than the
    ///   digest says, RESOURCE_EXHAUSTED for an archive over the limits.
    public func prepare(_ reference: String) throws(HostError) -> PreparedImage {
        let parsed = try ImageReference(reference)
        do throws(HostError) {
            let layout = try ImageLayout(directory: parsed.directory)
            let (manifest, digest) = try layout.manifest(named: parsed.tag)
            _ = try layout.read(manifest.config)
            var seen: Set<String> = []
            var layers: [String] = []
            // Top first: of a layer that occurs twice the upper one hides the lower, and overlayfs refuses both.
            for layer in manifest.layers.reversed() {
                let hex = try layer.hex()
                guard seen.insert(hex).inserted else { continue }
                layers.append(try unpack(layer, hex, layout))
            }
            return PreparedImage(layers: layers.reversed(), digest: digest)
        } catch {
            throw HostError(
                error.code,
                error.reason ?? .image,
                "image \"\(reference)\": \(error.message)",
                context: error.context
            )
        }
    }

    private func unpack(_ layer: Descriptor, _ hex: String, _ layout: ImageLayout) throws(HostError) -> String {
        let final = "\(directory)/layers/\(hex)"
        return try flights.run(hex) { () throws(HostError) in
            if unsafe access(final, F_OK) == 0 { return "\(final)/root" }
            let blob = try layout.open(layer)
            let staging = "\(directory)/staging/\(hex)-\(getpid())-\(UInt32.random(in: 0 ... .max))"
            try DirectoryTree.make("\(directory)/layers")
            try DirectoryTree.make(staging)
            do throws(HostError) {
                guard unsafe mkdir("\(staging)/root", 0o755) == 0, unsafe chmod("\(staging)/root", 0o755) == 0 else {
                    throw storeError("mkdir", staging)
                }
                let number = unsafe Glibc.open("\(staging)/root", O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW)
                guard number >= 0 else { throw storeError("open", staging) }
                let root = OwnedFD(number)
                try worker.run(["--layer"], input: blob.rawValue, directories: [root.rawValue])
                guard unsafe rename(staging, final) == 0 else { throw storeError("rename", final) }
                do throws(SyscallError) { try AtomicFile.syncDirectory("\(directory)/layers") } catch {
                    throw storeError(error)
                }
            } catch {
                try? DirectoryTree.remove(staging)
                throw error
            }
            return "\(final)/root"
        }
    }
}
