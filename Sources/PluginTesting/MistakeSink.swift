import Synchronization
import Telemetry

/// Keeps what a script's verb was ended for, whole, and what it printed.
final class MistakeSink: LogSink {
    /// One line that a script printed.
    struct Printed: Sendable {
        let line: String
        let text: String
    }

    private let kept = Mutex<(text: String?, printed: [Printed], leaks: [FakeHost.Leak])>((nil, [], []))

    /// The text of the last mistake.
    var text: String? { kept.withLock { $0.text } }

    /// The lines that were printed.
    var printed: [Printed] { kept.withLock { $0.printed } }

    func clear() { kept.withLock { $0.text = nil } }

    /// Programs of this machine's that ended with the verb which started them.
    var leaks: [FakeHost.Leak] { kept.withLock { $0.leaks } }

    func write(_ record: LogRecord) {
        let fields = Dictionary(record.metadata.map { ($0.key, $0.value) }, uniquingKeysWith: { $1 })
        if let programs = fields["plugin.programs"] {
            let found = programs.split(separator: ",").map {
                FakeHost.Leak(words: $0.drop { $0 == " " }, verb: fields["plugin.verb"] ?? "the script")
            }
            return kept.withLock { $0.leaks += found }
        }
        guard let text = record.metadata.last(where: { $0.key == "plugin.text" })?.value else { return }
        kept.withLock { kept in
            guard record.message == "plugin" else { return kept.text = text }
            kept.printed.append(Printed(line: fields["plugin.line"] ?? "0", text: text))
        }
    }
}
