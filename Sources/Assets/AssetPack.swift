import Glibc
public import HostErrors
import SystemLayer
import Transfer

/// Assets in one file, read by slice: `SAPK`, a canonical header, and a payload that is never wholly in memory.
///
/// - Source: semantics §4.7.
public final class AssetPack: Sendable {
    static let magic: [UInt8] = [0x53, 0x41, 0x50, 0x4B]
    static let preludeSize: UInt64 = 32
    static let headerLimit: UInt64 = 16 << 20

    /// Where it was opened.
    public let path: String
    /// By ascending id.
    public let assets: [PackedAsset]
    /// What is published at start, in order.
    public let preload: [PackPreload]
    /// Where the payload begins.
    let payloadOffset: UInt64
    private let file: OwnedFD

    /// Opens a pack and checks everything of it but the contents of its assets; blocks.
    ///
    /// - Parameter path: a regular file.
    /// - Throws: FAILED_PRECONDITION, with the rule's name first in the message and as `pack.code` in the context.
    public init(path: String) throws(HostError) {
        let number = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)
        guard number >= 0 else {
            let code: HostError.Code = errno == ENOENT ? .notFound : .failedPrecondition
            throw HostError(
                code,
                .asset,
                "asset pack \(path): \(SyscallError("open", errno))",
                context: ["pack.code": "unreadable"]
            )
        }
        file = OwnedFD(number)
        self.path = path
        var status = stat()
        guard unsafe fstat(number, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            throw HostError(
                .failedPrecondition,
                .asset,
                "asset pack \(path): no regular file",
                context: ["pack.code": "unreadable"]
            )
        }
        do throws(PackFault) {
            let reader = PackReader(descriptor: number, size: UInt64(status.st_size))
            let prelude = try reader.prelude()
            let header = try reader.header(prelude)
            let table = try PackTable(header, payload: UInt64(status.st_size) - prelude.payloadOffset)
            assets = table.assets
            preload = table.preload
            payloadOffset = prelude.payloadOffset
        } catch { throw error.error(path) }
    }

    /// The asset of that digest.
    ///
    /// - Parameter sha256: 64 lower-case hex digits.
    /// - Returns: the first, by id.
    public func asset(sha256: String) -> PackedAsset? { assets.first { $0.sha256 == sha256 } }

    /// Reads a part of an asset, whole or not at all; blocks.
    ///
    /// - Parameters:
    ///   - asset: of this pack.
    ///   - offset: from the asset's start.
    ///   - length: how many bytes.
    /// - Returns: that many.
    /// - Throws: OUT_OF_RANGE past the asset's end, DATA_LOSS where the file has shrunk, INTERNAL where it cannot be read.
    public func read(_ asset: PackedAsset, offset: UInt64, length: Int) throws(HostError) -> [UInt8] {
        guard length >= 0, offset <= asset.size, UInt64(length) <= asset.size - offset else {
            throw HostError(
                .outOfRange,
                .asset,
                "asset \(asset.name) has \(asset.size) bytes: \(length) at \(offset) are not all its own"
            )
        }
        do throws(SyscallError) {
            let bytes = try readAt(file.rawValue, payloadOffset + asset.offset + offset, length)
            guard bytes.count == length else { throw SyscallError("pread", ENODATA, path) }
            return bytes
        } catch {
            throw HostError(error.errno == ENODATA ? .dataLoss : .internal, .asset, "asset pack \(path): \(error)")
        }
    }

    /// Gives an asset's bytes in order, 64 KiB at most at a time; blocks.
    func forEachPiece(_ asset: PackedAsset, _ body: ([UInt8]) throws(HostError) -> Void) throws(HostError) {
        var offset: UInt64 = 0
        while offset < asset.size {
            let piece = try read(asset, offset: offset, length: Int(min(65536, asset.size - offset)))
            try body(piece)
            offset += UInt64(piece.count)
        }
    }

    /// Compares an asset's bytes with its digest; blocks.
    ///
    /// - Parameter asset: of this pack.
    /// - Throws: DATA_LOSS `asset_corrupt`, or what reading throws.
    public func verify(_ asset: PackedAsset) throws(HostError) {
        var digest = SHA256Stream()
        var offset: UInt64 = 0
        while offset < asset.size {
            let piece = try read(asset, offset: offset, length: Int(min(65536, asset.size - offset)))
            digest.update(piece)
            offset += UInt64(piece.count)
        }
        guard digest.finishHex() == asset.sha256 else {
            throw PackFault(.assetCorrupt, "asset \(asset.id) (\(asset.name)) is not what its sha256 says").error(path)
        }
    }
}

