import ActorContract
import HostErrors
import PluginHost
import PluginOverlays
import PluginProtocol
import Telemetry

/// What the host does around a verb, over a world that is data: an empty slot before, volumes saved and restored,
/// teardown after.
///
/// The verbs themselves, their checks and the refusals of `Admission` are the code of service. `ActorHost` cannot be had
/// over memory: its order is interleaved with the journal, the disk and the cooperative pool.
final class FakeHost {
    /// What a verb came to.
    struct Outcome {
        var status: String
        var reason = ""
        /// The whole text of an author's mistake.
        var trap: String?
        static let ok = Outcome(status: "ok")
    }

    /// One actor of the test's.
    struct Actor {
        var identity: ActorIdentity
        var slot: String
        var containers: [Container]
        var volumes: [String]
        var assets: [String: [UInt8]]
        var rootFiles: [String: [String: [UInt8]]]
        var cpuMilli: Int64 = 0
        var memoryBytes: Int64 = 0
        var directory: String
        var isLive = false
        /// The snapshot whose restore thaws its programs; nil while they are not frozen.
        var held: Int?
        var processes: [KeptProcess] = []
        var state: [UInt8] = []
        var probed: [UInt8] = []
        /// What `prepare` answered for the warm slot that it has.
        var prepared: [UInt8]?
        /// Where that one's directories are; empty in a cold one.
        var slotDirectory = ""
        /// Its own directory, and its slot's.
        var directories: [String] { slotDirectory.isEmpty ? [directory] : [directory, slotDirectory] }
    }

    /// What a checkpoint left.
    struct Snapshot {
        let actor: Int
        let scope: SnapshotScope
        let directory: String
        let volumesSaved: Bool
        /// volume/path → bytes, as the host saved them.
        let volumes: [String: [UInt8]]
        let files: [String]
    }

    let world = FakeWorld()
    let trace = CallTrace()
    var actors: [Actor] = []
    /// Slots that `prepare` filled and nobody has yet.
    var warm: [WarmSlot] = []
    /// How many there ever were.
    var slotsMade = 0
    /// What the operator wrote, as text.
    var config: [String: String] = [:]
    /// The program that the last verb joined with its caller's streams.
    private(set) var client: FakeProgram?
    var snapshots: [Snapshot] = []
    private(set) var leaks: [Leak] = []
    /// A secret that a verb put into its state, in words.
    private(set) var secretInState: String?
    let subject: TestSubject
    /// What `probe` answered for these assets and tools.
    private var probes: [String: ProbeAnswer] = [:]
    let mistakes = MistakeSink()
    /// What the script printed.
    var printed: [MistakeSink.Printed] { mistakes.printed }

    init(_ subject: TestSubject) { self.subject = subject }

    // MARK: Actors

    func add(_ actor: Actor) -> Int {
        actors.append(actor)
        return actors.count - 1
    }

    /// Where an actor's things would be.
    func directory(of number: Int) -> String { "\(Self.base)/actors/\(number + 1)" }

    /// Below which everything of a test's host is.
    static let base = "/var/lib/substrate-host"

    // MARK: Verbs

    func run(_ number: Int) -> Outcome { begin(number, .run, snapshot: nil) }

    func restore(_ number: Int, _ snapshot: Int) -> Outcome {
        // As the host does: no script is asked.
        if actors[number].held == snapshot {
            actors[number].held = nil
            actors[number].isLive = true
            return .ok
        }
        return begin(number, .restore, snapshot: snapshots[snapshot])
    }

