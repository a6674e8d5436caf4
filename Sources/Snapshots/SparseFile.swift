import Glibc
import HostErrors
import SystemLayer

/// A file that is open for reading, and the parts of it that are no holes.
final class SparseFile: Sendable {
    /// Its size when it was opened.
    let size: Int64
    /// Its path, for people.
    let path: String
    private let file: OwnedFD
    /// lseek(2): which glibc names for GNU programs alone.
    private static let (seekData, seekHole): (CInt, CInt) = (3, 4)

    /// Opens a regular file; a symbolic link is none.
    init(_ path: String) throws(HostError) {
        let number = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
        guard number >= 0 else { throw storeError("open", path) }
        file = OwnedFD(number)
        var status = stat()
        guard unsafe fstat(number, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            throw HostError(.invalidArgument, .snapshotCorrupt, "\(path) is not a regular file")
        }
        size = Int64(status.st_size)
        self.path = path
    }

    /// Where data is, in order; what lies between is zero.
    ///
    /// - Parameter part: what of the file is asked for; nil = all.
    /// - Returns: extents, cut to the part.
    /// - Throws: INTERNAL where it cannot be asked.
    func extents(in part: Range<Int64>? = nil) throws(HostError) -> [Range<Int64>] {
        let end = min(size, part?.upperBound ?? size)
        var found: [Range<Int64>] = []
        var at = part?.lowerBound ?? 0
        while at < end {
            let start = Int64(lseek(file.rawValue, off_t(at), Self.seekData))
            if start < 0 {
                if errno == ENXIO { break }
                // No holes are known there: all of it is data.
                if errno == EINVAL { return [at..<end] }
                throw storeError("lseek", path)
            }
            if start >= end { break }
            let hole = Int64(lseek(file.rawValue, off_t(start), Self.seekHole))
            guard hole > start else { throw storeError("lseek", path) }
            found.append(start..<min(hole, end))
            at = hole
        }
        return found
    }

    /// The windows that hold data, in order.
    ///
    /// - Parameters:
    ///   - bytes: of a window.
    ///   - part: which windows are asked for; they may lie past the file's end.
    /// - Returns: their numbers.
    /// - Throws: INTERNAL where the file cannot be asked.
    func windows(of bytes: Int64, in part: Range<UInt64>) throws(HostError) -> [UInt64] {
        let all = UInt64((size + bytes - 1) / bytes)
        let first = Int64(min(part.lowerBound, all)) * bytes
        let end = part.upperBound >= all ? size : Int64(part.upperBound) * bytes
        guard first < end else { return [] }
        var found: [UInt64] = []
        for extent in try extents(in: first..<end) where !extent.isEmpty {
            let first = UInt64(extent.lowerBound / bytes)
            let last = UInt64((extent.upperBound - 1) / bytes)
            let start = found.last.map { max($0 + 1, first) } ?? first
            if start <= last { found.append(contentsOf: start...last) }
        }
        return found
    }

    /// Fills the buffer from an offset, zeros past the end; answers what went wrong.
    func read(at offset: Int64, into buffer: UnsafeMutableRawBufferPointer) -> HostError? {
        var done = 0
        while done < buffer.count {
            let count = unsafe pread(
                file.rawValue,
                buffer.baseAddress?.advanced(by: done),
                buffer.count - done,
                off_t(offset) + off_t(done)
            )
            if count < 0 {
                if errno == EINTR { continue }
                return storeError("pread", path)
            }
            if count == 0 { break }
            done += count
        }
        if done < buffer.count {
            unsafe UnsafeMutableRawBufferPointer(rebasing: buffer[done...]).initializeMemory(
                as: UInt8.self,
                repeating: 0
            )
        }
        return nil
    }
}
