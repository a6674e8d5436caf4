import HostErrors
import Transfer

/// One window of a file: which of its pages are not zero, and the digest of these, one after another.
struct ChunkEntry: Sendable, Equatable {
    /// Its place: in windows from the file's beginning.
    var window: UInt64
    /// A bit for each page, the lowest for the first.
    var mask: UInt64
    /// SHA-256 of the pages, 32 bytes.
    var digest: [UInt8]

    /// The bytes of its payload.
    var length: Int { mask.nonzeroBitCount * ChunkFormat.page }
}

/// The sizes of the chunked format.
enum ChunkFormat {
    /// A page, as memory is changed by.
    static let page = 4096
    /// The pages of a window.
    ///
    /// Fixed places, not places that the content defines: memory images change page by page and never shift, and a
    /// scan for borders costs as much as the digest. 8 pages: of larger windows single changed pages, here and there,
    /// would dirty more than a tenth when a hundredth changed; `substrate-bench --only snapshots` measures others.
    static let pages = 8
    /// How many windows one list has at most: a file of any size is written and read list by list, in the same memory.
    static let windowsOfList: UInt64 = 1 << 15
    /// Where chunks are in a bucket.
    static let root = ".substrate-chunks"

    /// The name of a chunk, spread over 256 directories.
    static func key(_ digest: String, below root: String) -> String {
        var key = root
        key.reserveCapacity(root.utf8.count + 4 + digest.utf8.count)
        key += "/"
        key += digest.prefix(2)
        key += "/"
        key += digest
        return key
    }
}

/// The list of a file's windows as bytes: small, of fixed size each, checked entry by entry.
///
/// Magic `SUBCHNK1`, then for each window u64 number, u64 mask, 32 bytes of digest; little-endian, numbers rising.
enum ChunkIndex {
    private static let magic = Array("SUBCHNK1".utf8)
    private static let entryBytes = 48
    /// Of a whole list, and of those that hosts wrote before there were several of one file.
    static let limit = 64 << 20

    static func encode(_ entries: [ChunkEntry]) -> [UInt8] {
        var bytes = magic
        bytes.reserveCapacity(magic.count + entries.count * entryBytes)
        for entry in entries {
            append(entry.window, to: &bytes)
            append(entry.mask, to: &bytes)
            bytes += entry.digest
        }
        return bytes
    }

    /// Reads a list for a file of that size.
    ///
    /// - Parameters:
    ///   - bytes: the list.
    ///   - size: the file's.
    ///   - pages: of a window.
    ///   - count: how many windows it has.
    ///   - first: the first window that it may have: the one behind the list before.
    /// - Returns: the windows, rising.
    /// - Throws: DATA_LOSS for what is none.
    static func decode(
        _ bytes: [UInt8],
        size: Int64,
        pages: Int,
        count: Int,
        from first: UInt64 = 0
    ) throws(HostError) -> [ChunkEntry] {
        func corrupt(_ words: String) -> HostError {
            HostError(.dataLoss, .snapshotCorrupt, "a chunk list \(words)")
        }
        guard bytes.starts(with: magic) else { throw corrupt("has another beginning than its format's") }
        let body = bytes.count - magic.count
        guard body % entryBytes == 0, body / entryBytes == count else {
            throw corrupt("has \(body) bytes, not those of \(count) windows")
        }
        guard size >= 0, (1...64).contains(pages) else { throw corrupt("is of no file") }
        var entries: [ChunkEntry] = []
        entries.reserveCapacity(count)
        var next = first
        for index in 0..<count {
            let at = magic.count + index * entryBytes
            let entry = ChunkEntry(
                window: number(bytes, at),
                mask: number(bytes, at + 8),
                digest: Array(bytes[(at + 16)..<(at + 48)])
            )
            let start = entry.window.multipliedReportingOverflow(by: UInt64(pages * ChunkFormat.page))
            let isGood =
                entry.window >= next && !start.overflow && start.partialValue < UInt64(size) && entry.mask != 0
                && entry.mask >> UInt64(pages - 1) <= 1
            guard isGood else { throw corrupt("has a window out of range: \(entry.window)") }
            // The last page that has a bit begins within the file.
            let last = UInt64(63 - entry.mask.leadingZeroBitCount) * UInt64(ChunkFormat.page)
            guard last < UInt64(size) - start.partialValue else { throw corrupt("has a page past the file's end") }
            next = entry.window + 1
            entries.append(entry)
        }
        return entries
    }

    static func append(_ number: UInt64, to bytes: inout [UInt8]) {
        var rest = number
        for _ in 0..<8 {
            bytes.append(UInt8(truncatingIfNeeded: rest))
            rest >>= 8
        }
    }

    private static func number(_ bytes: [UInt8], _ at: Int) -> UInt64 {
        (0..<8).reduce(UInt64(0)) { $0 | UInt64(bytes[at + $1]) << UInt64(8 * $1) }
    }
}
