public import Assets
import Glibc
package import HostErrors
import Synchronization
import SystemLayer

/// Where scripts find the assets of packs: the host's cache, which is opened beside the scripts.
public final class AssetShelf: Sendable {
    private let cache = Mutex<AssetCache?>(nil)

    /// Makes an empty one.
    public init() {}

    /// Fills it; before any verb.
    ///
    /// - Parameter cache: the host's.
    public func put(_ cache: AssetCache) { self.cache.withLock { $0 = cache } }

    /// What it was filled with.
    var content: AssetCache? { cache.withLock { $0 } }
}

/// Which asset a script means.
package enum AssetQuery: Sendable, Equatable {
    /// Its name.
    case name(String)
    /// Where a pack preloads it to.
    case slot(bank: String, slot: UInt8)
}

/// The bytes of an asset, read in parts.
package protocol AssetBytes: Sendable {
    /// How many there are.
    var size: Int64 { get }
    /// A part: all of it, or a failure.
    func read(offset: Int64, length: Int) throws(HostError) -> [UInt8]
}

extension ShelvedAsset: AssetBytes {}

/// A file of the cache, held open: what is removed or replaced meanwhile is still read whole.
final class CachedBytes: AssetBytes {
    private let file: OwnedFD
    let size: Int64

    /// Opens one.
    ///
    /// - Parameter path: in the cache.
    /// - Throws: NOT_FOUND where it is none, INTERNAL where it cannot be opened.
    init(_ path: String) throws(HostError) {
        let number = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
        guard number >= 0 else {
            throw HostError(errno == ENOENT ? .notFound : .internal, .asset, "\(path): \(SyscallError("open", errno))")
        }
        file = OwnedFD(number)
        var status = stat()
        guard unsafe fstat(number, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            throw HostError(.notFound, .asset, "\(path) is no file: an archive's asset is a directory")
        }
        size = Int64(status.st_size)
    }

    func read(offset: Int64, length: Int) throws(HostError) -> [UInt8] {
        let read: ByteTransfer.Read
        do throws(SyscallError) {
            read = try ByteTransfer.read(file.rawValue, at: offset, most: length)
        } catch { throw HostError(.internal, .asset, "the asset cannot be read: \(error)") }
        guard read.bytes.count == length else {
            throw HostError(.dataLoss, .asset, "the asset is shorter than it was")
        }
        return read.bytes
    }
}

/// An asset that a verb holds; let go, a load that was not committed is given up.
final class HeldAsset {
    /// What it is held for.
    enum Use {
        /// To be read.
        case open(any AssetBytes)
        /// To be published.
        case staged(StagedAsset)
    }
    /// What messages call it.
    let name: String
    let use: Use

    init(_ name: String, _ use: Use) {
        self.name = name
        self.use = use
    }

    deinit { if case .staged(let staged) = use { staged.cancel() } }
}
