import HostErrors
import PluginHost
import PluginOverlays
import PluginProtocol

/// Runs the tests of one file, each in a supervisor of its own over a host of its own.
struct TestRunner {
    /// One test file.
    struct File {
        let name: String
        let source: [UInt8]
    }

    /// The real time of one test, whatever its clock says.
    private static let patience = Duration.seconds(30)
    let subject: TestSubject
    let file: File
    /// Where supervisors for tests come from.
    let pool: SupervisorPool
    /// What a run on this machine is given; nil where the world is data.
    var machine: Machine?

    /// This machine as a world.
    struct Machine {
        /// What `--grant` gives.
        let given: [OperatorGrant]
        /// Programs for containers that name no image.
        let standIns: StandIns
    }

    /// The tests' names and lines, in their order.
    ///
    /// - Throws: what is wrong with the file, with its line.
    func tests() throws(HostError) -> [(name: String, line: UInt32)] {
        let supervisor = try pool.take()
        defer { supervisor.end() }
        var buffer = FrameBuffer()
        return try load(into: supervisor, &buffer, until: .now + .seconds(5))
    }

    private func load(
        into supervisor: SupervisorProcess,
        _ buffer: inout FrameBuffer,
        until deadline: ContinuousClock.Instant
    ) throws(HostError) -> [(name: String, line: UInt32)] {
        try supervisor.send(.load(name: "test", file: file.name, source: file.source), until: deadline)
        switch try supervisor.receive(&buffer, until: deadline) {
        case .descriptor(.list(let items)):
            return items.compactMap { item in
                guard case .map(let pairs) = item, case .text(let name)? = pairs["name"],
                    case .integer(let line)? = pairs["line"]
                else { return nil }
                return (name, UInt32(clamping: line))
            }
        case .descriptor: return []
        case .trap(let trap): throw HostError(.internal, .plugin, trap.message, context: ["plugin.trap": trap.code])
        default: throw HostError(.internal, .plugin, "plugin protocol: a list of tests was expected")
        }
    }

    /// Runs one test.
    ///
    /// - Parameters:
    ///   - number: from 1, in the file.
    ///   - name: for the result.
    ///   - line: of the test.
    /// - Returns: what it came to; the number is the file's.
    func run(_ number: Int, _ name: String, _ line: UInt32) -> TestResult {
        let start = ContinuousClock.now
        let host = FakeHost(subject)
        let test = TestCase(host)
        var result = TestResult(number: number, name: name, file: file.name, line: line)
        do throws(HostError) {
            if let machine {
                let real = RealCase(test, subject, given: machine.given, standIns: machine.standIns)
                defer {
                    result.trace = real.verbs.map { "\(file.name):\($0.line)  \($0.words)" } + result.trace
                    let lines = host.trace.entries
                    let places = ScriptPlaces(subject.entry)
                    result.left =
                        real.real?.close { name in
                            lines.last { $0.target == name || $0.target?.hasPrefix("\(name): ") == true }
                                .map { "started at \(places($0.line))" }
                        } ?? []
                }
                result.failure = try converse(real.answer, number, &result)
            } else {
                result.failure = try converse(test.answer, number, &result)
            }
        } catch {
            result.failure = TestResult.Failure(place: "", text: error.message)
        }
        if result.failure == nil, let left = result.left.first {
            result.failure = TestResult.Failure(place: "", text: "\(left) was left behind")
        }
        finish(&result, host, test)
        let elapsed = ContinuousClock.now - start
        result.milliseconds = Double(elapsed.components.attoseconds) / 1e15 + Double(elapsed.components.seconds) * 1000
        return result
    }

    private func converse(
        _ answer: (String, PluginValue, UInt32) -> TestReply,
        _ number: Int,
        _ result: inout TestResult
    ) throws(HostError) -> TestResult.Failure? {
        let supervisor = try pool.take()
        defer { supervisor.end() }
        var buffer = FrameBuffer()
        let deadline = ContinuousClock.now + Self.patience
        _ = try load(into: supervisor, &buffer, until: deadline)
        try supervisor.send(
            .verb(
                name: "\(number)",
                actor: .handle(PluginHandle(index: 0, generation: TestFunction.Object.t.rawValue)),
                request: .null,
                functions: [],
                deadlineMilliseconds: 30_000
            ),
            until: deadline
        )
        while true {
            switch try supervisor.receive(&buffer, until: deadline) {
            case .call(let function, let arguments, let line):
                switch answer(function, arguments, line) {
                case .values(let values):
                    try supervisor.send(.reply(ReplyFrame(status: "", values: values)), until: deadline)
                case .skips(let reason):
                    supervisor.kill()
                    result.skipped = reason
                    return nil
                case .mistake(let fault): try supervisor.send(.mistake(fault), until: deadline)
                case .fails(let text):
                    supervisor.kill()
                    return TestResult.Failure(place: "\(file.name):\(line)", text: text)
                }
            // An object of the test's ends with the test.
            case .release: try supervisor.send(.reply(ReplyFrame(status: "", values: [])), until: deadline)
            case .log(let text, let line): result.trace.append("\(file.name):\(line)  \(text)")
            case .trap(let trap): return Self.failure(of: trap)
            case .answer(let status, let value):
                if status == "ok" { return nil }
                let reason: String = if case .text(let text) = value { ": \(text)" } else { "" }
                return TestResult.Failure(place: file.name, text: "try ended the test with \(status)\(reason)")
            case .descriptor:
                supervisor.kill()
                throw HostError(.internal, .plugin, "plugin protocol: a second list of tests")
            }
        }
    }

