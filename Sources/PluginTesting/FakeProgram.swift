import ActorContract
import PluginHost
import Synchronization
import SystemLayer

/// A program that is data: when it ends, how, and what it writes before.
final class FakeProgram: HeldProgram {
    /// What it does at TERM.
    enum Behaviour: Sendable, Equatable {
        /// Ends at once.
        case end
        /// Goes on.
        case ignore
        /// Writes files, and ends after a time.
        case flush([String: [UInt8]], milliseconds: Int64)
    }

    private struct State {
        var end: (at: ContinuousClock.Instant, status: ExitStatus, writes: [String: [UInt8]])?
        var status: ExitStatus?
        var wasWaitedFor = false
        var atTerm = Behaviour.end
        var mounts: FakeMounts?
        var directory: String
        var isKept: Bool
    }
    let name: String
    let pid: Int32
    /// The script's line that started it; nil for a container's.
    let line: UInt32?
    /// The program that left it behind; nil for one that was started.
    let leftBy: String?
    /// What it prints; nothing of a container's own program is kept.
    let output: (stdout: String, stderr: String)
    private let world: FakeWorld
    private let state: Mutex<State>

    init(
        name: String,
        pid: Int32,
        directory: String,
        line: UInt32?,
        isKept: Bool,
        leftBy: String? = nil,
        output: (stdout: String, stderr: String) = ("", ""),
        world: FakeWorld
    ) {
        self.leftBy = leftBy
        self.name = name
        self.pid = pid
        self.line = line
        self.output = output
        self.world = world
        state = Mutex(State(directory: directory, isKept: isKept))
    }

    var startTime: UInt64 { UInt64(pid) }

    /// Of the actor, or the warm slot, that it belongs to.
    var directory: String {
        get { state.withLock { $0.directory } }
        set { state.withLock { $0.directory = newValue } }
    }

    /// Whether it outlives the verb.
    var isKept: Bool {
        get { state.withLock { $0.isKept } }
        set { state.withLock { $0.isKept = newValue } }
    }

    var atTerm: Behaviour {
        get { state.withLock { $0.atTerm } }
        set { state.withLock { $0.atTerm = newValue } }
    }

    /// Where its files are; nil for a program of this machine.
    var mounts: FakeMounts? {
        get { state.withLock { $0.mounts } }
        set { state.withLock { $0.mounts = newValue } }
    }

    var status: ExitStatus? { state.withLock { $0.status } }
    /// When it will end, if that is known and still to come.
    var pendingEnd: ContinuousClock.Instant? { state.withLock { $0.status == nil ? $0.end?.at : nil } }
    /// Whether the script asked for its end.
    var wasWaitedFor: Bool { state.withLock { $0.wasWaitedFor } }

    /// Says when it ends; an earlier end stands.
    func end(at instant: ContinuousClock.Instant, as status: ExitStatus, writes: [String: [UInt8]] = [:]) {
        state.withLock { state in
            guard state.status == nil, state.end.map({ instant < $0.at }) ?? true else { return }
            state.end = (instant, status, writes)
        }
        if instant <= world.now() { finish() }
    }

    /// Ends it now, with what it writes last.
    func finish() {
        let (writes, mounts) = state.withLock { state -> ([String: [UInt8]], FakeMounts?) in
            guard state.status == nil, let end = state.end else { return ([:], nil) }
            state.status = end.status
            return (end.writes, state.mounts)
        }
        for (path, bytes) in writes { if let place = mounts?.place(path) { world.setFile(place, bytes) } }
    }

    @discardableResult
    func signal(_ number: Int32) -> Bool {
        if hasExited() { return false }
        let now = world.now()
        switch (number, atTerm) {
        case (9, _): end(at: now, as: .signaled(9))
        case (15, .ignore): break
        case (15, .end): end(at: now, as: .exited(0))
        case (15, .flush(let writes, let milliseconds)):
            end(at: now + .milliseconds(milliseconds), as: .exited(0), writes: writes)
        default: end(at: now, as: .signaled(number))
        }
        return true
    }

    func hasExited() -> Bool { state.withLock { $0.status != nil } }

    func wait(until deadline: ContinuousClock.Instant, _ interrupt: VerbInterrupt?) -> VerbInterrupt.Outcome {
        state.withLock { $0.wasWaitedFor = true }
        if hasExited() { return .ready }
        let end = pendingEnd
        guard let end, end <= deadline else {
            world.advance(to: deadline)
            return .timeout
        }
        world.advance(to: end)
        return .ready
    }

    @discardableResult
    func wait() -> ExitStatus? {
        state.withLock { $0.wasWaitedFor = true }
        return status
    }
}

/// One line of what a program answers.
struct ProgramRule: Sendable {
    /// All of them are among the arguments, in this order.
    var arguments: [String]
    var code: Int32 = 0
    var stdout = ""
    var stderr = ""
    /// How long it runs; nil: it ends at once, or, where it is kept, goes on.
    var milliseconds: Int64?
    /// Where it leaves the number of a program that it leaves behind, such as `bundles/web.pid`; empty: it leaves none.
    var pidfile = ""

    func fits(_ given: [String]) -> Bool {
        var rest = given[...]
        for wanted in arguments {
            guard let found = rest.firstIndex(of: wanted) else { return false }
            rest = rest[(found + 1)...]
        }
        return true
    }
}

/// Where a container's paths lead.
struct FakeMounts: Sendable {
    private let root: String
    private let mounts: [(path: String, source: String)]

    init(_ actor: PreparedActor, _ container: Container) {
        root = ActorDirectories(actor.directory).upper(container.name)
        mounts = container.volumeMounts.compactMap { mount in actor.volumes[mount.name].map { (mount.mountPath, $0) } }
    }

    /// The file in memory that is behind a path of the container's; the deepest mount wins.
    func place(_ path: String) -> String {
        let found = mounts.filter { path.hasPrefix("\($0.path)/") }.max { $0.path.utf8.count < $1.path.utf8.count }
        guard let found else { return root + path }
        return found.source + path.dropFirst(found.path.count)
    }
}
