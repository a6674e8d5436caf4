import ActorContract
import Glibc
import HostErrors
import PluginHost
import PluginProtocol
import Synchronization
import SystemLayer

/// What stands behind the host functions in an author's test: programs as rules, files in memory, and a clock that
/// moves only when someone waits.
final class FakeWorld: World {
    private struct State {
        var elapsed = Duration.zero
        var programs: [Int32: FakeProgram] = [:]
        var files: [String: [UInt8]] = [:]
        var directories: Set<String> = []
        var rules: [String: [ProgramRule]] = [:]
        var atTerm: [String: FakeProgram.Behaviour] = [:]
        var unmatched: [String] = []
        var sockets: [String: FakeSocket] = [:]
        var places: Set<FakePlace> = []
        var made = 0
    }
    private let begin = ContinuousClock.now
    private let state = Mutex(State())
    /// No program of this machine has such a number: they end at 2^22 (proc(5), pid_max).
    private static let firstPid: Int32 = 1 << 30

    // MARK: The clock

    func now() -> ContinuousClock.Instant { state.withLock { begin + $0.elapsed } }

    /// How long everybody waited, in whole milliseconds.
    var elapsedMilliseconds: Int64 { VerbInterrupt.milliseconds(until: now(), from: begin) }

    /// Moves the clock, never back, and ends the programs whose time has come, in their order.
    func advance(to instant: ContinuousClock.Instant) {
        while let next = due(instant) { next.finish() }
        state.withLock { $0.elapsed = max($0.elapsed, instant - begin) }
    }

    private func due(_ instant: ContinuousClock.Instant) -> FakeProgram? {
        let programs = state.withLock { Array($0.programs.values) }
        let ending = programs.compactMap { program in program.pendingEnd.map { (program, $0) } }
        guard let (program, end) = ending.min(by: { ($0.1, $0.0.pid) < ($1.1, $1.0.pid) }), end <= instant else {
            return nil
        }
        state.withLock { $0.elapsed = max($0.elapsed, end - begin) }
        return program
    }

    func sleep(until deadline: ContinuousClock.Instant, _ interrupt: VerbInterrupt) -> VerbInterrupt.Outcome {
        advance(to: deadline)
        return .timeout
    }

    // MARK: Programs

    func start(_ workload: WorkloadStart) throws(HostError) -> KeptProcess {
        let name = workload.prepared.container.name
        let program = add(name: name, directory: workload.actor.directory, line: nil, isKept: true)
        program.mounts = FakeMounts(workload.actor, workload.prepared.container)
        program.atTerm = state.withLock { $0.atTerm["\(workload.actor.directory)/\(name)"] } ?? .end
        return KeptProcess(name: name, pid: program.pid, startTime: UInt64(program.pid), nonce: "fake")
    }

    func room(_ place: RoomPlace) -> any ProgramRoom { FakeRoom(self, place) }

    /// Makes a program that runs.
    func add(
        name: String,
        directory: String,
        line: UInt32?,
        isKept: Bool,
        leftBy: String? = nil,
        output: (stdout: String, stderr: String) = ("", "")
    ) -> FakeProgram {
        state.withLock { state in
            state.made += 1
            let program = FakeProgram(
                name: name,
                pid: Self.firstPid + Int32(state.made),
                directory: directory,
                line: line,
                isKept: isKept,
                leftBy: leftBy,
                output: output,
                world: self
            )
            state.programs[program.pid] = program
            return program
        }
    }

    func find(_ process: KeptProcess) -> (any HeldProgram)? { program(process.pid) }

    func program(_ pid: Int32) -> FakeProgram? { state.withLock { $0.programs[pid] } }

    func end(of process: KeptProcess, of actor: PreparedActor) -> ExitStatus? { program(process.pid)?.status }

    /// The programs of an actor that run, in the order of their start.
    func running(in directory: String) -> [FakeProgram] {
        state.withLock { Array($0.programs.values) }.filter { $0.directory == directory && !$0.hasExited() }
            .sorted { $0.pid < $1.pid }
    }

