package import ActorContract
import PluginProtocol
package import SystemLayer

/// A program that a verb may name by a handle.
package struct HeldProcess: Sendable {
    /// Its name in messages and in `actor.processes`.
    package let name: String
    /// Set when it outlives the verb.
    package let kept: KeptProcess?
    /// The program; nil when it was gone before it could be held.
    package let handle: (any HeldProgram)?
    /// The cgroup of it and all that it leaves; nil where its own end is the end of all below it.
    package var leaf: Cgroup?
    /// The program's own number where its keeper is what is held.
    package var inner: Int32?
    /// The cgroup's name, for the journal.
    package var leafName: String?
    /// The script's line that started it; 0 for one of an earlier verb.
    package var line: UInt32 = 0
    /// Whether it is joined with the streams of the caller.
    package var isClient = false
    /// How it ended, as `process.wait` answers it; asked once it has.
    package let result: @Sendable () -> ProgramEnd

    /// Holds one.
    package init(
        name: String,
        kept: KeptProcess?,
        handle: (any HeldProgram)?,
        leaf: Cgroup? = nil,
        inner: Int32? = nil,
        result: @escaping @Sendable () -> ProgramEnd
    ) {
        self.name = name
        self.kept = kept
        self.handle = handle
        self.leaf = leaf
        self.inner = inner
        self.result = result
    }
}

/// How a program ended and what it left.
package struct ProgramEnd: Sendable {
    /// As the kernel says; nil when nobody knows any more.
    package var status: ExitStatus?
    /// What it printed, as far as it was kept.
    package var stdout: [UInt8] = []
    /// What it complained of.
    package var stderr: [UInt8] = []
    /// How long it ran; nil when its start was not seen.
    package var milliseconds: Int64?
    /// Whether output was dropped.
    package var truncated = false
    /// Whether the exit is one that the script allowed.
    package var isAllowed: Bool

    /// Says how one ended.
    package init(
        status: ExitStatus? = nil,
        stdout: [UInt8] = [],
        stderr: [UInt8] = [],
        milliseconds: Int64? = nil,
        isAllowed: Bool
    ) {
        self.status = status
        self.stdout = stdout
        self.stderr = stderr
        self.milliseconds = milliseconds
        self.isAllowed = isAllowed
    }

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
