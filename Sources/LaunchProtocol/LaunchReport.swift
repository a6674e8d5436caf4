/// What the launcher says on descriptor 4 before that reaches its end.
public enum LaunchReport: Sendable, Equatable {
    /// The workload's program runs; its number is that of its own pid namespace.
    case ready(pid: Int32)
    /// A numbered step failed, and nothing runs.
    case failed(step: UInt16, errno: UInt16, text: String)

    /// One line: `ready 2`, or `failed 11 22 overlay: …`.
    ///
    /// - Returns: the bytes to write in one write(2).
    public func encoded() -> [UInt8] {
        switch self {
        case .ready(let pid): return Array("ready \(pid)\n".utf8)
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
        let words = String(decoding: bytes.dropLast(), as: UTF8.self)
            .split(separator: " ", maxSplits: 3, omittingEmptySubsequences: false)
        if words.count == 2, words[0] == "ready", let pid = Int32(words[1]) { return .ready(pid: pid) }
        guard words.count == 4, words[0] == "failed", let step = UInt16(words[1]), let errno = UInt16(words[2]) else {
            return nil
        }
        return .failed(step: step, errno: errno, text: String(words[3]))
    }
}
