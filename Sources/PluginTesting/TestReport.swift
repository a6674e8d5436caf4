import Telemetry

/// All results of one run, as people and machines read them.
struct TestReport {
    /// `process`.
    let backend: String
    let functions: Int
    /// As typed, for the line that runs a test again.
    let path: String
    /// What surrounds supervisors, where it is less than in service.
    let confinement: String?
    var results: [TestResult] = []
    var milliseconds = 0.0
    /// What the runner itself left open.
    var leftovers: [String] = []
    /// Tests that were not run, and why.
    var skipped: [(name: String, reason: String)] = []
    /// Whether the world was this machine.
    var isReal = false

    private static let width = 84

    var failed: [TestResult] { results.filter { !$0.passed } }
    var isGood: Bool { failed.isEmpty && leftovers.isEmpty }

    /// The first lines.
    var header: String {
        let world = isReal ? "this machine's world, real clock" : "fake runtime, fake clock, no root"
        let first = "\(backend) · api 1 · \(functions) host function\(functions == 1 ? "" : "s") · \(world)\n"
        return first + (confinement.map { "supervisors have \($0)\n" } ?? "")
    }

    /// One passed test's line.
    static func line(_ result: TestResult) -> String {
        let time = "\(Int(result.milliseconds.rounded())) ms"
        return columns("  \(result.passed ? "ok   " : "FAIL ") \(result.name)", time)
    }

    /// The block of a failed one; with `all` no call is left out.
    func block(_ result: TestResult, all: Bool = false) -> String {
        guard let failure = result.failure else { return "" }
        let margin = "        "
        var out = Self.line(result)
        let lines = failure.text.split(separator: "\n", omittingEmptySubsequences: false)
        let place = failure.place.isEmpty ? "" : "\(failure.place)  "
        out += "\(margin)\(place)\(lines.first ?? "")\n"
        for line in lines.dropFirst() { out += "\(margin)\(line)\n" }
        out += Self.table(result.calls, margin: margin, all: all)
        if let mend = result.mend { out += "\(margin)mend    \(mend)\n" }
        out += "\(margin)left    \(result.left.isEmpty ? "nothing" : result.left.joined(separator: "; "))\n"
        out += "\(margin)again   substrate-host plugin test \(path) --only \(result.number) --trace\n"
        return out
    }

    /// A block shows so many calls at its beginning and its end, and so many that failed between.
    private static let shownFirst = 8
    private static let shownLast = 16

    private static func shown(_ calls: [TestResult.Call], all: Bool) -> [Int] {
        guard !all, calls.count > shownFirst + shownLast else { return Array(calls.indices) }
        let middle = shownFirst..<calls.count - shownLast
        let failed = middle.filter { calls[$0].status != "ok" || calls[$0].injectedBy != nil }
        return Array(0..<shownFirst) + failed.prefix(shownFirst) + Array(calls.indices.suffix(shownLast))
    }

    /// The host calls of a test.
    ///
    /// - Parameters:
    ///   - calls: in their order.
    ///   - margin: what every line begins with.
    ///   - all: whether none is left out, however many there are.
    /// - Returns: lines, each with its end.
    static func table(_ calls: [TestResult.Call], margin: String, all: Bool = false) -> String {
        guard !calls.isEmpty else { return "\(margin)calls   none\n" }
        let shown = shown(calls, all: all)
        let digits = "\(calls.count)".count
        let words = shown.map { calls[$0].words.count }.max() ?? 0
        let statuses = shown.map { calls[$0].status.count }.max() ?? 0
        var out = ""
        var last = -1
        for index in shown {
            let call = calls[index]
            if index > last + 1 {
                out += "\(margin)        … \(index - last - 1) more; --trace shows them all\n"
            }
            last = index
            out += margin + (index == 0 ? "calls   " : "        ")
            out += padded(left: "\(index + 1)", digits) + " " + padded(call.words, words) + "  "
            out += padded(call.status, statuses) + "  " + call.place
            if let injected = call.injectedBy { out += "   ← injected by \(injected)" }
            out += "\n"
        }
        return out
    }

    /// The last line.
    var summary: String {
        let calls = results.reduce(0) { $0 + $1.calls.count }
        let counts = "\(results.count - failed.count) passed, \(failed.count) failed"
        let more = skipped.isEmpty ? "" : ", \(skipped.count) skipped"
        guard isGood else {
            return counts + more + leftovers.map { "\n\($0)" }.joined() + "\n"
        }
        return Self.columns(
            "\(counts)\(more), \(calls) host call\(calls == 1 ? "" : "s") checked, nothing left behind",
            "\(Int(milliseconds.rounded())) ms"
        )
    }

    private static func columns(_ left: String, _ right: String) -> String {
        let room = max(1, width - left.count - right.count)
        return left + String(repeating: " ", count: room) + right + "\n"
    }

    private static func padded(_ text: String, _ width: Int) -> String {
        text + String(repeating: " ", count: max(0, width - text.count))
    }

    private static func padded(left text: String, _ width: Int) -> String {
        String(repeating: " ", count: max(0, width - text.count)) + text
    }
}