    /// The programs of an actor that a verb started for itself, ended or not; forgotten from now on.
    func takeUnkept(in directory: String) -> [FakeProgram] {
        state.withLock { state in
            let found = state.programs.values.filter { $0.directory == directory && !$0.isKept }
            for program in found { state.programs[program.pid] = nil }
            return found.sorted { $0.pid < $1.pid }
        }
    }

    /// All that run, whosever they are.
    var running: [FakeProgram] { state.withLock { Array($0.programs.values) }.filter { !$0.hasExited() } }

    /// What a container's program does at TERM, now and when it is started later.
    func setAtTerm(_ behaviour: FakeProgram.Behaviour, container: String, in directory: String) {
        state.withLock { $0.atTerm["\(directory)/\(container)"] = behaviour }
        for program in running(in: directory) where program.name == container { program.atTerm = behaviour }
    }

    /// What a program of this machine answers.
    func setRules(_ rules: [ProgramRule], of name: String) { state.withLock { $0.rules[name] = rules } }

    /// Those rules; none where nobody said any.
    func rules(of name: String) -> [ProgramRule] { state.withLock { $0.rules[name] } ?? [] }

    /// The programs that have rules.
    var ruled: Set<String> { Set(state.withLock { $0.rules.keys }) }

    /// Runs a program of this machine by its rules.
    ///
    /// - Parameters:
    ///   - path: of the program, as the script gave it.
    ///   - arguments: without the program itself.
    ///   - directory: the actor's.
    ///   - slot: the directory of its slot, in which pidfiles are.
    ///   - line: the script's.
    ///   - keptName: its name where it outlives the verb.
    /// - Returns: the program and the rule; nil when no rule fits, which fails the test.
    func start(
        program path: String,
        arguments: [String],
        in directory: String,
        slot: String,
        line: UInt32,
        keptName: String? = nil
    ) -> (program: FakeProgram, rule: ProgramRule)? {
        let name = path.split(separator: "/").last.map(String.init) ?? path
        guard let rule = state.withLock({ $0.rules[name] })?.first(where: { $0.fits(arguments) }) else {
            let line = "the backend ran \"\(([name] + arguments).joined(separator: " "))\""
            state.withLock { $0.unmatched.append("\(line) and no t:program(\"\(name)\", …) says what that answers") }
            return nil
        }
        let program = add(
            name: keptName ?? name,
            directory: directory,
            line: line,
            isKept: keptName != nil,
            output: (rule.stdout, rule.stderr)
        )
        if !rule.pidfile.isEmpty {
            let daemon = add(name: name, directory: directory, line: line, isKept: false, leftBy: name)
            setFile("\(slot)/\(rule.pidfile)", Array("\(daemon.pid)\n".utf8))
        }
        if let milliseconds = rule.milliseconds {
            program.end(at: now() + .milliseconds(milliseconds), as: .exited(rule.code))
        } else if keptName == nil {
            program.end(at: now(), as: .exited(rule.code))
        }
        return (program, rule)
    }

    /// What was run and no rule knew, in words.
    var unmatched: [String] { state.withLock { $0.unmatched } }

    /// Takes every program of an actor off the machine, as the host's teardown does.
    func kill(in directory: String) {
        for program in running(in: directory) { program.signal(9) }
        state.withLock { state in state.programs = state.programs.filter { $0.value.directory != directory } }
    }

    // MARK: Files

    func file(_ path: String) -> [UInt8]? { state.withLock { $0.files[path] } }

    func setFile(_ path: String, _ bytes: [UInt8]) { state.withLock { $0.files[path] = bytes } }

    /// The files below a directory: path from there → bytes.
    func files(below directory: String) -> [String: [UInt8]] {
        state.withLock { state in
            var found: [String: [UInt8]] = [:]
            for (path, bytes) in state.files where path.hasPrefix("\(directory)/") {
                found[String(path.dropFirst(directory.utf8.count + 1))] = bytes
            }
            return found
        }
    }

