import CArchive
import Glibc
public import HostErrors
import SystemLayer

/// Writes one snapshot file as the Go daemon stores it: its sparse extents, version 2, or plain zstd.
///
/// - Source: contract §6.3.
public struct SparseDecoder: ~Copyable {
    /// What a sparse object begins with.
    public static let magic = Array("ATESPRSE".utf8)
    /// The one version that there is.
    public static let version: UInt32 = 2
    /// What is written at once, and looked at for zeros.
    private static let block = 1 << 16
    private let output: CInt
    private let limit: Int64

    /// Makes one.
    ///
    /// - Parameters:
    ///   - output: a regular file, open for writing.
    ///   - limit: the largest size that it may get.
    public init(output: CInt, limit: Int64) {
        self.output = output
        self.limit = limit
    }

    /// Reads the object to its end; the file then has exactly its bytes and size.
    ///
    /// - Parameter input: the object's descriptor.
    /// - Throws: INVALID_ARGUMENT for what is no such object, RESOURCE_EXHAUSTED over the limit or on a full disk.
    public consuming func decode(from input: CInt) throws(HostError) {
        var status = stat()
        guard unsafe fstat(output, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            throw HostError(.invalidArgument, nil, "sparse snapshot destination is not a regular file")
        }
        try truncate(0)
        var source = ByteSource(input)
        let head = try source.upTo(Self.magic.count)
        guard head == Self.magic else {
            return try plain(ZstdReader(ByteSource(input, after: head)), isEmpty: head.isEmpty)
        }
        let version = try source.upTo(4)
        guard version.count == 4 else { throw HostError(.invalidArgument, nil, "sparse snapshot header is short") }
        let number = version.reversed().reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
        guard number == Self.version else {
            throw HostError(.invalidArgument, nil, "unsupported sparse snapshot format version \(number)")
        }
        try extents(ZstdReader(source))
    }

    private func extents(_ reader: consuming ZstdReader) throws(HostError) {
        let total = try Self.number(&reader)
        guard total >= 0 else { throw HostError(.invalidArgument, nil, "negative totalSize \(total)") }
        guard total <= limit else { throw tooLarge(total) }
        try truncate(total)
        while true {
            let offset = try Self.number(&reader)
            if offset == -1 { break }
            let length = try Self.number(&reader)
            guard offset >= 0, length >= 0, offset <= total, length <= total - offset else {
                throw HostError(
                    .invalidArgument,
                    nil,
                    "sparse extent out of range: offset \(offset), length \(length), totalSize \(total)"
                )
            }
            var at = offset
            let end = offset + length
            while at < end {
                let some = try reader.some(Int(min(Int64(Self.block), end - at)))
                guard !some.isEmpty else { throw HostError(.invalidArgument, nil, "sparse extent data is short") }
                try write(some, at: at)
                at += Int64(some.count)
            }
        }
        guard try reader.some(1).isEmpty else {
            throw HostError(.invalidArgument, nil, "bytes after the end of the sparse extents")
        }
    }

    private func plain(_ reader: consuming ZstdReader, isEmpty: Bool) throws(HostError) {
        guard !isEmpty else { throw HostError(.invalidArgument, nil, "the object is empty: it is no zstd stream") }
        var at: Int64 = 0
        while true {
            let some = try reader.some(Self.block)
            if some.isEmpty { break }
            guard at + Int64(some.count) <= limit else { throw tooLarge(at + Int64(some.count)) }
            if some.contains(where: { $0 != 0 }) { try write(some, at: at) }
            at += Int64(some.count)
        }
        try truncate(at)
    }

    private static func number(_ reader: inout ZstdReader) throws(HostError) -> Int64 {
        let bytes = try reader.exactly(8)
        return Int64(bitPattern: bytes.reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) })
    }

    private func truncate(_ size: Int64) throws(HostError) {
        guard ftruncate(output, off_t(size)) == 0 else { throw storeError("ftruncate", "snapshot file") }
    }

    private func write(_ bytes: ArraySlice<UInt8>, at offset: Int64) throws(HostError) {
        try writePages(bytes, offset, output)
    }

    private func tooLarge(_ size: Int64) -> HostError {
        HostError(.resourceExhausted, nil, "the snapshot file has \(size) bytes; the limit is \(limit)")
    }
}

/// Writes bytes of a snapshot file at their place.
func writePages(_ bytes: ArraySlice<UInt8>, _ offset: Int64, _ output: CInt) throws(HostError) {
    let result = unsafe bytes.withUnsafeBytes { room -> Result<Void, SyscallError> in
        do throws(SyscallError) { return .success(try unsafe writeAll(room, to: output, at: offset)) } catch {
            return .failure(error)
        }
    }
    if case .failure(let error) = result { throw storeError(error) }
}
