/// What the launcher says on descriptor 4 before that reaches its end.
public enum LaunchReport: Sendable, Equatable {
    /// The workload's program runs; its number is that of its own pid namespace.
    ///
    /// `applied` is all that stands between it and the machine, the host's own part included.
    case ready(pid: Int32, applied: [Protection])
    /// A numbered step failed, and nothing runs.
    case failed(step: UInt16, errno: UInt16, text: String)

    /// The step that fails when the plan requires what would not be applied; its text is the names.
    public static let requiredStep: UInt16 = 26

    /// One line: `ready 2 pid-namespace seccomp …`, or `failed 11 22 overlay: …`.
    ///
    /// - Returns: the bytes to write in one write(2).
    public func encoded() -> [UInt8] {
        switch self {
        case .ready(let pid, let applied):
            return Array((["ready", "\(pid)"] + applied.map(\.rawValue)).joined(separator: " ").utf8) + [10]
        case .failed(let step, let errno, let text):
            let line = text.prefix(1000).split(separator: "\n").joined(separator: " ")
            return Array("failed \(step) \(errno) \(line)\n".utf8)
        }
    }

    /// Reads all that came on the pipe until its end.
    ///
    /// - Parameter bytes: all of it.
    /// - Returns: the report; nil when the launcher died before it said anything whole.
    public static func decode(_ bytes: [UInt8]) -> LaunchReport? {
        guard bytes.last == 10 else { return nil }
        let line = String(decoding: bytes.dropLast(), as: UTF8.self)
        let said = line.split(separator: " ", omittingEmptySubsequences: false)
        if said.count >= 2, said[0] == "ready", let pid = Int32(said[1]) {
            let applied = said.dropFirst(2).compactMap { Protection(rawValue: String($0)) }
            return applied.count == said.count - 2 ? .ready(pid: pid, applied: applied) : nil
        }
        let words = line.split(separator: " ", maxSplits: 3, omittingEmptySubsequences: false)
        guard words.count == 4, words[0] == "failed", let step = UInt16(words[1]), let errno = UInt16(words[2]) else {
            return nil
        }
        return .failed(step: step, errno: errno, text: String(words[3]))
    }
}
