/// Cuts one stream of bytes into records: a line each, or marked pieces of a line too long for one.
public struct LineSplitter: Sendable {
    private let stream: LogRecord.Stream
    private var rest: [UInt8] = []

    /// Makes one for a stream.
    ///
    /// - Parameter stream: written into each record.
    public init(stream: LogRecord.Stream) { self.stream = stream }

    /// Takes what was read and answers the records it completes.
    ///
    /// - Parameters:
    ///   - bytes: what was read.
    ///   - time: for the records, in nanoseconds since 1970.
    /// - Returns: the records, in order; an unfinished line waits for more.
    public mutating func feed(_ bytes: [UInt8], time: Int64) -> [LogRecord] {
        var records: [LogRecord] = []
        var start = 0
        while start < bytes.count {
            let end = bytes[start...].firstIndex(of: 10) ?? bytes.count
            var piece = start
            while rest.count + (end - piece) > LogRecord.lineLimit {
                let cut = piece + LogRecord.lineLimit - rest.count
                records.append(record(bytes[piece..<cut], time, partial: true))
                piece = cut
            }
            if end < bytes.count {
                records.append(record(bytes[piece..<end], time, partial: false))
            } else {
                rest.append(contentsOf: bytes[piece..<end])
            }
            start = end + 1
        }
        return records
    }

    /// Answers what is left when the stream has ended.
    ///
    /// - Parameter time: for the record.
    /// - Returns: the last line, if it had no end.
    public mutating func finish(time: Int64) -> [LogRecord] { rest.isEmpty ? [] : [record([], time, partial: false)] }

    private mutating func record(_ more: ArraySlice<UInt8>, _ time: Int64, partial: Bool) -> LogRecord {
        let whole = rest + more
        rest = []
        return LogRecord(timeNanoseconds: time, stream: stream, bytes: whole, partial: partial)
    }
}
