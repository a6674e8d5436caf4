import Glibc
import Synchronization
import Telemetry

/// One line on standard error that is written over again, for who looks at a terminal; nothing elsewhere.
struct ProgressLine: Sendable {
    private let isShown: Bool

    /// Makes one.
    ///
    /// - Parameter isWanted: whether to show anything on a terminal.
    init(isWanted: Bool) { isShown = isWanted && isatty(STDERR_FILENO) == 1 }

    /// Replaces what it says.
    func show(_ text: String) {
        if isShown { ConsoleOutput.error.write("\r\u{1B}[K\(ConsoleOutput.printable(text))") }
    }

    /// Leaves the line empty.
    func clear() { if isShown { ConsoleOutput.error.write("\r\u{1B}[K") } }
}

/// How much has come or gone, added up by any thread and shown four times a second at most.
final class ProgressCount: Sendable {
    private let line: ProgressLine
    private let what: String
    private let state = Mutex<(bytes: Int64, told: Int64)>((0, 0))

    /// Makes one.
    ///
    /// - Parameters:
    ///   - what: what it is of.
    ///   - line: where it is shown.
    init(_ what: String, on line: ProgressLine) {
        self.what = what
        self.line = line
    }

    /// Adds what came since.
    func add(_ more: Int64) {
        let tick = WallClock.nanoseconds() / 250_000_000
        let bytes = state.withLock { state -> Int64? in
            state.bytes += more
            guard state.told != tick else { return nil }
            state.told = tick
            return state.bytes
        }
        if let bytes { line.show("\(what): \(ByteSize.words(bytes))") }
    }
}
