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
                line: line,
                keptName: spec.keptName
            )
        else { throw .notFound("\(spec.program): no t:program says what it answers") }
        let name = spec.keptName ?? program.name
        let kept =
            spec.keptName != nil
            ? KeptProcess(name: name, pid: program.pid, startTime: UInt64(program.pid), nonce: "fake") : nil
        let begin = world.now()
        return HeldProcess(name: name, kept: kept, handle: program) { [world] in
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

    func end(_ process: HeldProcess) { process.handle?.signal(9) }

    /// The fake host counts what is left itself, with its line.
    func finish(keeping kept: [KeptProcess], client: KeptProcess?) -> [String] { [] }
}