    func removeFiles(below directory: String) {
        state.withLock { state in
            state.files = state.files.filter { !$0.key.hasPrefix("\(directory)/") }
            state.directories = state.directories.filter { !$0.hasPrefix("\(directory)/") }
        }
    }

    /// Every file, sorted.
    var files: [String] { state.withLock { $0.files.keys.sorted() } }

    func makeDirectory(_ name: String, in directory: String) throws(SyscallError) {
        state.withLock { _ = $0.directories.insert("\(directory)/\(name)") }
    }

    /// A directory is there when somebody made it, or a file in it.
    private func isDirectory(_ path: String) -> Bool {
        state.withLock { state in
            state.directories.contains(path) || state.files.keys.contains { $0.hasPrefix("\(path)/") }
        }
    }

    func replace(
        _ path: String,
        beneath directory: String,
        with bytes: [UInt8],
        isProgram: Bool
    ) throws(SyscallError) {
        let parts = path.split(separator: "/", omittingEmptySubsequences: false)
        // There are no links in memory: what is left of the walk's rules is that nothing leads outside.
        guard !parts.contains("..") else { throw SyscallError("openat2", EXDEV, path) }
        let names = parts.filter { !$0.isEmpty && $0 != "." }
        let folder = names.dropLast().joined(separator: "/")
        guard folder.isEmpty || isDirectory("\(directory)/\(folder)") else {
            throw SyscallError("openat2", ENOENT, folder)
        }
        setFile("\(directory)/\(names.joined(separator: "/"))", bytes)
    }

    // MARK: What the host makes around actors

    /// Says that a cgroup or a namespace is there.
    func make(_ place: FakePlace) { state.withLock { _ = $0.places.insert(place) } }

    /// Says that it is gone.
    func remove(_ place: FakePlace) { state.withLock { _ = $0.places.remove(place) } }

    /// All that are there, in words, sorted.
    var places: [String] { state.withLock { $0.places }.map(\.words).sorted() }

    // MARK: Sockets

    /// What a socket answers; the name is that of its file, or a whole path.
    func setSocket(_ socket: FakeSocket, named name: String) { state.withLock { $0.sockets[name] = socket } }

    /// The sockets that a test declared by their whole paths: what an operator would grant.
    var grantedSockets: Set<String> { Set(state.withLock { $0.sockets.keys }.filter { $0.hasPrefix("/") }) }

    func exchange(_ exchange: HTTPExchange) throws(HTTPExchange.Failure) -> HTTPAnswer {
        let path = exchange.socketPath
        let name = path.split(separator: "/").last.map(String.init) ?? path
        guard let socket = state.withLock({ $0.sockets[path] ?? $0.sockets[name] }) else {
            throw .system(SyscallError("connect", ENOENT, path))
        }
        let opens = begin + .milliseconds(socket.afterMilliseconds)
        if opens > now() {
            guard opens < exchange.connectDeadline else {
                advance(to: exchange.connectDeadline)
                throw .status(.notFound, "\(path): there is no such socket yet")
            }
            advance(to: opens)
        }
        guard let rule = socket.rules.first(where: { $0.fits(exchange) }) else {
            let asked = "the backend asked \"\(exchange.method) \(exchange.target)\" of \"\(name)\""
            state.withLock {
                $0.unmatched.append("\(asked) and no rule of t:http(\"\(name)\", …) says what that answers")
            }
            throw .status(.failed, "no rule of t:http answers \(exchange.method) \(exchange.target)")
        }
        let answered = now() + .milliseconds(rule.milliseconds)
        guard answered <= exchange.deadline else {
            advance(to: exchange.deadline)
            throw .status(.timeout, "\(exchange.method) \(exchange.target): no answer in time")
        }
        advance(to: answered)
        return HTTPAnswer(code: rule.code, body: rule.body)
    }
}
