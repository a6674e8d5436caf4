import Glibc
import SystemLayer

/// The names and headers of a spool's segments.
enum SpoolDirectory {
    static let magic: [UInt8] = Array("SLG1".utf8)
    /// The magic, and the number of records before this segment.
    static let headLength = 12

    static func name(_ sequence: UInt64) -> String {
        let digits = String(sequence)
        return "log." + String(repeating: "0", count: max(0, 16 - digits.count)) + digits
    }

    /// The segments that are there, the oldest first.
    static func sequences(_ directory: CInt) -> [UInt64] {
        let copy = unsafe openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard copy >= 0 else { return [] }
        guard let stream = unsafe fdopendir(copy) else {
            _ = close(copy)
            return []
        }
        defer { unsafe _ = closedir(stream) }
        var all: [UInt64] = []
        while let entry = unsafe readdir(stream) {
            let name = unsafe withUnsafeBytes(of: entry.pointee.d_name) { bytes in
                unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name.hasPrefix("log."), let sequence = UInt64(name.dropFirst(4)) { all.append(sequence) }
        }
        return all.sorted()
    }

    /// The number of records before a segment, from its header; nil when that is not whole.
    static func recordsBefore(_ head: [UInt8]) -> UInt64? {
        guard head.count >= headLength, head.starts(with: magic) else { return nil }
        return LogRecord.number(in: head, at: 4, length: 8)
    }

    /// The number of records up to the end of a segment.
    static func recordsThrough(_ sequence: UInt64, in directory: CInt) -> UInt64 {
        let number = unsafe openat(directory, name(sequence), O_RDONLY | O_NOFOLLOW | O_CLOEXEC)
        guard number >= 0 else { return 0 }
        let file = OwnedFD(number)
        guard let bytes = try? readAll(from: file.rawValue, limit: 1 << 30), var count = recordsBefore(bytes) else {
            return 0
        }
        var offset = headLength
        while let length = LogRecord.length(in: bytes, at: offset) {
            offset += length
            count += 1
        }
        return count
    }
}
