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
    func extents() throws(HostError) -> [Range<Int64>] {
        var found: [Range<Int64>] = []
        var at: Int64 = 0
        while at < size {
            let start = Int64(lseek(file.rawValue, off_t(at), Self.seekData))
            if start < 0 {
                if errno == ENXIO { break }
                // No holes are known there: all of it is data.
                if errno == EINVAL { return [0..<size] }
                throw storeError("lseek", path)
            }
            let end = Int64(lseek(file.rawValue, off_t(start), Self.seekHole))
            guard end > start else { throw storeError("lseek", path) }
            found.append(start..<min(end, size))
            at = end
        }
        return found
    }

    /// The windows that hold data, in order.
    func windows(of bytes: Int64) throws(HostError) -> [UInt64] {
        var found: [UInt64] = []
        for extent in try extents() where !extent.isEmpty {
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
