import CZstd
import Glibc
import HostErrors
import SystemLayer

/// One zstd stream of a stranger's, read in bounded pieces; frames one after another are one stream.
@safe struct ZstdReader: ~Copyable {
    /// What a frame may ask for: 32 MiB, four times what the best compressor of the Go daemon uses.
    static let windowBits: Int32 = 25
    private static let step = 1 << 17
    private let context: OpaquePointer
    private var source: ByteSource
    private var input: [UInt8] = []
    private var at = 0
    /// Whether the last frame that was begun has ended.
    private var isBetweenFrames = true
    private var hasEnded = false
    private var output: [UInt8]
    private var taken = 0
    private var filled = 0

    init(_ source: consuming ByteSource) throws(HostError) {
        guard let made = unsafe ZSTD_createDCtx() else { throw HostError(.resourceExhausted, nil, "out of memory") }
        unsafe context = made
        self.source = source
        output = [UInt8](repeating: 0, count: Self.step)
        _ = unsafe ZSTD_DCtx_setParameter(context, ZSTD_d_windowLogMax, Self.windowBits)
    }

    deinit { unsafe _ = ZSTD_freeDCtx(context) }

    /// The next bytes, at most so many; empty at the end of the stream.
    mutating func some(_ most: Int) throws(HostError) -> ArraySlice<UInt8> {
        while taken == filled {
            if hasEnded { return [] }
            try refill()
        }
        let count = min(most, filled - taken)
        defer { taken += count }
        return output[taken..<(taken + count)]
    }

    /// Exactly so many bytes.
    ///
    /// - Throws: INVALID_ARGUMENT where the stream ends before.
    mutating func exactly(_ count: Int) throws(HostError) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(count)
        while bytes.count < count {
            let some = try some(count - bytes.count)
            guard !some.isEmpty else { throw HostError(.invalidArgument, nil, "the stream ends in the middle") }
            bytes += some
        }
        return bytes
    }

    private mutating func refill() throws(HostError) {
        if at == input.count {
            input = try source.some(Self.step)
            at = 0
            if input.isEmpty {
                guard isBetweenFrames else {
                    throw HostError(.invalidArgument, nil, "the compressed stream ends in the middle")
                }
                hasEnded = true
                return
            }
        }
        var from = unsafe ZSTD_inBuffer()
        var into = unsafe ZSTD_outBuffer()
        let code = unsafe input.withUnsafeBytes { bytes in
            unsafe output.withUnsafeMutableBytes { room in
                unsafe from.src = bytes.baseAddress
                unsafe from.size = bytes.count
                unsafe from.pos = at
                unsafe into.dst = room.baseAddress
                unsafe into.size = room.count
                unsafe into.pos = 0
                return unsafe ZSTD_decompressStream(context, &into, &from)
            }
        }
        guard ZSTD_isError(code) == 0 else {
            throw HostError(
                .invalidArgument,
                nil,
                "the compressed stream is damaged: \(unsafe String(cString: ZSTD_getErrorName(code)))"
            )
        }
        at = unsafe from.pos
        taken = 0
        filled = unsafe into.pos
        isBetweenFrames = code == 0
    }
}

/// Bytes of a descriptor, after some that were read already.
struct ByteSource: ~Copyable {
    private let descriptor: CInt
    private var first: [UInt8]

    init(_ descriptor: CInt, after first: [UInt8] = []) {
        self.descriptor = descriptor
        self.first = first
    }

    /// The next bytes; empty at the end.
    mutating func some(_ most: Int) throws(HostError) -> [UInt8] {
        if !first.isEmpty {
            defer { first = [] }
            return first
        }
        do throws(SyscallError) { return try readSome(most, from: descriptor) } catch { throw storeError(error) }
    }

    /// Exactly so many bytes, or what there is before the end.
    mutating func upTo(_ count: Int) throws(HostError) -> [UInt8] {
        var bytes: [UInt8] = []
        while bytes.count < count {
            let some = try some(count - bytes.count)
            if some.isEmpty { break }
            bytes += some
        }
        return bytes
    }
}
