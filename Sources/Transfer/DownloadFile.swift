import Glibc
public import HostErrors
import SystemLayer

/// A file that is filled, digested and counted in one pass, and can begin again.
///
/// Used from one thread at a time.
public final class DownloadFile {
    /// Bytes that are in the file.
    public private(set) var received: Int64 = 0
    /// Bytes there will be, where the source said so.
    public var total: Int64?
    /// Told after each piece: how many bytes are here.
    public var onProgress: (() -> Void)?
    /// Whether nobody wants it any more: asked with each piece, and while none comes.
    public var isCancelled: @Sendable () -> Bool = { false }
    /// The largest that is taken.
    public let limit: Int64
    private let descriptor: CInt
    private var digest: SHA256Stream? = SHA256Stream()

    /// Makes one.
    ///
    /// - Parameters:
    ///   - descriptor: open for writing at its start, and for as long as this is used.
    ///   - limit: one byte more is refused.
    public init(descriptor: CInt, limit: Int64) {
        self.descriptor = descriptor
        self.limit = limit
    }

    /// Adds bytes.
    ///
    /// - Parameter bytes: the next, in order.
    /// - Throws: RESOURCE_EXHAUSTED over the limit or on a full disk, INTERNAL where it cannot be written, CANCELLED.
    public func append(_ bytes: UnsafeRawBufferPointer) throws(HostError) {
        if isCancelled() { throw cancelledTransfer }
        guard received + Int64(bytes.count) <= limit else { throw tooLarge }
        unsafe digest?.update(bytes)
        var offset = 0
        while offset < bytes.count {
            let count = unsafe write(descriptor, bytes.baseAddress?.advanced(by: offset), bytes.count - offset)
            if count < 0 {
                if errno == EINTR { continue }
                throw storeError("write", "the downloaded file")
            }
            offset += count
        }
        received += Int64(offset)
        onProgress?()
    }

    /// Adds bytes.
    ///
    /// - Parameter bytes: the next, in order.
    /// - Throws: as for bytes that are somebody else's.
    public func append(_ bytes: [UInt8]) throws(HostError) {
        let result = unsafe bytes.withUnsafeBytes { buffer -> Result<Void, HostError> in
            do throws(HostError) { return .success(unsafe try append(buffer)) } catch { return .failure(error) }
        }
        try result.get()
    }

    /// Refuses a source that says beforehand how large it is.
    ///
    /// - Parameter total: the size that the source names.
    /// - Throws: RESOURCE_EXHAUSTED over the limit.
    public func expect(_ total: Int64) throws(HostError) {
        guard total <= limit else { throw tooLarge }
        self.total = total
    }

    /// Forgets what came.
    ///
    /// - Throws: INTERNAL where the file cannot be cut.
    public func restart() throws(HostError) {
        guard ftruncate(descriptor, 0) == 0, lseek(descriptor, 0, SEEK_SET) == 0 else {
            throw storeError("ftruncate", "the downloaded file")
        }
        received = 0
        total = nil
        digest = SHA256Stream()
    }

    /// Ends the digest; nothing may be added afterwards unless it restarts.
    ///
    /// - Returns: 64 lower-case hex digits.
    public func finish() -> String { digest.take()?.finishHex() ?? "" }

    private var tooLarge: HostError {
        HostError(.resourceExhausted, .asset, "asset is larger than the limit of \(limit) bytes")
    }
}

/// What a transfer ends with that nobody wants any more.
let cancelledTransfer = HostError(.cancelled, nil, "the transfer was cancelled")
