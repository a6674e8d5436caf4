package import ActorContract
package import Assets
import Glibc
package import HostErrors
package import SystemLayer

/// The last layer before the kernel, as the handlers see it: this machine, or the data of an author's test.
///
/// What is above it (frames, checks, grants, the journal, the handlers) is the same code in service and in tests.
package protocol World: Sendable {
    /// What time it is, for every wait of a verb.
    func now() -> ContinuousClock.Instant
    /// Waits until then, or until the verb is cancelled.
    func sleep(until deadline: ContinuousClock.Instant, _ interrupt: VerbInterrupt) -> VerbInterrupt.Outcome
    /// Starts a container of an actor.
    func start(_ workload: WorkloadStart) throws(HostError) -> KeptProcess
    /// Where the programs of a verb run.
    func room(_ place: RoomPlace) -> any ProgramRoom
    /// A program that an earlier verb kept, if it is still there.
    func find(_ process: KeptProcess) -> (any HeldProgram)?
    /// How a kept program ended; nil while it runs, or when nobody knows.
    func end(of process: KeptProcess, of actor: PreparedActor) -> ExitStatus?
    /// Waits until the containers behind these programs, which were restored, have their system call filters.
    func waitForFilters(of kept: [KeptProcess], until deadline: ContinuousClock.Instant) throws(HostError)
    /// Makes a directory of mode 0700 in a directory of the actor's, unless it is there.
    func makeDirectory(_ name: String, in directory: String) throws(SyscallError)
    /// Replaces a file below a directory of the actor's, whole or not at all; a program may be run by everybody.
    func replace(
        _ path: String,
        beneath directory: String,
        with bytes: [UInt8],
        isProgram: Bool
    ) throws(SyscallError)
    /// Opens an asset of the actor's for reading.
    func asset(_ path: String) throws(HostError) -> any AssetBytes
    /// An asset of a pack, and the cache that it would be loaded into; nil where no pack has it.
    func packed(_ query: AssetQuery) -> (shelved: ShelvedAsset, cache: AssetCache)?
    /// Asks over a Unix socket.
    func exchange(_ exchange: HTTPExchange) throws(HTTPExchange.Failure) -> HTTPAnswer
}

extension World {
    package func asset(_ path: String) throws(HostError) -> any AssetBytes { try CachedBytes(path) }

    package func waitForFilters(of kept: [KeptProcess], until deadline: ContinuousClock.Instant) {}

    package func packed(_ query: AssetQuery) -> (shelved: ShelvedAsset, cache: AssetCache)? { nil }
}

/// One program that somebody holds: signalled and waited for, and by nobody mistaken for another.
package protocol HeldProgram: Sendable {
    /// Its number.
    var pid: Int32 { get }
    /// When it began, in the kernel's ticks: its number may become another's.
    var startTime: UInt64 { get }
    /// Sends a signal; false when it has already ended.
    @discardableResult func signal(_ number: Int32) -> Bool
    /// Whether it has ended; never waits.
    func hasExited() -> Bool
    /// Waits until it has ended, the deadline is over or the verb is cancelled.
    func wait(until deadline: ContinuousClock.Instant, _ interrupt: VerbInterrupt?) -> VerbInterrupt.Outcome
    /// Takes it off the machine's list once it has ended; waits for that.
    @discardableResult func wait() -> ExitStatus?
}

extension ProcessHandle: HeldProgram {
    package func wait(
        until deadline: ContinuousClock.Instant,
        _ interrupt: VerbInterrupt?
    ) -> VerbInterrupt.Outcome {
        if let interrupt { return interrupt.wait(pollDescriptor, until: deadline) }
        let milliseconds = VerbInterrupt.milliseconds(until: deadline)
        return (try? waitReadable(pollDescriptor, milliseconds: milliseconds)) == true ? .ready : .timeout
    }
}

extension PreparedActor {
    /// Where the log and the end of a kept program are: a container's are the actor's, others stay with the slot.
    func places(of name: String) -> ActorDirectories {
        containers.contains { $0.container.name == name } ? ActorDirectories(directory) : slotPlaces
    }
}

/// This machine.
struct Machinery: World {
    /// Where the packs are.
    var shelf: AssetShelf?

    func waitForFilters(of kept: [KeptProcess], until deadline: ContinuousClock.Instant) throws(HostError) {
        try RestoredFilters.wait(for: kept, until: deadline)
    }

    func packed(_ query: AssetQuery) -> (shelved: ShelvedAsset, cache: AssetCache)? {
        guard let cache = shelf?.content else { return nil }
        let found: ShelvedAsset? =
            switch query {
            case .name(let name): cache.shelved(name: name)
            case .slot(let bank, let slot):
                AssetBank(rawValue: bank).flatMap { cache.shelved(bank: $0, slot: slot) }
            }
        return found.map { ($0, cache) }
    }

    func now() -> ContinuousClock.Instant { .now }

    func sleep(until deadline: ContinuousClock.Instant, _ interrupt: VerbInterrupt) -> VerbInterrupt.Outcome {
        interrupt.wait(until: deadline)
    }

    func start(_ workload: WorkloadStart) throws(HostError) -> KeptProcess { try workload.perform() }

    func room(_ place: RoomPlace) -> any ProgramRoom { ToolRoom(place) }

    func find(_ process: KeptProcess) -> (any HeldProgram)? {
        ProcessHandle.find(pid: process.pid, startTime: process.startTime)
    }

    func end(of process: KeptProcess, of actor: PreparedActor) -> ExitStatus? {
        WorkloadEnd.read(directory: actor.places(of: process.name).exit(process.name), nonce: process.nonce)
    }

    func makeDirectory(_ name: String, in directory: String) throws(SyscallError) {
        let parent = try BeneathPath.open("", beneath: directory, flags: O_RDONLY | O_DIRECTORY)
        guard unsafe mkdirat(parent.rawValue, name, 0o700) == 0 || errno == EEXIST else {
            throw SyscallError("mkdirat", errno, name)
        }
    }

    func replace(
        _ path: String,
        beneath directory: String,
        with bytes: [UInt8],
        isProgram: Bool
    ) throws(SyscallError) {
        try FileReplacement.perform(path, beneath: directory, with: bytes, mode: isProgram ? 0o755 : 0o600)
    }

    func exchange(_ exchange: HTTPExchange) throws(HTTPExchange.Failure) -> HTTPAnswer { try exchange.perform() }
}
