import FoundationEssentials
import Glibc
import HostErrors
import SystemLayer
import Transfer

/// Images of registries: names resolved to digests, and their content brought into the shared blobs.
///
/// Manifests are kept as the registry gave them, so that the way from a digest to each byte can be followed without it.
struct Registry: Sendable {
    let store: String
    let settings: ImageSettings
    let blobs: BlobStore
    let skopeo: Skopeo

    /// How often something is tried that may be better the next time, and the pauses between, in tenths of a second.
    private static let pauses = [3, 10]

    /// The manifest of an image for this machine, and the digest that its name means.
    ///
    /// A digest is never asked for twice; a tag is asked each time, unless `use.known` has it or the host is offline.
    func resolve(
        _ reference: RegistryReference,
        as text: String,
        _ use: ImageUse
    ) throws(HostError) -> (digest: String, chain: [String], manifest: ImageManifest) {
        var first = reference
        if first.digest == nil, let digest = use.known[text] { first = first.pinned(to: digest) }
        if first.digest == nil, settings.isOffline { first = first.pinned(to: try remembered(reference)) }
        var bytes = first.digest.flatMap { blobs.readIfPresent(String($0.dropFirst(7))) }
        if bytes == nil {
            use.progress(.resolving(reference.text))
            bytes = try fetchManifest(first, use)
        }
        let document = bytes ?? []
        let digest = "sha256:\(SHA256.hex(of: document))"
        if reference.digest == nil { try remember(reference, digest) }
        let kind: DocumentKind = try decodeDocument(document, digest)
        if kind.isManifest {
            return (digest, [digest], try ImageManifest(document, named: digest))
        }
        guard kind.isIndex else {
            throw HostError(.invalidArgument, .image, "\(digest) is no image that is served: OCI or Docker schema 2 is")
        }
        let index: ImageIndex = try decodeDocument(document, digest)
        let child = try ImageIndex.choose(index.manifests)
        var inner = blobs.readIfPresent(try child.hex())
        if inner == nil { inner = try fetchManifest(reference.pinned(to: child.digest), use) }
        return (digest, [digest, child.digest], try ImageManifest(inner ?? [], named: child.digest))
    }

    /// Has what is wanted of an image, whose manifest has that digest, in the blobs when it returns.
    func fetch(
        _ reference: RegistryReference,
        _ manifest: ImageManifest,
        digest: String,
        wanted: [Descriptor],
        _ use: ImageUse
    ) throws(HostError) {
        var missing: [Descriptor] = []
        for descriptor in wanted where try !blobs.has(descriptor) { missing.append(descriptor) }
        guard !missing.isEmpty else { return }
        try refuseOffline(reference, "\(missing.count) of its blobs are not in the store")
        try DirectoryTree.make(blobs.directory)
        let making = try StagingDirectory(in: "\(store)/staging", named: "pull")
        let place = making.path
        try DirectoryTree.make("\(place)/blobs/sha256")
        for descriptor in [manifest.config] + manifest.layers
        where !missing.contains(where: { $0.digest == descriptor.digest }) {
            // What is not needed is not fetched: a file of that name and size is enough for it to be left out.
            try hold(descriptor, at: "\(place)/blobs/sha256/\(descriptor.hex())")
        }
        let total = missing.reduce(0) { $0 + $1.size }
        use.progress(.fetching(done: 0, total: total))
        let content = reference.pinned(to: digest)
        let arguments =
            try common(content, place, ["copy", "--quiet"], tls: "--src-tls-verify=false")
            + [
                "--dest-oci-accept-uncompressed-layers", "--dest-shared-blob-dir", "\(place)/blobs",
                source(content), "oci:\(place)/layout:image",
            ]
        do throws(HostError) {
            var ticks = 0
            try again(use) { () throws(HostError) in
                _ = try skopeo.run(arguments, in: place, isCancelled: use.isCancelled) {
                    ticks += 1
                    guard ticks.isMultiple(of: 3) else { return }
                    use.progress(.fetching(done: min(total, Self.arrived(missing, place)), total: total))
                }
            }
        } catch {
            // What came whole before need not come again.
            for descriptor in missing {
                if let hex = try? descriptor.hex() { try? blobs.adopt("\(place)/blobs/sha256/\(hex)", as: descriptor) }
            }
            throw error
        }
        for descriptor in missing {
            let hex = try descriptor.hex()
            let path = "\(place)/blobs/sha256/\(hex)"
            if descriptor.digest == manifest.config.digest, unsafe access(path, F_OK) != 0 {
                // Of the older kind of manifests skopeo writes the configuration anew.
                try fetchConfiguration(content, descriptor, place, use)
            } else {
                try blobs.adopt(path, as: descriptor)
            }
        }
        use.progress(.fetching(done: total, total: total))
    }

    /// Puts the blob there, or a hole of its size.
    private func hold(_ descriptor: Descriptor, at path: String) throws(HostError) {
        if try blobs.has(descriptor), unsafe link(blobs.path(try descriptor.hex()), path) == 0 { return }
        let number = unsafe open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard number >= 0 else {
            if errno == EEXIST { return }
            throw storeError("open", path)
        }
        let file = OwnedFD(number)
        guard ftruncate(file.rawValue, Int(descriptor.size)) == 0 else { throw storeError("ftruncate", path) }
    }

