import Glibc
import HostErrors
import PluginAuthoring
import SystemLayer

/// Writes to a person or a program.
enum Console {
    /// Text to standard output, as it is.
    static func write(_ text: String) { try? writeAll(Array(text.utf8), to: 1) }
    /// A line to standard output.
    static func line(_ text: String = "") { write(text + "\n") }
    /// JSON on one line.
    static func json(_ value: PluginJSON) { line(value.line) }
    /// A line to standard error.
    static func complain(_ text: String) { try? writeAll(Array("substrate-host plugin: \(text)\n".utf8), to: 2) }
}

/// How a command ends.
enum ExitCode {
    static let good: Int32 = 0
    static let wrong: Int32 = 1
    static let untried: Int32 = 2
}

/// Why a command ended before its work was done.
struct CommandFailure: Error {
    let text: String
    let code: Int32
    init(_ text: String, code: Int32 = ExitCode.untried) {
        self.text = text
        self.code = code
    }
}
