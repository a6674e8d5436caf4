import Synchronization

/// What a host counts, and how a monitor reads it.
///
/// Names and labels are few and fixed by the program, so that nobody who calls can make it grow.
/// - Source: Prometheus, "Text-based exposition format", version 0.0.4.
public final class Metrics: Sendable {
    /// One counted thing: its labels, in the order of the names, tell it from its like.
    private struct Key: Hashable {
        let name: String
        let labels: String
    }
    private struct State {
        var counts: [Key: UInt64] = [:]
        var sums: [Key: (seconds: Double, count: UInt64)] = [:]
    }
    private let state = Mutex(State())

    /// Counts nothing yet.
    public init() {}

    /// Counts an answered call.
    ///
    /// - Parameters:
    ///   - method: its name, without the service's.
    ///   - code: gRPC's word for how it ended, such as `OK`.
    public func answered(_ method: String, code: String) {
        let key = Key(name: "substrate_calls_total", labels: Self.labels(["method": method, "code": code]))
        state.withLock { $0.counts[key, default: 0] += 1 }
    }

    /// Counts where the time of a verb went.
    ///
    /// - Parameters:
    ///   - verb: its name.
    ///   - table: its phases.
    public func spent(on verb: String, _ table: PhaseTable) {
        state.withLock { state in
            for phase in table.entries {
                // `by` says what the name of a programs' part says too.
                let name = phase.program && phase.name.hasSuffix(".program") ? phase.name.dropLast(8) : phase.name[...]
                let labels = ["verb": verb, "phase": String(name), "by": phase.program ? "program" : "host"]
                let key = Key(name: "substrate_phase_seconds", labels: Self.labels(labels))
                let before = state.sums[key] ?? (0, 0)
                state.sums[key] = (before.seconds + phase.ms / 1000, before.count + 1)
            }
        }
    }

    /// Everything, as a monitor reads it.
    ///
    /// - Parameter gauges: what is so now: a name, what it means, and each value with its labels.
    /// - Returns: the text, in an order that does not change.
    public func text(
        gauges: [(name: String, help: String, values: [(labels: [String: String], value: Int)])]
    ) -> String {
        let (counts, sums) = state.withLock { ($0.counts, $0.sums) }
        var lines = ["# HELP substrate_calls_total Calls that were answered.", "# TYPE substrate_calls_total counter"]
        for (key, count) in counts.sorted(by: { $0.key.labels < $1.key.labels }) {
            lines.append("\(key.name){\(key.labels)} \(count)")
        }
        lines += [
            "# HELP substrate_phase_seconds Where the time of verbs went.", "# TYPE substrate_phase_seconds summary",
        ]
        for (key, sum) in sums.sorted(by: { $0.key.labels < $1.key.labels }) {
            lines.append("\(key.name)_sum{\(key.labels)} \(sum.seconds)")
            lines.append("\(key.name)_count{\(key.labels)} \(sum.count)")
        }
        for gauge in gauges {
            lines += ["# HELP \(gauge.name) \(gauge.help)", "# TYPE \(gauge.name) gauge"]
            for (labels, value) in gauge.values {
                let words = Self.labels(labels)
                lines.append("\(gauge.name)\(words.isEmpty ? "" : "{\(words)}") \(value)")
            }
        }
        return lines.joined(separator: "\n") + "\n"
    }

    private static func labels(_ labels: [String: String]) -> String {
        labels.sorted { $0.key < $1.key }.map { "\($0.key)=\"\(escaped($0.value))\"" }.joined(separator: ",")
    }

    private static func escaped(_ text: String) -> String {
        text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"").replacing("\n", with: "\\n")
    }
}
