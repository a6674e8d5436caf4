import Glibc
import HostErrors
import Transfer

/// Reads windows of a file, and leaves their zero pages out; of one thread.
struct WindowReader: ~Copyable {
    private let file: SparseFile
    private let pages: Int
    private var room: [UInt8]

    init(_ file: SparseFile, pages: Int) {
        self.file = file
        self.pages = pages
        room = [UInt8](repeating: 0, count: pages * ChunkFormat.page)
    }

    /// The pages of a window that are not zero, moved together; nil where there is none.
    ///
    /// - Parameters:
    ///   - window: which.
    ///   - body: given the mask and the payload.
    /// - Returns: what the body returns.
    /// - Throws: what the body throws; INTERNAL where the file cannot be read.
    mutating func read<Value>(
        _ window: UInt64,
        _ body: (UInt64, UnsafeRawBufferPointer) throws(HostError) -> Value
    ) throws(HostError) -> Value? {
        let offset = Int64(window) * Int64(pages * ChunkFormat.page)
        let result = unsafe room.withUnsafeMutableBytes { room -> Result<Value?, HostError> in
            if let failure = unsafe file.read(at: offset, into: room) { return .failure(failure) }
            guard let base = room.baseAddress else { return .success(nil) }
            let mask = unsafe Self.gather(base, pages)
            if mask == 0 { return .success(nil) }
            let count = mask.nonzeroBitCount * ChunkFormat.page
            do throws(HostError) {
                return .success(try unsafe body(mask, UnsafeRawBufferPointer(start: base, count: count)))
            } catch { return .failure(error) }
        }
        return try result.get()
    }

    /// Moves the pages that are not zero together, and says which they were.
    private static func gather(_ base: UnsafeMutableRawPointer, _ pages: Int) -> UInt64 {
        var mask: UInt64 = 0
        var kept = 0
        for page in 0..<pages {
            let source = unsafe base.advanced(by: page * ChunkFormat.page)
            if unsafe Self.isZero(source) { continue }
            mask |= 1 << UInt64(page)
            let target = unsafe base.advanced(by: kept * ChunkFormat.page)
            if unsafe target != source { unsafe memcpy(target, source, ChunkFormat.page) }
            kept += 1
        }
        return mask
    }

    /// Whether a page holds zeros alone: most that do not show it in their first word.
    private static func isZero(_ page: UnsafeMutableRawPointer) -> Bool {
        if unsafe page.load(as: UInt64.self) != 0 { return false }
        // A page that equals itself moved by one word, and whose first word is zero, is zero throughout.
        return unsafe memcmp(page, page.advanced(by: 8), ChunkFormat.page - 8) == 0
    }
}
