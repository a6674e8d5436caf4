import Glibc

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
