import FoundationEssentials
import Glibc
import HostErrors
import SystemLayer

/// What the store knows of one image: `images/<hex digits of its manifest>`; the file's time is its last use.
struct ImageRecord: Codable, Sendable, Equatable {
    /// What it was called, newest last.
    var references: [String]
    /// The digests of its manifest and of the indices that led to it.
    var chain: [String]
    var manifest: ImageManifest

    /// The most names that are kept.
    static let maxReferences = 16

    /// The manifest's own digest.
    var digest: String { chain.last ?? "" }
}

/// Who keeps an image: the pin file of one actor.
struct ImagePins: Codable, Sendable, Equatable {
    struct Pin: Codable, Sendable, Equatable {
        /// As the request had it.
        var reference: String
        /// What it meant.
        var digest: String
        /// The manifest's digest.
        var manifest: String
        /// The names of its layers' directories.
        var layers: [String]
    }
    /// For people: the actor's name.
    var owner: String
    var images: [Pin]
}

/// The store's small files.
struct RecordStore: Sendable {
    let store: String
    /// The directory that actors' directories are in.
    let actors: String

    private var images: String { "\(store)/images" }

    /// All images, by the hex digits of their manifests.
    func all() -> [String: (record: ImageRecord, lastUsed: Int64)] {
        var found: [String: (record: ImageRecord, lastUsed: Int64)] = [:]
        for name in (try? DirectoryTree.names(in: images)) ?? [] where name.utf8.count == 64 {
            guard let record = read(name) else { continue }
            var status = stat()
            guard unsafe lstat("\(images)/\(name)", &status) == 0 else { continue }
            found[name] = (record, Int64(status.st_mtim.tv_sec))
        }
        return found
    }

    func read(_ hex: String) -> ImageRecord? {
        guard let bytes = try? BlobStore.document("\(images)/\(hex)") else { return nil }
        return try? decodeDocument(bytes, hex)
    }

    /// Writes what is new of an image, or notes that it is used.
    func note(_ reference: String, _ chain: [String], _ manifest: ImageManifest) throws(HostError) {
        let hex = String((chain.last ?? "").dropFirst(7))
        var record = read(hex) ?? ImageRecord(references: [], chain: chain, manifest: manifest)
        if record.references.last != reference || record.chain != chain {
            record.references.removeAll { $0 == reference }
            record.references = (record.references + [reference]).suffix(ImageRecord.maxReferences)
            // By its own digest it is one chain, by an index's another: the longer one has both.
            if chain.count >= record.chain.count { record.chain = chain }
            try write(record, "\(images)/\(hex)")
        } else {
            _ = unsafe utimensat(AT_FDCWD, "\(images)/\(hex)", nil, 0)
        }
    }

    func remove(_ hex: String) { _ = unsafe unlink("\(images)/\(hex)") }

    /// What every actor keeps.
    func pins() -> [ImagePins] {
        ((try? DirectoryTree.names(in: actors)) ?? []).compactMap { pins(ImageStore.pinFile("\(actors)/\($0)")) }
    }

    func pins(_ path: String) -> ImagePins? {
        guard let bytes = try? BlobStore.document(path) else { return nil }
        return try? decodeDocument(bytes, path)
    }

    /// Replaces a small file.
    ///
    /// Not durable: what a power loss takes is an image that is fetched again, and an actor that is no more.
    func write(_ value: some Encodable, _ path: String) throws(HostError) {
        guard let bytes = try? JSONEncoder().encode(value) else { return }
        let directory = path.split(separator: "/").dropLast().joined(separator: "/")
        try DirectoryTree.make("/\(directory)")
        let temporary = "\(path).tmp-\(getpid())-\(UInt32.random(in: 0 ... .max))"
        let number = unsafe open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard number >= 0 else { throw storeError("open", temporary) }
        let file = OwnedFD(number)
        do throws(SyscallError) {
            try writeAll([UInt8](bytes), to: file.rawValue)
            guard unsafe rename(temporary, path) == 0 else { throw SyscallError("rename", errno, path) }
        } catch {
            _ = unsafe unlink(temporary)
            throw storeError(error)
        }
    }
}
