import CZstd
import Glibc
public import HostErrors
import SystemLayer

/// Writes the windows of one snapshot file: each the pages that are not zero, compressed or not.
///
/// What comes is a row of frames: u64 window, u64 mask of its pages, u32 stored bytes, u32 payload bytes, the stored
/// bytes; all little-endian. Stored bytes as many as the payload's are the payload.
public struct ChunkDecoder: ~Copyable {
    /// The size of a page.
    public static let page = 4096
    /// The most pages of a window: the bits of a mask.
    public static let most = 64
    private let output: CInt
    private let size: Int64
    private let pages: Int

    /// Makes one.
    ///
    /// - Parameters:
    ///   - output: an empty regular file, open for writing.
    ///   - size: the size that it gets.
    ///   - pages: how many pages a window has, at most 64.
    public init(output: CInt, size: Int64, pages: Int) {
        self.output = output
        self.size = size
        self.pages = pages
    }

    /// Reads the frames to their end.
    ///
    /// - Parameter input: the frames' descriptor.
    /// - Throws: INVALID_ARGUMENT for what is no such frame, RESOURCE_EXHAUSTED on a full disk.
    public consuming func decode(from input: CInt) throws(HostError) {
        guard size >= 0, (1...Self.most).contains(pages) else {
            throw HostError(.invalidArgument, nil, "a file of \(size) bytes in windows of \(pages) pages is none")
        }
        guard ftruncate(output, off_t(size)) == 0 else { throw storeError("ftruncate", "snapshot file") }
        guard let context = unsafe ZSTD_createDCtx() else { throw HostError(.resourceExhausted, nil, "out of memory") }
        defer { unsafe _ = ZSTD_freeDCtx(context) }
        let window = pages * Self.page
        var payload = [UInt8](repeating: 0, count: window)
        var source = BufferedSource(input)
        while true {
            let head = try source.take(24)
            if head.isEmpty { return }
            guard head.count == 24 else { throw HostError(.invalidArgument, nil, "a chunk is short") }
            let number = Self.number(head, 0, 8)
            let mask = Self.number(head, 8, 8)
            let stored = Int(Self.number(head, 16, 4))
            let length = Int(Self.number(head, 20, 4))
            let start = number.multipliedReportingOverflow(by: UInt64(window))
            let isGood =
                !start.overflow && start.partialValue < UInt64(size) && length > 0 && stored > 0 && stored <= length
                && length == mask.nonzeroBitCount * Self.page && mask >> UInt64(pages - 1) <= 1
            guard isGood else { throw HostError(.invalidArgument, nil, "a chunk is out of range") }
            let bytes = try source.take(stored)
            guard bytes.count == stored else { throw HostError(.invalidArgument, nil, "a chunk is short") }
            if stored == length {
                try place(bytes, mask, Int64(start.partialValue))
            } else {
                let made = unsafe payload.withUnsafeMutableBytes { room in
                    unsafe bytes.withUnsafeBytes { from in
                        unsafe ZSTD_decompressDCtx(context, room.baseAddress, room.count, from.baseAddress, from.count)
                    }
                }
                guard ZSTD_isError(made) == 0, made == length else {
                    throw HostError(.invalidArgument, nil, "a chunk is damaged")
                }
                try place(payload[0..<length], mask, Int64(start.partialValue))
            }
        }
    }

    /// Writes each row of pages at its place; the last page may go past the end of the file.
    private func place(_ payload: ArraySlice<UInt8>, _ mask: UInt64, _ start: Int64) throws(HostError) {
        var index = 0
        var taken = 0
        while index < pages {
            guard mask >> UInt64(index) & 1 == 1 else {
                index += 1
                continue
            }
            var count = 1
            while index + count < pages, mask >> UInt64(index + count) & 1 == 1 { count += 1 }
            let offset = start + Int64(index * Self.page)
            guard offset < size else { throw HostError(.invalidArgument, nil, "a page is past the end of the file") }
            let length = Int(min(Int64(count * Self.page), size - offset))
            let first = payload.startIndex + taken
            try writePages(payload[first..<(first + length)], offset, output)
            taken += count * Self.page
            index += count
        }
    }

    private static func number(_ bytes: ArraySlice<UInt8>, _ offset: Int, _ count: Int) -> UInt64 {
        let start = bytes.startIndex + offset
        return bytes[start..<(start + count)].reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
    }
}

/// Reads ahead, so that a frame is seldom more than one system call.
private struct BufferedSource: ~Copyable {
    private let descriptor: CInt
    private var bytes: [UInt8] = []
    private var at = 0

    init(_ descriptor: CInt) { self.descriptor = descriptor }

    /// Exactly so many bytes; fewer only at the end.
    mutating func take(_ count: Int) throws(HostError) -> ArraySlice<UInt8> {
        if bytes.count - at < count {
            bytes.removeFirst(at)
            at = 0
            while bytes.count < count {
                let some: [UInt8]
                do throws(SyscallError) { some = try readSome(1 << 19, from: descriptor) } catch {
                    throw storeError(error)
                }
                if some.isEmpty { break }
                bytes += some
            }
        }
        let end = min(at + count, bytes.count)
        defer { at = end }
        return bytes[at..<end]
    }
}
