import Glibc
import Synchronization

/// Writes log lines to a descriptor, never waiting for its reader.
///
/// A full pipe or terminal drops the line and counts it; the next line that fits is preceded by the count.
public final class DescriptorSink: LogSink {
    private enum Way {
        /// A descriptor of our own, opened anew so that O_NONBLOCK does not fall on everyone who shares the old one.
        case own(CInt)
        case socket(CInt)
        /// Cannot be opened anew: polled before each write.
        case shared(CInt)
    }

    private struct State {
        var dropped = 0
        var droppedInAll = 0
    }

    /// How lines are written.
    public let format: LogFormat
    private let way: Way
    private let state = Mutex(State())

    /// Makes one; the descriptor stays its owner's and stays blocking.
    ///
    /// Turns SIGPIPE off for the process if nobody handles it: a closed pipe must not end the host.
    /// - Parameters:
    ///   - descriptor: open for writing for as long as this lives.
    ///   - format: nil = human on a terminal, with colours unless `NO_COLOR` is set; JSON lines else.
    public init(descriptor: CInt, format: LogFormat? = nil) {
        if let format {
            self.format = format
        } else if isatty(descriptor) == 1 {
            let isPlain = unsafe getenv("NO_COLOR") != nil
            self.format = .human(color: !isPlain)
        } else {
            self.format = .json
        }
        var about = stat()
        if unsafe fstat(descriptor, &about) == 0, about.st_mode & S_IFMT == S_IFSOCK {
            way = .socket(descriptor)
        } else {
            let flags = O_WRONLY | O_APPEND | O_NONBLOCK | O_NOCTTY | O_CLOEXEC
            let own = unsafe open("/proc/self/fd/\(descriptor)", flags)
            way = own >= 0 ? .own(own) : .shared(descriptor)
            // A file has two ends to write at now: whoever else writes to it goes behind the lines, never over them.
            let old = fcntl(descriptor, F_GETFL)
            if own >= 0, about.st_mode & S_IFMT == S_IFREG, old >= 0 { _ = fcntl(descriptor, F_SETFL, old | O_APPEND) }
        }
        Self.ignoreBrokenPipes()
    }

    deinit { if case .own(let descriptor) = way { _ = close(descriptor) } }

    /// Lines that nobody read in time, since the start.
    public var droppedLines: Int { state.withLock { $0.droppedInAll } }

    /// Writes the record as one line, or drops it.
    public func write(_ record: LogRecord) {
        let line = Array(format.line(record).utf8)
        state.withLock { state in
            if state.dropped > 0 {
                let note = LogRecord(
                    timeNanoseconds: record.timeNanoseconds,
                    level: .warning,
                    message: "log lines were dropped: nobody read them in time",
                    metadata: [(key: "log.dropped", value: String(state.dropped))]
                )
                if put(Array(format.line(note).utf8)) { state.dropped = 0 }
            }
            if state.dropped > 0 || !put(line) {
                state.dropped += 1
                state.droppedInAll += 1
            }
        }
    }

    /// Whole or not at all, up to PIPE_BUF; a file that takes half a line has no room for the rest either.
    private func put(_ line: [UInt8]) -> Bool {
        switch way {
        case .own(let descriptor):
            return unsafe Glibc.write(descriptor, line, line.count) == line.count
        case .socket(let descriptor):
            return unsafe send(descriptor, line, line.count, CInt(MSG_DONTWAIT | MSG_NOSIGNAL)) == line.count
        case .shared(let descriptor):
            var watched = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
            guard unsafe poll(&watched, 1, 0) == 1, watched.revents & Int16(POLLOUT) != 0 else { return false }
            return unsafe Glibc.write(descriptor, line, line.count) == line.count
        }
    }

    private static func ignoreBrokenPipes() {
        var before = sigaction()
        guard unsafe sigaction(SIGPIPE, nil, &before) == 0 else { return }
        if unsafe before.__sigaction_handler.sa_handler == nil { _ = signal(SIGPIPE, SIG_IGN) }
    }
}