    /// The bytes that are there of what is fetched.
    private static func arrived(_ missing: [Descriptor], _ place: String) -> Int64 {
        var bytes: Int64 = 0
        var status = stat()
        for descriptor in missing {
            guard let hex = try? descriptor.hex() else { continue }
            if unsafe lstat("\(place)/blobs/sha256/\(hex)", &status) == 0 { bytes += Int64(status.st_size) }
        }
        for name in (try? DirectoryTree.names(in: "\(place)/layout")) ?? [] where name.hasPrefix("oci-put-blob") {
            if unsafe lstat("\(place)/layout/\(name)", &status) == 0 { bytes += Int64(status.st_size) }
        }
        return bytes
    }

    private func fetchConfiguration(
        _ content: RegistryReference,
        _ descriptor: Descriptor,
        _ place: String,
        _ use: ImageUse
    ) throws(HostError) {
        let arguments = try common(content, place, ["inspect", "--config", "--raw"], tls: "--tls-verify=false")
        let bytes = try again(use) { () throws(HostError) in
            try skopeo.run(arguments + [source(content)], in: place, isCancelled: use.isCancelled)
        }
        guard "sha256:\(SHA256.hex(of: bytes))" == descriptor.digest else {
            throw HostError(.dataLoss, .image, "configuration \(descriptor.digest) came as other bytes")
        }
        try blobs.put(bytes)
    }

    private func fetchManifest(_ reference: RegistryReference, _ use: ImageUse) throws(HostError) -> [UInt8] {
        try refuseOffline(reference, "its manifest is not in the store")
        let making = try StagingDirectory(in: "\(store)/staging", named: "resolve")
        let place = making.path
        let arguments = try common(reference, place, ["inspect", "--raw"], tls: "--tls-verify=false")
        let bytes = try again(use) { () throws(HostError) in
            try skopeo.run(arguments + [source(reference)], in: place, isCancelled: use.isCancelled)
        }
        if let digest = reference.digest, "sha256:\(SHA256.hex(of: bytes))" != digest {
            throw HostError(.dataLoss, .image, "the registry gave another manifest than \(digest)")
        }
        try blobs.put(bytes)
        return bytes
    }

    /// What every call has: the platform, whom to trust, and the credentials by file, never in the arguments.
    private func common(
        _ reference: RegistryReference,
        _ place: String,
        _ command: [String],
        tls: String
    ) throws(HostError) -> [String] {
        var arguments = ["--override-os", "linux", "--override-arch", ImageIndex.architecture]
        // The operator's policy of signatures, where there is one.
        if unsafe access("/etc/containers/policy.json", F_OK) != 0 { arguments.append("--insecure-policy") }
        arguments += command
        let asked = settings.asked(reference)
        if asked.isPlain { arguments.append(tls) }
        if let file = try RegistryCredentials.find(asked.reference, settings) {
            let path = "\(place)/auth.json"
            do throws(SyscallError) { try AtomicFile.write(file, to: path, mode: 0o400) } catch {
                throw storeError(error)
            }
            arguments += ["--authfile", path]
        } else {
            arguments.append(command.first == "copy" ? "--src-no-creds" : "--no-creds")
        }
        return arguments
    }

    private func again<Value>(
        _ use: ImageUse,
        _ body: () throws(HostError) -> Value
    ) throws(HostError) -> Value {
        for pause in Self.pauses {
            do throws(HostError) { return try body() } catch {
                guard error.code == .unavailable else { throw error }
            }
            for _ in 0..<pause {
                if use.isCancelled() { throw HostError(.cancelled, nil, "the pull was cancelled") }
                usleep(100_000)
            }
        }
        return try body()
    }

    /// What skopeo calls it.
    private func source(_ reference: RegistryReference) -> String {
        "docker://\(settings.asked(reference).reference.text)"
    }

    private func refuseOffline(_ reference: RegistryReference, _ why: String) throws(HostError) {
        guard settings.isOffline else { return }
        throw HostError(
            .failedPrecondition,
            .image,
            "the host is offline (--offline) and \(why): pull \(reference.text) once while it is not"
        )
    }

    private struct Memory: Codable {
        var reference: String
        var digest: String
    }

    private func memory(_ reference: RegistryReference) -> String {
        "\(store)/refs/\(SHA256.hex(of: Array(reference.text.utf8)))"
    }

    /// What the tag meant when it was asked last.
    private func remembered(_ reference: RegistryReference) throws(HostError) -> String {
        guard let bytes = try? BlobStore.document(memory(reference)),
            let memory: Memory = try? decodeDocument(bytes, "memory")
        else {
            throw HostError(
                .failedPrecondition,
                .image,
                "the host is offline (--offline) and never asked what \(reference.text) is: name a digest, or pull it once"
            )
        }
        return memory.digest
    }

    private func remember(_ reference: RegistryReference, _ digest: String) throws(HostError) {
        if (try? remembered(reference)) == digest { return }
        guard let bytes = try? JSONEncoder().encode(Memory(reference: reference.text, digest: digest)) else { return }
        try DirectoryTree.make("\(store)/refs")
        do throws(SyscallError) { try AtomicFile.write([UInt8](bytes), to: memory(reference)) } catch {
            throw storeError(error)
        }
    }

    /// Forgets the tags that meant one of those digests.
    func forget(_ digests: Set<String>) {
        for name in (try? DirectoryTree.names(in: "\(store)/refs")) ?? [] {
            let path = "\(store)/refs/\(name)"
            guard let bytes = try? BlobStore.document(path), let memory: Memory = try? decodeDocument(bytes, name),
                digests.contains(memory.digest)
            else { continue }
            _ = unsafe unlink(path)
        }
    }
}