/// The first bytes of a pack.
struct PackPrelude: Equatable {
    let headerLength: UInt64
    let payloadOffset: UInt64

    /// Where the payload begins behind a header of that length: on a boundary of 64 bytes.
    static func payloadOffset(headerLength: UInt64) -> UInt64 { (AssetPack.preludeSize + headerLength + 63) & ~63 }
}

/// Reads prelude and header of an open file.
struct PackReader {
    let descriptor: CInt
    let size: UInt64

    func prelude() throws(PackFault) -> PackPrelude {
        let bytes = try read(0, Int(min(size, AssetPack.preludeSize)))
        guard bytes.count == AssetPack.preludeSize else {
            throw PackFault(.truncatedPrelude, "the file has \(bytes.count) bytes, a prelude 32")
        }
        func number(_ at: Int, _ count: Int) -> UInt64 {
            bytes[at..<at + count].reversed().reduce(0) { $0 << 8 | UInt64($1) }
        }
        guard bytes.starts(with: AssetPack.magic) else {
            throw PackFault(.badMagic, "the file does not begin with SAPK")
        }
        guard number(4, 4) == 1 else { throw PackFault(.unsupportedVersion, "version \(number(4, 4)); this reads 1") }
        guard number(12, 4) == 0, number(24, 8) == 0 else {
            throw PackFault(.reservedNonzero, "flags or the reserved word are set")
        }
        let length = number(8, 4)
        guard length > 0, length <= AssetPack.headerLimit, AssetPack.preludeSize + length <= size else {
            throw PackFault(.badHeaderLength, "header_len is \(length) in a file of \(size) bytes")
        }
        let offset = number(16, 8)
        let wanted = PackPrelude.payloadOffset(headerLength: length)
        guard offset == wanted, offset <= size else {
            throw PackFault(.badPayloadOffset, "payload_offset is \(offset), not \(wanted), in a file of \(size) bytes")
        }
        return PackPrelude(headerLength: length, payloadOffset: offset)
    }

    func header(_ prelude: PackPrelude) throws(PackFault) -> [UInt8] {
        let all = try read(AssetPack.preludeSize, Int(prelude.payloadOffset - AssetPack.preludeSize))
        guard all.dropFirst(Int(prelude.headerLength)).allSatisfy({ $0 == 0 }) else {
            throw PackFault(.badPayloadOffset, "there is something between header and payload")
        }
        return Array(all.prefix(Int(prelude.headerLength)))
    }

    /// A file that shrinks while it is read is one that ends too early.
    private func read(_ offset: UInt64, _ count: Int) throws(PackFault) -> [UInt8] {
        let bytes: [UInt8]
        do throws(SyscallError) { bytes = try readAt(descriptor, offset, count) } catch {
            throw PackFault(.truncatedPrelude, "\(error)")
        }
        guard bytes.count == count else { throw PackFault(.truncatedPrelude, "the file shrank") }
        return bytes
    }
}

/// Reads that many bytes from there; fewer only where the file ends.
func readAt(_ descriptor: CInt, _ offset: UInt64, _ count: Int) throws(SyscallError) -> [UInt8] {
    var failure: CInt = 0
    let bytes = unsafe [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
        filled = 0
        while filled < count {
            let got = unsafe pread(
                descriptor,
                buffer.baseAddress?.advanced(by: filled),
                count - filled,
                off_t(offset) + off_t(filled)
            )
            if got < 0, errno == EINTR { continue }
            if got < 0 { failure = errno }
            if got <= 0 { return }
            filled += got
        }
    }
    guard failure == 0 else { throw SyscallError("pread", failure) }
    return bytes
}
