import ActorContract
import ActorLifecycle
import HostErrors
import PluginHost
import PluginOverlays
import Synchronization

/// One check under way: its actors, and what it may expect of them.
final class Trial: Sendable {
    let stage: Stage
    let name: String
    private let made = Mutex<[TestActor]>([])

    init(_ stage: Stage, name: String) {
        self.stage = stage
        self.name = name
    }

    /// An actor of this check, not yet run.
    ///
    /// - Parameters:
    ///   - suffix: tells the check's actors apart.
    ///   - containers: nil is one plain probe named `web`.
    ///   - volumes: the durable ones.
    ///   - slot: nil is one of its own.
    ///   - june: whether its key is of the first dialect.
    /// - Returns: the actor.
    func actor(
        _ suffix: String = "a",
        _ containers: [Container]? = nil,
        volumes: [String] = ["data"],
        slot: String? = nil,
        june: Bool = false
    ) -> TestActor {
        let id = "\(name)-\(suffix)"
        let key =
            june
            ? ActorKey.june(namespace: "conformance", template: "probe", id: id)
            : ActorKey.autumn(atespace: "conformance", name: id)
        var spec = WorkloadSpec()
        spec.containers = (containers ?? [Probe.container("web")]).map { container in
            var container = container
            container.image = stage.image
            return container
        }
        spec.volumes = volumes.map { Volume(name: $0, source: .durableDirectory) }
        let identity = ActorIdentity(
            key: key,
            uid: june ? "" : "uid-\(id)",
            templateNamespace: "conformance",
            template: "probe"
        )
        let request = RunRequest(identity: identity, slot: slot ?? "slot-\(id)", spec: spec, assets: stage.assets)
        let actor = TestActor(stage: stage, request: request)
        made.withLock { $0.append(actor) }
        return actor
    }

    /// The plan of an actor that was made before, in another slot.
    func moved(_ actor: TestActor, to slot: String) -> TestActor {
        var request = actor.request
        request.slot = slot
        return TestActor(stage: stage, request: request)
    }

    /// The script's file and a line of it.
    func place(_ line: UInt32?) -> String {
        line.map { ScriptPlaces(stage.entry)($0) } ?? stage.entry.fileName
    }

    /// The line that started a program, where a call named it.
    func line(starting name: String, of actor: TestActor) -> UInt32? {
        stage.observer.calls(actor.key).last { $0.target == name && $0.verb != "stop" }?.line
    }

    /// `"web" …, started at backend.lua:19`, for each program.
    func blamed(_ names: [String], of actor: TestActor) -> String {
        names.map { name in
            let line = line(starting: name, of: actor)
            return "\"\(name)\"" + (line.map { ", started at \(place($0))" } ?? "")
        }.joined(separator: " and ")
    }

    /// Fails when a program of the actor lived on after the script had ended it.
    func expectNobody(_ ending: ObservedBackend.Ending, of actor: TestActor) throws {
        guard let first = ending.alive.first else { return }
        throw Finding(
            "after \(ending.verb): \(blamed(ending.alive, of: actor)) still in the cgroup, never stopped",
            line: line(starting: first, of: actor)
        )
    }

    /// Ends the check's actors and says what they left: what the host must remove, not the script.
    func finish() async -> [String] {
        var left: [String] = []
        for actor in made.withLock({ $0 }) {
            do throws(HostError) { try await actor.terminate() } catch {
                left.append("\(actor.key.text) cannot be terminated: \(error.message)")
            }
            left += await actor.leftovers(removed: true)
        }
        return left
    }

    /// What the actors of a check have left that ended by themselves, before they are terminated.
    func expectNothingLeft(_ actor: TestActor, after verb: String) async throws {
        let left = await actor.leftovers(removed: false)
        if let first = left.first { throw Finding("after \(verb): \(first) is still there") }
    }
}

/// Fails a check when something does not hold.
func expect(_ holds: Bool, _ text: @autoclosure () -> String) throws {
    if !holds { throw Finding(text()) }
}

/// Waits for something that comes by itself.
///
/// - Throws: a finding with the text when it has not come after that time.
func eventually(
    _ text: @autoclosure () -> String,
    milliseconds: Int64 = 4000,
    _ body: () async throws -> Bool
) async throws {
    let deadline = ContinuousClock.now + .milliseconds(milliseconds)
    while try await !body() {
        guard ContinuousClock.now < deadline else { throw Finding(text()) }
        try await Task.sleep(for: .milliseconds(4))
    }
}
