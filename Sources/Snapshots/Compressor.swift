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

    /// Whether of 512 bytes, spread over all, nearly as many differ as do of noise, which has 221 of 256.
    ///
    /// It spares the attempt on what was compressed or enciphered already; who is mistaken for it costs space alone.
    private static func isNoise(_ bytes: UnsafeRawBufferPointer) -> Bool {
        guard bytes.count >= 4096 else { return false }
        // Odd, so that the bytes of words and of records take turns.
        let stride = (bytes.count / 512) | 1
        var seen = SIMD4<UInt64>()
        var at = 0
        for _ in 0..<512 where at < bytes.count {
            let byte = unsafe bytes[at]
            seen[Int(byte >> 6)] |= 1 << UInt64(byte & 63)
            at += stride
        }
        return (0..<4).reduce(0) { $0 + seen[$1].nonzeroBitCount } >= 205
    }

    /// One frame of these bytes, or the bytes themselves where that is no less.
    func compress(_ bytes: UnsafeRawBufferPointer) throws(HostError) -> [UInt8] {
        if unsafe Self.isNoise(bytes) { return unsafe Array(bytes) }
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
