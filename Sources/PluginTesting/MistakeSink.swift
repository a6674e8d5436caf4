import Synchronization
import Telemetry

/// Keeps what a script's verb was ended for, whole, and what it printed.
final class MistakeSink: LogSink {
    private let kept = Mutex<(text: String?, printed: [String])>((nil, []))

    /// The text of the last mistake.
    var text: String? { kept.withLock { $0.text } }

    /// The lines that were printed.
    var printed: [String] { kept.withLock { $0.printed } }

    func clear() { kept.withLock { $0.text = nil } }

    func write(_ record: LogRecord) {
        guard let text = record.metadata.last(where: { $0.key == "plugin.text" })?.value else { return }
        kept.withLock { kept in
            if record.message == "plugin" { kept.printed.append(text) } else { kept.text = text }
        }
    }
}
