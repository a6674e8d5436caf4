import Glibc
import HostErrors
import SystemLayer
import Transfer

/// Content by digest: `<directory>/<64 hex digits>`, one file each, verified whenever it is used.
struct BlobStore: Sendable {
    /// The most of any JSON document that is read.
    static let maxDocument = 4 << 20
    /// Absolute.
    let directory: String

    /// Where content is, or would be.
    func path(_ hex: String) -> String { "\(directory)/\(hex)" }

    /// Whether content of that name and size is there.
    func has(_ descriptor: Descriptor) throws(HostError) -> Bool {
        var status = stat()
        guard unsafe lstat(path(try descriptor.hex()), &status) == 0 else { return false }
        return status.st_mode & S_IFMT == S_IFREG && Int64(status.st_size) == descriptor.size
    }

    /// A small blob, verified.
    func read(_ descriptor: Descriptor) throws(HostError) -> [UInt8] {
        let hex = try descriptor.hex()
        let bytes = try Self.document(path(hex))
        guard Int64(bytes.count) == descriptor.size, SHA256.hex(of: bytes) == hex else { throw Self.wrong(descriptor) }
        return bytes
    }

    /// A small blob of any size, verified; nil where it is absent or other bytes.
    func readIfPresent(_ hex: String) -> [UInt8]? {
        guard let bytes = try? Self.document(path(hex)), SHA256.hex(of: bytes) == hex else { return nil }
        return bytes
    }

    /// A blob of any size, verified, open at its start.
    func open(_ descriptor: Descriptor) throws(HostError) -> OwnedFD {
        let hex = try descriptor.hex()
        let file = try Self.file(path(hex))
        var status = stat()
        guard unsafe fstat(file.rawValue, &status) == 0 else { throw storeError("fstat", hex) }
        guard Int64(status.st_size) == descriptor.size,
            try SHA256.hex(ofDescriptor: file.rawValue, named: hex) == hex
        else { throw Self.wrong(descriptor) }
        guard lseek(file.rawValue, 0, SEEK_SET) == 0 else { throw storeError("lseek", hex) }
        return file
    }

    /// Takes a file over as the content of that digest.
    ///
    /// - Parameters:
    ///   - path: on the same file system; gone afterwards.
    ///   - descriptor: what it must be.
    /// - Throws: DATA_LOSS where it is something else: nothing is kept then.
    func adopt(_ path: String, as descriptor: Descriptor) throws(HostError) {
        let hex = try descriptor.hex()
        let file = try Self.file(path)
        var status = stat()
        guard unsafe fstat(file.rawValue, &status) == 0 else { throw storeError("fstat", path) }
        guard Int64(status.st_size) == descriptor.size,
            try SHA256.hex(ofDescriptor: file.rawValue, named: hex) == hex
        else { throw Self.wrong(descriptor) }
        // Not synced: what a power loss takes is found to be other bytes, and fetched again.
        guard fchmod(file.rawValue, 0o444) == 0, unsafe rename(path, self.path(hex)) == 0 else {
            throw storeError("rename", hex)
        }
    }

    /// Keeps bytes under their digest.
    ///
    /// - Returns: the digest's hex digits.
    @discardableResult
    func put(_ bytes: [UInt8]) throws(HostError) -> String {
        let hex = SHA256.hex(of: bytes)
        try DirectoryTree.make(directory)
        do throws(SyscallError) { try AtomicFile.write(bytes, to: path(hex), mode: 0o444) } catch {
            throw storeError(error)
        }
        return hex
    }

    /// Forgets what was found to be other bytes; what is absent is fine.
    func remove(_ hex: String) { _ = unsafe unlink(path(hex)) }

    private static func wrong(_ descriptor: Descriptor) -> HostError {
        HostError(.dataLoss, .image, "blob \(descriptor.digest) is not what its digest and size say")
    }

    /// A regular file, open for reading.
    static func file(_ path: String) throws(HostError) -> OwnedFD {
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

    /// The whole of a small file.
    static func document(_ path: String) throws(HostError) -> [UInt8] {
        let file = try file(path)
        do throws(SyscallError) { return try readAll(from: file.rawValue, limit: maxDocument) } catch {
            throw HostError(.invalidArgument, .image, "cannot read \(path): \(error)")
        }
    }
}