    private func begin(_ number: Int, _ verb: BackendVerb, snapshot: Snapshot?) -> Outcome {
        var actor = actors[number]
        if actor.isLive { return Outcome(status: "already_running", reason: "the actor is ready: stop it first") }
        if actor.held != nil {
            teardown(number)
            actor = actors[number]
        }
        do throws(HostError) {
            if let snapshot { try Admission.check(snapshot.scope, by: subject.description) }
            try Admission.check(request(actor), by: subject.description)
            if let missing = subject.description.requiredAssets.first(where: { actor.assets[$0] == nil }) {
                throw HostError(.failedPrecondition, .asset, "the request has no asset \"\(missing)\"")
            }
            let answer = try probe(actor)
            actor.probed = answer.probed
            try Admission.refuse(
                answer,
                verb: verb,
                scope: snapshot?.scope,
                cpuMilli: actor.cpuMilli,
                memoryBytes: actor.memoryBytes
            )
        } catch { return refusal(error) }
        if let slot = takeWarm(for: actor) {
            actor.slotDirectory = slot.directory
            actor.prepared = slot.prepared
            actor.processes = slot.processes
            for program in world.running(in: slot.directory) { program.directory = actor.directory }
        } else {
            actor.slotDirectory = ""
            actor.prepared = nil
            actor.processes = []
        }
        actors[number] = actor
        let places = ActorDirectories(actor.directory)
        world.removeFiles(below: actor.directory)
        world.make(FakePlace(kind: .cgroup, owner: actor.directory))
        if subject.description.needsNetwork, actor.slotDirectory.isEmpty {
            world.make(FakePlace(kind: .network, owner: actor.directory))
        }
        world.setFile("\(places.identity)/actor-id", [UInt8](actor.identity.key.name.utf8))
        for (container, files) in actor.rootFiles {
            for (path, bytes) in files { world.setFile(places.upper(container) + path, bytes) }
        }
        if let snapshot, !snapshot.volumesSaved {
            for (path, bytes) in snapshot.volumes { world.setFile("\(places.durable)/\(path)", bytes) }
        }
        var asked = VerbRequest()
        asked.scope = snapshot?.scope
        asked.snapshotDirectory = snapshot?.directory ?? ""
        asked.snapshotFiles = snapshot?.files ?? []
        asked.snapshotHasVolumes = snapshot?.volumesSaved ?? false
        let (outcome, answer) = perform(verb, actor, asked)
        guard let answer else {
            teardown(number)
            return takenBack(number).map { Outcome(status: $0.status, reason: $0.reason, trap: $0.trap) } ?? outcome
        }
        actor.processes = answer.processes
        if let state = answer.state { actor.state = state }
        actor.isLive = true
        actor.prepared = nil
        actors[number] = actor
        noteSecrets(actor)
        // Readiness: what has ended by now will never answer.
        let missing = actor.processes.first { world.program($0.pid)?.hasExited() ?? true }
        guard let missing else { return outcome }
        teardown(number)
        return Outcome(
            status: "failed",
            reason: "container \"\(missing.name)\" ended before it was ready; its log says why"
        )
    }

    func stop(_ number: Int, graceMilliseconds: Int64) -> Outcome {
        guard actors[number].isLive else {
            if actors[number].held != nil { teardown(number) }
            return .ok
        }
        var request = VerbRequest()
        request.graceMilliseconds = graceMilliseconds
        request.timeoutMilliseconds = graceMilliseconds + 5000
        let (outcome, _) = perform(.stop, actors[number], request)
        teardown(number)
        return outcome.status == "ok" ? repeatable(number) ?? outcome : outcome
    }

    /// What the backend can do here: asked once for the same assets and tools, in a slot of its own.
    func probe(_ actor: Actor) throws(HostError) -> ProbeAnswer {
        guard has(.probe) else { return ProbeAnswer() }
        let settings = config.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
        let key = (actor.assets.keys.sorted() + ["/"] + world.ruled.sorted() + ["/"] + settings).joined(separator: " ")
        if let known = probes[key] { return known }
        var slot = actor
        slot.directory += ".probe"
        slot.containers = []
        slot.volumes = []
        var request = VerbRequest()
        request.timeoutMilliseconds = 10_000
        let (outcome, answer) = perform(.probe, slot, request)
        world.kill(in: slot.directory)
        world.removeFiles(below: slot.directory)
        guard let answer else {
            throw HostError(
                .failedPrecondition,
                nil,
                outcome.reason,
                context: ["plugin.status": outcome.status]
            )
        }
        let found = answer.probe ?? ProbeAnswer()
        probes[key] = found
        return found
    }

    /// Whether the script has a verb.
    func has(_ verb: BackendVerb) -> Bool { subject.description.verbs.contains(verb.rawValue) }

    func perform(
        _ verb: BackendVerb,
        _ actor: Actor,
        _ request: VerbRequest
    ) -> (Outcome, VerbAnswer?) {
        mistakes.clear()
        let outcome: (Outcome, VerbAnswer?)
        do throws(HostError) {
            let backend = try subject.backend(world: world, config: config, observer: trace, sink: mistakes)
            let answer = try backend.perform(
                verb,
                actor: prepared(actor),
                request: request,
                log: NoJournal(),
                cancellation: NoCancellation()
            )
            outcome = (.ok, answer)
        } catch { outcome = (refusal(error), nil) }
        client = nil
        for program in world.takeUnkept(in: actor.directory) {
            if let own = outcome.1?.client, own.pid == program.pid {
                client = program
                continue
            }
            // A verb that failed was cut short: what it had under way is the host's to end.
            if !program.wasWaitedFor, outcome.1 != nil { leaks.append(Leak(program, verb: verb.rawValue)) }
            program.signal(9)
        }
        return outcome
    }

    func refusal(_ error: HostError) -> Outcome {
        let text = error.reason == .notGranted ? mistakes.text.map(Self.forAuthor) : mistakes.text
        return Outcome(status: Self.word(for: error), reason: error.message, trap: text)
    }

