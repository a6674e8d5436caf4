/// How much a log line matters, least first.
public enum LogLevel: String, Sendable, CaseIterable, Comparable {
    case trace
    case debug
    case info
    case notice
    case warning
    case error
    case critical

    /// By weight: `trace` is the least.
    public static func < (left: LogLevel, right: LogLevel) -> Bool { left.rank < right.rank }

    private var rank: Int {
        switch self {
        case .trace: 0
        case .debug: 1
        case .info: 2
        case .notice: 3
        case .warning: 4
        case .error: 5
        case .critical: 6
        }
    }
}

/// One thing that was logged.
public struct LogRecord: Sendable, Equatable {
    /// When, in nanoseconds of Unix time.
    public var timeNanoseconds: Int64
    /// How much it matters.
    public var level: LogLevel
    /// A constant text; what varies is in the metadata.
    public var message: String
    /// Under dotted keys, in the order they were given; a later key of the same name wins.
    public var metadata: [(key: String, value: String)]

    /// Makes one.
    ///
    /// - Parameters:
    ///   - timeNanoseconds: Unix time.
    ///   - level: how much it matters.
    ///   - message: a constant text.
    ///   - metadata: dotted keys.
    public init(
        timeNanoseconds: Int64,
        level: LogLevel,
        message: String,
        metadata: [(key: String, value: String)] = []
    ) {
        self.timeNanoseconds = timeNanoseconds
        self.level = level
        self.message = message
        self.metadata = metadata
    }

    /// Equal in every field.
    public static func == (left: LogRecord, right: LogRecord) -> Bool {
        left.timeNanoseconds == right.timeNanoseconds && left.level == right.level && left.message == right.message
            && left.metadata.elementsEqual(right.metadata, by: ==)
    }
}

/// Where log records go; it never blocks its caller and never fails.
public protocol LogSink: Sendable {
    /// Takes one record.
    ///
    /// - Parameter record: what was logged.
    func write(_ record: LogRecord)
}

/// A sink that forgets everything.
public struct SilentSink: LogSink {
    /// Makes one.
    public init() {}
    /// Forgets it.
    public func write(_ record: LogRecord) {}
}
