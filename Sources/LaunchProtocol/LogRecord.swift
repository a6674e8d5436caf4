/// One line of a workload's output, a piece of a long one, or the note that lines were lost.
public struct LogRecord: Sendable, Equatable {
    /// Which of the workload's two outputs.
    public enum Stream: UInt8, Sendable {
        case standardOutput = 1
        case standardError = 2
    }

    /// When the launcher read it, in nanoseconds since 1970.
    public var timeNanoseconds: Int64
    /// Where it was written.
    public var stream: Stream
    /// The line without its end; any bytes, at most 64 KiB.
    public var bytes: [UInt8]
    /// Whether the line goes on in the next record of the same stream.
    public var partial: Bool
    /// How many records were lost just here; `bytes` is empty when it is not 0.
    public var dropped: UInt64

    /// Makes one.
    ///
    /// - Parameters:
    ///   - timeNanoseconds: since 1970.
    ///   - stream: which output.
    ///   - bytes: the line without its end.
    ///   - partial: whether the line goes on.
    ///   - dropped: how many records were lost here.
    public init(
        timeNanoseconds: Int64,
        stream: Stream,
        bytes: [UInt8],
        partial: Bool = false,
        dropped: UInt64 = 0
    ) {
        self.timeNanoseconds = timeNanoseconds
        self.stream = stream
        self.bytes = bytes
        self.partial = partial
        self.dropped = dropped
    }

    /// The most bytes in one record.
    public static let lineLimit = 64 << 10
    /// Length of what comes before a record's bytes: length u32, flags u8, stream u8, two zero bytes, time i64.
    static let headLength = 16

    func append(to out: inout [UInt8]) {
        let payload = dropped > 0 ? LogRecord.number(dropped) : bytes
        out.append(contentsOf: LogRecord.number(UInt64(payload.count)).prefix(4))
        out.append((partial ? 1 : 0) | (dropped > 0 ? 2 : 0))
        out.append(stream.rawValue)
        out.append(contentsOf: [0, 0])
        out.append(contentsOf: LogRecord.number(UInt64(bitPattern: timeNanoseconds)))
        out.append(contentsOf: payload)
    }

    /// The length of the whole record that starts at `offset`; nil when that is not there or is no record.
    static func length(in bytes: [UInt8], at offset: Int) -> Int? {
        guard bytes.count - offset >= headLength else { return nil }
        let count = Int(number(in: bytes, at: offset, length: 4))
        guard count <= lineLimit, bytes.count - offset >= headLength + count else { return nil }
        return headLength + count
    }

    /// The whole record that starts at `offset`; the caller asked `length(in:at:)` first.
    init(in bytes: [UInt8], at offset: Int, length: Int) {
        let flags = bytes[offset + 4]
        stream = Stream(rawValue: bytes[offset + 5]) ?? .standardOutput
        timeNanoseconds = Int64(bitPattern: LogRecord.number(in: bytes, at: offset + 8, length: 8))
        partial = flags & 1 != 0
        let payload = (offset + LogRecord.headLength)..<(offset + length)
        if flags & 2 != 0, payload.count == 8 {
            dropped = LogRecord.number(in: bytes, at: payload.lowerBound, length: 8)
            self.bytes = []
        } else {
            dropped = 0
            self.bytes = Array(bytes[payload])
        }
    }

    static func number(_ value: UInt64) -> [UInt8] {
        (0..<8).map { UInt8(truncatingIfNeeded: value >> UInt64(8 * $0)) }
    }

    static func number(in bytes: [UInt8], at offset: Int, length: Int) -> UInt64 {
        (0..<length).reduce(0) { $0 | UInt64(bytes[offset + $1]) << UInt64(8 * $1) }
    }
}