    /// The word of the language for what a verb failed with: the script's own, or for what the host itself refused.
    static func word(for error: HostError) -> String {
        if let status = error.context["plugin.status"] { return status }
        if let code = error.context["plugin.trap"] { return "trap \(code)" }
        switch error.reason {
        case .notGranted: return "access_denied"
        case .asset: return "not_found"
        case .actorRunning: return "already_running"
        case .actorNotRunning: return "not_running"
        // What the operator wrote is no state of the actor's.
        case .plugin: return "failed"
        case .scopeUnsupported, .limitUnsupported, .verbUnsupported, .notServed: return "unsupported"
        default: break
        }
        return PluginStatus.allCases.first { $0 != .ok && $0.code == error.code }?.rawValue ?? "failed"
    }

    /// Takes away whatever an actor had, needing no script.
    func teardown(_ number: Int) {
        let actor = actors[number]
        for directory in actor.directories { clear(directory) }
        if !actor.slotDirectory.isEmpty { world.removeFiles(below: actor.slotDirectory) }
        actors[number].isLive = false
        actors[number].held = nil
        actors[number].processes = []
        actors[number].slotDirectory = ""
        actors[number].prepared = nil
    }

    /// Ends whatever is in a directory's cgroup and network, and takes away what is no file of the actor's own.
    func clear(_ directory: String) {
        world.kill(in: directory)
        let places = ActorDirectories(directory)
        for path in [places.runtime, places.work, places.bundles] { world.removeFiles(below: path) }
        for kind in [FakePlace.Kind.cgroup, .network] { world.remove(FakePlace(kind: kind, owner: directory)) }
    }

    /// Ends and removes everything; what is still there afterwards is the host's own leak, in words.
    func close() -> [String] {
        for number in actors.indices {
            teardown(number)
            world.removeFiles(below: actors[number].directory)
        }
        for slot in warm { drop(slot) }
        for snapshot in snapshots { world.removeFiles(below: snapshot.directory) }
        return world.running.map { "program \"\($0.name)\"" } + world.files.map { "file \($0)" } + world.places
    }

    // MARK: What verbs are given

    /// The request that an actor is run with.
    func request(_ actor: Actor) -> RunRequest {
        var spec = WorkloadSpec()
        spec.containers = actor.containers
        spec.volumes = actor.volumes.map { Volume(name: $0, source: .durableDirectory) }
        var request = RunRequest(identity: actor.identity, slot: actor.slot, spec: spec)
        request.cpuMilli = actor.cpuMilli
        request.memoryBytes = actor.memoryBytes
        return request
    }

    func prepared(_ actor: Actor) -> PreparedActor {
        let places = ActorDirectories(actor.directory)
        var prepared = PreparedActor(
            identity: actor.identity,
            slot: actor.slot,
            directory: actor.directory,
            cgroup: "substrate/test"
        )
        prepared.firstID = 100_000
        prepared.containers = actor.containers.map { PreparedContainer(container: $0, layers: []) }
        for volume in actor.volumes { prepared.volumes[volume] = places.volume(volume) }
        prepared.slotDirectory = actor.slotDirectory
        prepared.prepared = actor.prepared
        prepared.networkNamespace = subject.description.needsNetwork ? prepared.slotPlaces.network : nil
        for name in actor.assets.keys { prepared.assets[name] = "\(Self.base)/assets/\(name)" }
        prepared.processes = actor.processes.filter { world.program($0.pid)?.hasExited() == false }
        prepared.state = actor.state
        prepared.probed = actor.probed
        prepared.cpuMilli = actor.cpuMilli > 0 ? actor.cpuMilli : nil
        prepared.memoryBytes = actor.memoryBytes > 0 ? actor.memoryBytes : nil
        return prepared
    }

    func noteSecrets(_ actor: Actor) {
        guard !actor.state.isEmpty, let state = try? ValueCodec.decode(actor.state) else { return }
        for entry in actor.containers.flatMap(\.environment) where !entry.value.isEmpty {
            guard let path = Self.path(of: entry.value, in: state, "state") else { continue }
            secretInState = "\(path) holds the value of env.\(entry.name): state is journalled, and env may be secret"
        }
    }

    private static func path(of secret: String, in value: PluginValue, _ path: String) -> String? {
        switch value {
        case .text(let text): text == secret ? path : nil
        case .list(let items):
            items.enumerated().lazy.compactMap { Self.path(of: secret, in: $1, "\(path)[\($0 + 1)]") }.first
        case .map(let pairs):
            pairs.sorted { $0.key < $1.key }.lazy.compactMap { Self.path(of: secret, in: $1, "\(path).\($0)") }.first
        default: nil
        }
    }
}

/// What a test's verbs journal: nothing lives longer than the test.
private struct NoJournal: EffectLog {
    func begin(_ effect: String, target: String) throws(HostError) -> Int64 { 0 }
    func finish(_ number: Int64, outcome: String, process: KeptProcess?) throws(HostError) {}
}

/// Nobody cancels a test's verb.
private struct NoCancellation: VerbCancellation {
    func onCancel(_ action: @escaping @Sendable () -> Void) {}
    var isCancelled: Bool { false }
}
