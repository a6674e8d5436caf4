import CZstd
import HostErrors

/// Compresses chunks, one after another; of one thread.
@safe final class Compressor {
    /// The fastest level that still finds what memory repeats; the Go daemon's too.
    static let level: Int32 = 1
    private let context: OpaquePointer
    private var room: [UInt8] = []

    init() throws(HostError) {
        guard let made = unsafe ZSTD_createCCtx() else { throw HostError(.resourceExhausted, nil, "out of memory") }
        unsafe context = made
        _ = unsafe ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, Self.level)
    }

    deinit { unsafe _ = ZSTD_freeCCtx(context) }

    /// One frame of these bytes, or the bytes themselves where that is no less.
    func compress(_ bytes: UnsafeRawBufferPointer) throws(HostError) -> [UInt8] {
        let bound = ZSTD_compressBound(bytes.count)
        if room.count < bound { room = [UInt8](repeating: 0, count: bound) }
        let count = unsafe room.withUnsafeMutableBytes { room in
            unsafe ZSTD_compress2(context, room.baseAddress, room.count, bytes.baseAddress, bytes.count)
        }
        guard ZSTD_isError(count) == 0 else {
            throw HostError(.internal, nil, "zstd: \(unsafe String(cString: ZSTD_getErrorName(count)))")
        }
        return count < bytes.count ? Array(room[0..<count]) : unsafe Array(bytes)
    }
}
