import ActorContract
import PluginProtocol
import SystemLayer

/// A program that a verb may name by a handle.
struct HeldProcess: Sendable {
    /// Its name in messages and in `actor.processes`.
    let name: String
    /// Set when it outlives the verb.
    let kept: KeptProcess?
    /// The program; nil when it was gone before it could be held.
    let handle: (any HeldProgram)?
    /// How it ended, as `process.wait` answers it; asked once it has.
    let result: @Sendable () -> ProgramEnd
}

/// How a program ended and what it left.
struct ProgramEnd: Sendable {
    /// As the kernel says; nil when nobody knows any more.
    var status: ExitStatus?
    /// What it printed, as far as it was kept.
    var stdout: [UInt8] = []
    /// What it complained of.
    var stderr: [UInt8] = []
    /// How long it ran; nil when its start was not seen.
    var milliseconds: Int64?
    /// Whether output was dropped.
    var truncated = false
    /// Whether the exit is one that the script allowed.
    var isAllowed: Bool

    /// The table of the language: `{ code, signal, stdout, stderr, ms, truncated }`.
    var value: PluginValue {
        var fields: [String: PluginValue] = [
            "stdout": .bytes(stdout), "stderr": .bytes(stderr), "truncated": .boolean(truncated),
        ]
        switch status {
        case .exited(let code): fields["code"] = .integer(Int64(code))
        case .signaled(let signal): fields["signal"] = .integer(Int64(signal))
        case nil: break
        }
        if let milliseconds { fields["ms"] = .integer(milliseconds) }
        return .map(fields)
    }

    /// `exited 1`, and the last line it complained with.
    var words: String {
        let how =
            switch status {
            case .exited(let code): "exited \(code)"
            case .signaled(let signal): "ended by signal \(signal)"
            case nil: "ended"
            }
        let lines = String(decoding: stderr.suffix(4096), as: UTF8.self).split(separator: "\n")
        guard let last = lines.last(where: { !$0.allSatisfy(\.isWhitespace) }) else { return how }
        return "\(how): \(last.prefix(300))"
    }
}
