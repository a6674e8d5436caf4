import Glibc
public import SystemLayer

/// The bounded, rotated spool of a workload's output, written by the launcher alone.
///
/// Segments are `log.<sequence>`; each starts with the number of records before it, so that a reader knows how many
/// it missed when old ones were removed.
public struct LogSpool: ~Copyable {
    private let directory: OwnedFD
    private let limit: UInt64
    private var segment: OwnedFD?
    private var segmentSize: UInt64 = 0
    private var sequence: UInt64 = 0
    private var records: UInt64 = 0
    private var lost: UInt64 = 0

    /// Opens the spool and goes on after what an earlier launch left there.
    ///
    /// - Parameters:
    ///   - directory: the plan's `logDirectory`, open; only the launcher writes there.
    ///   - limit: the most bytes that all segments have together; at least 1 MiB is used.
    public init(directory: consuming OwnedFD, limit: UInt64) {
        self.limit = max(limit, 1 << 20)
        let existing = SpoolDirectory.sequences(directory.rawValue)
        if let last = existing.last {
            sequence = last
            records = SpoolDirectory.recordsThrough(last, in: directory.rawValue)
        }
        self.directory = directory
    }

    /// Appends records in one write; what the disk refuses is counted and noted later, never waited for.
    ///
    /// - Parameter batch: in order.
    public mutating func append(_ batch: [LogRecord]) {
        guard let last = batch.last else { return }
        var bytes: [UInt8] = []
        var count: UInt64 = 0
        if lost > 0 {
            LogRecord(timeNanoseconds: last.timeNanoseconds, stream: last.stream, bytes: [], dropped: lost)
                .append(to: &bytes)
            count += 1
        }
        for record in batch { record.append(to: &bytes) }
        count += UInt64(batch.count)
        do throws(SyscallError) {
            try rotate(for: UInt64(bytes.count))
            try write(bytes)
            records += count
            lost = 0
        } catch {
            lost += UInt64(batch.count)
        }
    }

    private mutating func write(_ bytes: [UInt8]) throws(SyscallError) {
        guard let number = segment?.rawValue else { throw SyscallError("write", EBADF) }
        do throws(SyscallError) {
            try writeAll(bytes, to: number)
            segmentSize += UInt64(bytes.count)
        } catch {
            // A reader may have seen half a batch already: leave this segment as it is and go on in another.
            segment = nil
            throw error
        }
    }

    private mutating func rotate(for count: UInt64) throws(SyscallError) {
        if segment != nil, segmentSize + count <= limit / 8 { return }
        // The newest seven stay beside the one to come: at most eight eighths.
        let existing = SpoolDirectory.sequences(directory.rawValue)
        for old in existing.dropLast(6) { _ = unsafe unlinkat(directory.rawValue, SpoolDirectory.name(old), 0) }
        let next = sequence + 1
        let flags = O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_NOFOLLOW | O_CLOEXEC
        let number = unsafe openat(directory.rawValue, SpoolDirectory.name(next), flags, 0o600)
        guard number >= 0 else { throw SyscallError("openat", errno, SpoolDirectory.name(next)) }
        let file = OwnedFD(number)
        do throws(SyscallError) {
            try writeAll(SpoolDirectory.magic + LogRecord.number(records), to: number)
        } catch {
            _ = unsafe unlinkat(directory.rawValue, SpoolDirectory.name(next), 0)
            throw error
        }
        sequence = next
        segment = consume file
        segmentSize = UInt64(SpoolDirectory.headLength)
    }
}
