import Glibc
import SystemLayer

/// Follows a spool while the launcher writes it: nothing is locked, and nobody waits.
public struct LogSpoolReader: ~Copyable {
    private let path: String
    private var directory: OwnedFD?
    private var segment: OwnedFD?
    private var sequence: UInt64 = 0
    /// How many records of the whole spool came before the next one.
    private var position: UInt64?
    private var buffer: [UInt8] = []
    private var offset = 0

    /// Starts at the oldest record that is still there.
    ///
    /// - Parameter directory: the plan's `logDirectory`; it may come into being later.
    public init(directory: String) { path = directory }

    /// The next record.
    ///
    /// - Returns: nil when there is nothing more at the moment: ask again later.
    public mutating func next() -> LogRecord? {
        while true {
            if let length = LogRecord.length(in: buffer, at: offset) {
                let record = LogRecord(in: buffer, at: offset, length: length)
                offset += length
                position = (position ?? 0) + 1
                return record
            }
            if fill() { continue }
            // Asked before the last look for more, so that nothing written in between is skipped.
            guard let following = following() else { return nil }
            if fill() { continue }
            if let gap = advance(to: following) { return gap }
            if segment == nil { return nil }
        }
    }

    /// Reads more of the current segment; false when there is no more at the moment.
    private mutating func fill() -> Bool {
        guard let number = segment?.rawValue else { return false }
        if offset > 0 {
            buffer.removeFirst(offset)
            offset = 0
        }
        guard let more = try? readSome(256 << 10, from: number), !more.isEmpty else { return false }
        buffer.append(contentsOf: more)
        return true
    }

    private mutating func following() -> UInt64? {
        if directory == nil {
            let number = unsafe open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
            guard number >= 0 else { return nil }
            directory = OwnedFD(number)
        }
        guard let number = directory?.rawValue else { return nil }
        return SpoolDirectory.sequences(number).first { $0 > sequence }
    }

    /// Goes on to a later segment; answers a record of loss when others were removed in between.
    private mutating func advance(to next: UInt64) -> LogRecord? {
        guard let number = directory?.rawValue else { return nil }
        let opened = unsafe openat(number, SpoolDirectory.name(next), O_RDONLY | O_NOFOLLOW | O_CLOEXEC)
        segment = nil
        buffer = []
        offset = 0
        // Removed just now: the next call finds the one after it.
        guard opened >= 0 else { return nil }
        let file = OwnedFD(opened)
        guard let head = try? readSome(SpoolDirectory.headLength, from: opened),
            let before = SpoolDirectory.recordsBefore(head)
        else {
            // Its writer died between making it and its header: what came after it counts.
            if SpoolDirectory.sequences(number).contains(where: { $0 > next }) { sequence = next }
            return nil
        }
        segment = consume file
        sequence = next
        let expected = position
        position = before
        guard let expected, before > expected else { return nil }
        return LogRecord(timeNanoseconds: 0, stream: .standardError, bytes: [], dropped: before - expected)
    }
}
