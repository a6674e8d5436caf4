import Glibc
public import HostErrors
import Synchronization
import SystemLayer
import Transfer

/// The content-addressed cache of a backend's files: `<base>/static-files/<prefix><sha256>`.
///
/// A file is in the cache whole and verified, or not at all. Every call blocks: never on the cooperative pool.
/// - Source: contract §2; DESIGN decision 7 for the prefix.
public final class AssetCache: Sendable {
    /// The on-disk prefix of every asset: snapshots embed this path, so it never changes.
    static let prefix = "runsc-"

    /// What makes a file that was verified still that file.
    struct Stamp: Hashable {
        var inode: UInt64
        var size: Int64
        var seconds: Int
        var nanoseconds: Int
    }

    private let directory: String
    private let source: AssetSource
    private let maxBytes: Int64
    private let verified = Mutex<[String: Stamp]>([:])
    private let flights = SingleFlight()

    /// Opens the cache and sweeps what a crash left half made.
    ///
    /// - Parameters:
    ///   - baseDirectory: the host's state directory.
    ///   - roots: directories beneath which `file://` is allowed (`--asset-root`).
    ///   - maxBytes: the largest asset, 8 GiB unless a test lowers it.
    public init(baseDirectory: String, roots: [String], maxBytes: Int64 = 8 << 30) {
        directory = "\(baseDirectory)/static-files"
        source = AssetSource(roots: roots)
        self.maxBytes = maxBytes
        sweep()
    }

    /// Where the asset of that digest is, or would be.
    ///
    /// The contract's `CachedAssetPath`; digests of either case give one path.
    /// - Parameter sha256: 64 hex digits, validated by `validateAssetHash`.
    /// - Returns: an absolute path, lower-cased.
    public func cachedAssetPath(_ sha256: String) -> String { "\(directory)/\(Self.prefix)\(sha256.lowercased())" }

    /// Has the asset in the cache when it returns; blocks.
    ///
    /// Callers that want one digest at once share one transfer.
    /// - Parameters:
    ///   - name: the asset's name, for the error's text.
    ///   - url: where it comes from: `file://` beneath a root.
    ///   - sha256: 64 hex digits of either case.
    /// - Returns: the file's path: mode 0755, verified against the digest in this process.
    /// - Throws: INVALID_ARGUMENT for a bad digest or URL, PERMISSION_DENIED outside the roots, NOT_FOUND,
    ///   RESOURCE_EXHAUSTED over the cap, DATA_LOSS where the bytes are others. Nothing is in the cache then.
    public func ensure(name: String, url: String, sha256: String) throws(HostError) -> String {
        try validateAssetHash(sha256)
        let digest = sha256.lowercased()
        let path = cachedAssetPath(digest)
        do throws(HostError) {
            try flights.run(digest) { () throws(HostError) in
                if try isVerified(path, digest) { return }
                try fetch(url, digest, path)
            }
        } catch {
            throw HostError(
                error.code,
                error.reason,
                "while fetching sandbox asset \"\(name)\": \(error.message)",
                context: error.context
            )
        }
        return path
    }

    /// Whether the entry is there and is what its name says; a corrupt one is removed.
    private func isVerified(_ path: String, _ digest: String) throws(HostError) -> Bool {
        guard let stamp = Self.stamp(path) else { return false }
        if verified.withLock({ $0[digest] == stamp }) { return true }
        guard try SHA256.hex(ofFile: path) == digest else {
            guard unsafe unlink(path) == 0 || errno == ENOENT else { throw storeError("unlink", path) }
            return false
        }
        verified.withLock { $0[digest] = stamp }
        return true
    }

    /// The stamp of a regular file; a directory or a link in its place is removed, since no entry is one.
    private static func stamp(_ path: String) -> Stamp? {
        var status = stat()
        guard unsafe lstat(path, &status) == 0 else { return nil }
        guard status.st_mode & S_IFMT == S_IFREG else {
            try? DirectoryTree.remove(path)
            return nil
        }
        return Stamp(
            inode: UInt64(status.st_ino),
            size: Int64(status.st_size),
            seconds: status.st_mtim.tv_sec,
            nanoseconds: status.st_mtim.tv_nsec
        )
    }

    private func fetch(_ url: String, _ digest: String, _ path: String) throws(HostError) {
        let input = try source.open(url)
        try DirectoryTree.make(directory)
        _ = unsafe chmod(directory, 0o700)
        let temporary = "\(path)-download-\(getpid())-\(UInt32.random(in: 0 ... .max))"
        let number = unsafe open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard number >= 0 else { throw storeError("open", temporary) }
        do throws(HostError) {
            let output = OwnedFD(number)
            let got = try copy(from: input.rawValue, to: number)
            guard got == digest else {
                throw HostError(.dataLoss, .asset, "sha256 mismatch; got=\(got) want=\(digest)")
            }
            do throws(SyscallError) {
                guard fchmod(number, 0o755) == 0 else { throw SyscallError("fchmod", errno, temporary) }
                guard fsync(number) == 0 else { throw SyscallError("fsync", errno, temporary) }
                try output.close()
                guard unsafe rename(temporary, path) == 0 else { throw SyscallError("rename", errno, path) }
                try AtomicFile.syncDirectory(directory)
            } catch { throw storeError(error) }
        } catch {
            _ = unsafe unlink(temporary)
            throw error
        }
        if let stamp = Self.stamp(path) { verified.withLock { $0[digest] = stamp } }
    }

    /// Copies at most the cap, and says what came.
    private func copy(from input: CInt, to output: CInt) throws(HostError) -> String {
        var stream = SHA256Stream()
        var total: Int64 = 0
        do throws(SyscallError) {
            while true {
                let some = try readSome(1 << 18, from: input)
                if some.isEmpty { return stream.finishHex() }
                total += Int64(some.count)
                if total > maxBytes { break }
                stream.update(some)
                try writeAll(some, to: output)
            }
        } catch { throw storeError(error) }
        throw HostError(.resourceExhausted, .asset, "asset is larger than the limit of \(maxBytes) bytes")
    }

    /// Removes downloads that a crash left; entries stay.
    private func sweep() {
        guard let names = try? DirectoryTree.names(in: directory) else { return }
        for name in names where name.hasPrefix(Self.prefix) && name.contains("-download-") {
            _ = unsafe unlink("\(directory)/\(name)")
        }
    }
}
