import ActorContract
import PluginHost
import SystemLayer

/// The programs of one verb in an author's test: rules, which answer what a program of this machine would.
final class FakeRoom: ProgramRoom {
    private let world: FakeWorld
    private let place: RoomPlace

    init(_ world: FakeWorld, _ place: RoomPlace) {
        self.world = world
        self.place = place
    }

    func start(_ spec: ProgramSpec, line: UInt32) throws(ProgramFailure) -> HeldProcess {
        guard
            let (program, rule) = world.start(
                program: spec.program,
                arguments: spec.arguments,
                in: place.actor.directory,
                slot: place.actor.slotPlaces.root,
                line: line,
                keptName: spec.keptName
            )
        else { throw .notFound("\(spec.program): no t:program says what it answers") }
        let name = spec.keptName ?? program.name
        let kept =
            spec.keptName != nil
            ? KeptProcess(name: name, pid: program.pid, startTime: UInt64(program.pid), nonce: "fake") : nil
        let begin = world.now()
        var held = HeldProcess(name: name, kept: kept, handle: program) { [world] in
            let status = program.wait()
            return ProgramEnd(
                status: status,
                stdout: Array(rule.stdout.utf8),
                stderr: Array(rule.stderr.utf8),
                milliseconds: (world.now() - begin).components.seconds * 1000
                    + (world.now() - begin).components.attoseconds / 1_000_000_000_000_000,
                isAllowed: spec.allows(status)
            )
        }
        held.line = line
        held.isClient = spec.client != nil
        return held
    }

    private var users: UInt32??

    func shift(to first: UInt32?) -> Bool {
        defer { users = first }
        return users == nil || users == first
    }

    func enter(_ entry: ContainerEntry, line: UInt32) throws(ProgramFailure) -> HeldProcess {
        guard world.program(entry.container.pid)?.hasExited() == false else {
            throw .notRunning("container \"\(entry.container.name)\" has ended")
        }
        var spec = ProgramSpec(program: entry.command.first ?? "")
        spec.arguments = Array(entry.command.dropFirst())
        spec.client = entry.client
        return try start(spec, line: line)
    }

    func waitForEnd(
        of process: HeldProcess,
        until deadline: ContinuousClock.Instant,
        _ interrupt: VerbInterrupt
    ) -> VerbInterrupt.Outcome {
        process.handle?.wait(until: deadline, interrupt) ?? .ready
    }

    func follow(_ process: HeldProcess) {}

    func letGo(_ process: HeldProcess) {}

    /// In an author's test a program is left behind where its rule names a pidfile; a script may write one itself.
    func adopt(_ source: AdoptionSource, name: String) throws(AdoptionFailure) -> HeldProcess {
        switch source {
        case .pidfile(let directory, let rest):
            let path = "\(directory)/\(rest)"
            let text = world.file(path).map { String(decoding: $0, as: UTF8.self) } ?? ""
            let digits = text.split { $0 == " " || $0 == "\n" }.first.map(String.init) ?? ""
            guard let pid = Int32(digits), let program = world.program(pid), !program.hasExited() else {
                throw .notFound("\(rest) names no program that runs")
            }
            guard program.directory == place.actor.directory else {
                throw .accessDenied("the program with the number \(pid) is not in the actor's cgroup")
            }
            let kept = KeptProcess(name: name, pid: pid, startTime: UInt64(pid), nonce: "fake")
            return HeldProcess(name: name, kept: kept, handle: program) {
                ProgramEnd(status: program.wait(), isAllowed: program.status == .exited(0))
            }
        case .childOf(let process):
            // One program of a rule stands for itself and for what it starts: both end together.
            guard let kept = process.kept, let program = world.program(kept.pid), !program.hasExited() else {
                throw .notFound("\(process.name) has ended")
            }
            let child = KeptProcess(name: name, pid: kept.pid, startTime: kept.startTime, nonce: kept.nonce)
            return HeldProcess(name: name, kept: child, handle: program) {
                ProgramEnd(status: program.wait(), isAllowed: program.status == .exited(0))
            }
        }
    }

    func takeOver(_ process: HeldProcess) throws(AdoptionFailure) -> HeldProcess {
        (process.handle as? FakeProgram)?.isKept = true
        return process
    }

    func end(_ process: HeldProcess) { process.handle?.signal(9) }

    /// The fake host counts what is left itself, with its line.
    func finish(keeping kept: [KeptProcess], client: KeptProcess?) -> [LeakedProgram] { [] }
}
