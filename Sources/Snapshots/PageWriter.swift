import Glibc
import HostErrors
import SystemLayer

/// Puts the pages of windows at their places in a file; of any thread.
struct PageWriter: Sendable {
    /// Open for writing.
    let output: CInt
    /// The file's.
    let size: Int64
    /// Of a window.
    let pages: Int

    /// Gives the file its size: what is not written is a hole.
    func begin(_ path: String) throws(HostError) {
        guard ftruncate(output, off_t(size)) == 0 else { throw storeError("ftruncate", path) }
    }

    /// Writes each row of pages that lie together; the last page may go past the end of the file.
    ///
    /// - Parameters:
    ///   - payload: the pages that the mask has, one after another.
    ///   - entry: from a list that was checked against the size.
    /// - Throws: RESOURCE_EXHAUSTED on a full disk, INTERNAL where it cannot be written.
    func write(_ payload: [UInt8], _ entry: ChunkEntry) throws(HostError) {
        let start = Int64(entry.window) * Int64(pages * ChunkFormat.page)
        var left = entry.mask
        var taken = 0
        while left != 0 {
            let first = left.trailingZeroBitCount
            let count = (~(left >> UInt64(first))).trailingZeroBitCount
            let offset = start + Int64(first * ChunkFormat.page)
            let length = Int(min(Int64(count * ChunkFormat.page), size - offset))
            try write(payload, taken..<(taken + length), offset)
            taken += count * ChunkFormat.page
            let done = first + count
            left = done >= 64 ? 0 : (left >> UInt64(done)) << UInt64(done)
        }
    }

    private func write(_ payload: [UInt8], _ range: Range<Int>, _ offset: Int64) throws(HostError) {
        let result = unsafe payload.withUnsafeBytes { bytes -> Result<Void, SyscallError> in
            do throws(SyscallError) {
                return .success(
                    try unsafe writeAll(UnsafeRawBufferPointer(rebasing: bytes[range]), to: output, at: offset)
                )
            } catch { return .failure(error) }
        }
        if case .failure(let error) = result { throw storeError(error) }
    }
}
