import Glibc
import HostErrors
public import PluginAuthoring
public import PluginCommands
package import PluginHost
import PluginOverlays
import PluginProtocol
import SystemLayer
import Telemetry
import Transfer

/// `plugin test`: an author's tests of a backend, without root and without a cluster.
public enum TestCommand {
    /// Runs it.
    ///
    /// - Parameters:
    ///   - arguments: the words after `test`, sorted.
    ///   - place: where the supervisor is, and where scripts are looked for.
    ///   - out: takes what is printed.
    /// - Returns: 0 all passed, 1 a test failed, 2 the tests could not be run.
    /// - Throws: why they could not.
    public static func run(
        _ arguments: PluginArguments,
        _ place: PluginPlace,
        out: (String) -> Void = { print($0, terminator: "") }
    ) throws -> Int32 {
        try run(arguments, place, handlers: HostFunctions.all, isAlone: true, out: out)
    }

    /// The same with other handlers, to show that the tests run the real ones.
    ///
    /// - Parameters:
    ///   - arguments: the words after `test`, sorted.
    ///   - place: where the supervisor is, and where scripts are looked for.
    ///   - handlers: what stands behind the rows.
    ///   - isAlone: whether nobody else opens descriptors in this process, so that what is left open is the runner's.
    ///   - out: takes what is printed.
    /// - Returns: the exit code.
    /// - Throws: why the tests could not be run.
    package static func run(
        _ arguments: PluginArguments,
        _ place: PluginPlace,
        handlers: [BoundHandler],
        isAlone: Bool = false,
        out: (String) -> Void
    ) throws -> Int32 {
        let options = try TestOptions(arguments)
        let found = try TestFiles(try place.find(options.path, overlays: options.overlays))
        if options.real, geteuid() != 0 {
            throw HostError(
                .failedPrecondition,
                .machine,
                "--real needs root: 0 tests ran; without --real none is needed"
            )
        }
        let companions = Companions(directory: place.programs)
        let confinement = SupervisorConfinement.forAuthor()
        let logger = Logger(sink: SilentSink())
        let open = OpenDescriptors.count
        let start = ContinuousClock.now
        let verbs = SupervisorPool(program: companions.supervisor, size: 2, confinement: confinement, logger: logger)
        defer { verbs.close() }
        let tests = SupervisorPool(
            program: companions.supervisor,
            size: 2,
            confinement: confinement,
            tests: true,
            logger: logger
        )
        defer { tests.close() }
        let subject = try TestSubject(found.entry, pool: verbs, companions: companions, handlers: handlers)
        var report = TestReport(
            backend: found.entry.name,
            functions: subject.descriptor.needs.count,
            path: options.path,
            confinement: confinement.separate ? nil : confinement.applied
        )
        report.isReal = options.real
        let isPeople = options.form == .people
        if isPeople { out(report.header) }
        let standIns = StandIns(companions: place.programs)
        defer { standIns.remove() }
        let machine = options.real ? TestRunner.Machine(given: options.grants, standIns: standIns) : nil
        var number = 0
        for file in found.tests {
            let runner = TestRunner(subject: subject, file: file, pool: tests, machine: machine)
            for (index, test) in try runner.tests().enumerated() {
                number += 1
                if let only = options.only, only != number { continue }
                var result = runner.run(index + 1, test.name, test.line)
                result.number = number
                if let reason = result.skipped {
                    report.skipped.append((test.name, reason))
                    if isPeople { out("  skip  \(test.name): \(reason)\n") }
                    continue
                }
                report.results.append(result)
                guard isPeople else { continue }
                if result.passed { out(TestReport.line(result)) }
                if options.trace { out(trace(result)) }
            }
        }
        if let only = options.only, report.results.isEmpty, report.skipped.isEmpty {
            throw HostError(.notFound, nil, "--only \(only): there are \(number) tests")
        }
        guard number > 0 else {
            throw HostError(.notFound, nil, "\(found.tests.map(\.name).joined(separator: ", ")) has no test(…)")
        }
        let elapsed = ContinuousClock.now - start
        report.milliseconds =
            Double(elapsed.components.seconds) * 1000 + Double(elapsed.components.attoseconds) / 1e15
        verbs.close()
        tests.close()
        if isAlone { report.leftovers = OpenDescriptors.left(over: open) }
        switch options.form {
        case .people:
            if !report.failed.isEmpty { out("\n") }
            for result in report.failed { out(report.block(result, all: options.trace)) }
            out(report.summary)
        case .json: out(report.json)
        case .tap: out(report.tap)
        }
        if let file = options.junit { try write(report.junit, to: file) }
        if report.results.isEmpty {
            throw HostError(.failedPrecondition, .machine, "--real: 0 of \(number) tests ran; each line says why")
        }
        return report.isGood ? 0 : 1
    }

    /// Everything of one test.
    private static func trace(_ result: TestResult) -> String {
        var out = result.trace.map { "        \($0)\n" }.joined()
        if result.passed { out += TestReport.table(result.calls, margin: "        ", all: true) }
        return out
    }

    private static func write(_ text: String, to path: String) throws(HostError) {
        do throws(SyscallError) {
            let number = unsafe open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
            guard number >= 0 else { throw SyscallError("open", errno, path) }
            let file = OwnedFD(number)
            try writeAll(Array(text.utf8), to: file.rawValue)
            try file.close()
        } catch { throw HostError(.internal, nil, "--junit \(path) cannot be written (\(error))") }
    }
}

/// The descriptors of this process that lead to supervisors: sockets, pipes and processes.
enum OpenDescriptors {
    static var count: Int {
        let names = (try? DirectoryTree.names(in: "/proc/self/fd")) ?? []
        return names.count { name in
            let text = unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: 64) { buffer -> String in
                guard let start = buffer.baseAddress else { return "" }
                let length = unsafe readlink("/proc/self/fd/\(name)", start, 64)
                let bytes = unsafe buffer.prefix(max(0, length)).map(UInt8.init(bitPattern:))
                return String(decoding: bytes, as: UTF8.self)
            }
            return text.hasPrefix("socket:") || text.hasPrefix("pipe:") || text.contains("pidfd")
        }
    }

    /// How many more there are than before, in words; waits a moment, since supervisors are reaped beside.
    static func left(over before: Int) -> [String] {
        let deadline = ContinuousClock.now + .seconds(2)
        while count > before, ContinuousClock.now < deadline { usleep(1000) }
        let more = count - before
        return more > 0 ? ["\(more) descriptors of the runner were left open: this is a bug of substrate-host"] : []
    }
}