    /// A trap begins with its place: `file:line: text`.
    private static func failure(of trap: TrapFrame) -> TestResult.Failure {
        let first = trap.message.split(separator: "\n", maxSplits: 1).first.map(String.init) ?? trap.code
        let parts = first.split(separator: " ", maxSplits: 1)
        guard parts.count == 2, parts[0].hasSuffix(":") else {
            return TestResult.Failure(place: "", text: trap.message)
        }
        let text = String(trap.message.dropFirst(parts[0].count + 1))
        return TestResult.Failure(place: String(parts[0].dropLast()), text: text)
    }

    /// What is only known at the end: calls, leftovers, faults that never came.
    private func finish(_ result: inout TestResult, _ host: FakeHost, _ test: TestCase) {
        let script = subject.entry.path.split(separator: "/").last.map(String.init) ?? "backend.lua"
        let places = ScriptPlaces(subject.entry)
        let entries = host.trace.entries
        result.calls = entries.map { entry in
            let function = subject.function(around: entry.line).map { " in \($0)" } ?? ""
            return TestResult.Call(
                words: entry.words,
                status: entry.status?.rawValue ?? "trap",
                place: places(entry.line) + function,
                injectedBy: entry.injectedBy.map { "\(file.name):\($0)" }
            )
        }
        result.trace = test.verbs.map { "\(file.name):\($0.line)  \($0.words)" } + result.trace
        result.trace += host.printed.map { "\($0.line.contains(":") ? "" : "\(script):")\($0.line)  \($0.text)" }
        let leaks = host.leaks + host.mistakes.leaks
        let own = host.close()
        result.left += leaks.map { "\($0.things), started at \($0.place(places))" }
        result.left += own.map { "\($0), which the host should have removed: this is a bug of substrate-host" }
        if let trap = test.trap, let failure = result.failure {
            result.mend = Self.mend(of: trap)
            // An outcome that was expected is not what went wrong.
            if failure.text.contains("got trap ") { result.failure?.text += Self.dress(of: trap) }
        }
        if let unmatched = host.world.unmatched.first {
            let starting = ["process.run", "process.start", "workload.enter", "http.request"]
            let line = entries.last(where: { starting.contains($0.function) && $0.status != .ok })?.line ?? 0
            result.failure = TestResult.Failure(place: places(line), text: unmatched)
        } else if result.failure == nil {
            result.failure = late(host, leaks, own, script)
        }
        if result.mend == nil, result.failure?.text.hasSuffix("got ok") == true {
            result.mend = dropped(entries, script)
        }
    }

    private func late(
        _ host: FakeHost,
        _ leaks: [FakeHost.Leak],
        _ own: [String],
        _ script: String
    ) -> TestResult.Failure? {
        if let leak = leaks.first {
            return TestResult.Failure(
                place: leak.place(ScriptPlaces(subject.entry)),
                text: "leaked_handle: \(leak.words)"
            )
        }
        if let left = own.first {
            return TestResult.Failure(place: "", text: "\(left) was left behind: this is a bug of substrate-host")
        }
        if let secret = host.secretInState { return TestResult.Failure(place: script, text: secret) }
        if let fault = host.trace.unused.first {
            return TestResult.Failure(
                place: "\(file.name):\(fault.line)",
                text: "this fault never came: \(fault.function) was not called that often"
            )
        }
        return nil
    }

    /// The call whose failure the script did not look at.
    private func dropped(_ entries: [CallTrace.Entry], _ script: String) -> String? {
        let lines = subject.lines
        for entry in entries where entry.status.map({ $0 != .ok }) ?? false {
            // A module has its own lines.
            guard entry.line > 0, Int(entry.line) <= lines.count else { continue }
            let text = lines[Int(entry.line) - 1]
            guard !text.contains("try("), text.contains(entry.function) else { continue }
            let row = HostFunction.named(entry.function)
            let arguments: String = if case .record? = row?.arguments { " {…}" } else { "(…)" }
            return "\(script):\(entry.line) drops the status: try(host.\(entry.function)\(arguments))"
        }
        return nil
    }

    /// What a mistake's text says beside its first line, its mend and its code: the source line, what belongs there, what
    /// came, and the calls that led there.
    private static func dress(of trap: String) -> String {
        trap.split(separator: "\n").dropFirst().filter { !$0.hasPrefix("  mend ") && !$0.hasPrefix("  [trap ") }
            .map { "\n" + $0.dropFirst($0.hasPrefix("  ") ? 2 : 0) }.joined()
    }

    /// The `mend` line of a mistake's text.
    private static func mend(of trap: String) -> String? {
        trap.split(separator: "\n").map { $0.drop { $0 == " " } }.first { $0.hasPrefix("mend ") }
            .map { String($0.dropFirst(5).drop { $0 == " " }) }
    }
}
