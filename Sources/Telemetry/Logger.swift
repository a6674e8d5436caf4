/// Writes log records with what is known about the work at hand.
public struct Logger: Sendable {
    /// Where the records go.
    public let sink: any LogSink
    /// What matters less is not logged.
    public var level: LogLevel
    /// Added to every record, before the record's own.
    public private(set) var metadata: [(key: String, value: String)] = []

    /// Makes one.
    ///
    /// - Parameters:
    ///   - sink: where the records go; the standard error by default.
    ///   - level: the least that is logged.
    public init(sink: any LogSink = DescriptorSink(descriptor: 2), level: LogLevel = .info) {
        self.sink = sink
        self.level = level
    }

    /// A logger that adds these to every record.
    ///
    /// - Parameter more: dotted keys, such as `actor.name`.
    /// - Returns: the copy.
    public func with(_ more: KeyValuePairs<String, String>) -> Logger {
        var copy = self
        copy.metadata += more.map { (key: $0.key, value: $0.value) }
        return copy
    }

    /// Logs, if the level is high enough.
    ///
    /// - Parameters:
    ///   - level: how much it matters.
    ///   - message: a constant text, lower case; computed only when it is logged.
    ///   - more: dotted keys; computed only when it is logged. Never an `env` value.
    public func log(
        _ level: LogLevel,
        _ message: @autoclosure () -> String,
        _ more: @autoclosure () -> [(key: String, value: String)]
    ) {
        guard level >= self.level else { return }
        sink.write(
            LogRecord(
                timeNanoseconds: WallClock.nanoseconds(),
                level: level,
                message: message(),
                metadata: metadata + more()
            )
        )
    }

    /// Logs with metadata written as a literal.
    ///
    /// - Parameters:
    ///   - level: how much it matters.
    ///   - message: a constant text.
    ///   - more: dotted keys.
    public func log(
        _ level: LogLevel,
        _ message: @autoclosure () -> String,
        _ more: @autoclosure () -> KeyValuePairs<String, String> = [:]
    ) {
        log(level, message(), more().map { (key: $0.key, value: $0.value) })
    }

    /// Logs at `trace`.
    public func trace(
        _ message: @autoclosure () -> String,
        _ more: @autoclosure () -> KeyValuePairs<String, String> = [:]
    ) {
        log(.trace, message(), more())
    }
    /// Logs at `debug`.
    public func debug(
        _ message: @autoclosure () -> String,
        _ more: @autoclosure () -> KeyValuePairs<String, String> = [:]
    ) {
        log(.debug, message(), more())
    }
    /// Logs at `info`.
    public func info(
        _ message: @autoclosure () -> String,
        _ more: @autoclosure () -> KeyValuePairs<String, String> = [:]
    ) {
        log(.info, message(), more())
    }
    /// Logs at `notice`.
    public func notice(
        _ message: @autoclosure () -> String,
        _ more: @autoclosure () -> KeyValuePairs<String, String> = [:]
    ) {
        log(.notice, message(), more())
    }
    /// Logs at `warning`.
    public func warning(
        _ message: @autoclosure () -> String,
        _ more: @autoclosure () -> KeyValuePairs<String, String> = [:]
    ) {
        log(.warning, message(), more())
    }
    /// Logs at `error`.
    public func error(
        _ message: @autoclosure () -> String,
        _ more: @autoclosure () -> KeyValuePairs<String, String> = [:]
    ) {
        log(.error, message(), more())
    }
    /// Logs at `critical`.
    public func critical(
        _ message: @autoclosure () -> String,
        _ more: @autoclosure () -> KeyValuePairs<String, String> = [:]
    ) {
        log(.critical, message(), more())
    }
}
