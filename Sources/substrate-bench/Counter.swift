import ActorContract
import ContractWire
import GRPCTransport
import SystemLayer

/// The counter example as an actor, and its verbs over the wire.
struct Counter {
    /// Where the time of one verb went, in milliseconds.
    struct Cost {
        /// As the client saw it.
        var wall = 0.0
        /// Waiting for programs.
        var program = 0.0
        /// Waiting for the workload to answer.
        var readiness = 0.0
        /// What is the host's own.
        var own: Double { wall - program }
    }

    let client: GRPCClient
    let image: String
    let name: String
    var backend = "process"
    var scope = SnapshotScope.data
    /// What it fills memory with, as the example takes it; empty: nothing.
    var fill = ""

    private var identity: ActorIdentity {
        ActorIdentity(
            key: .autumn(atespace: "bench", name: name),
            uid: "bench-\(name)",
            templateNamespace: "bench",
            template: "counter"
        )
    }

    /// The image, built once a run.
    static func buildImage(in scratch: String) throws -> String {
        let script = try Place.inCheckout("examples/counter/build-image")
        var plan = SpawnPlan(program: script, arguments: ["build-image", "\(scratch)/image"])
        plan.environment = ["PATH=/usr/local/bin:/usr/bin:/bin:/opt/swift/usr/bin"]
        plan.descriptors = [(child: 2, parent: 2)]
        guard try spawn(plan).wait() == .exited(0) else { throw BenchFailure("\(script) failed") }
        return "oci:\(scratch)/image:counter"
    }

    private var request: RunRequest {
        var container = Container()
        container.name = "counter"
        container.image = image
        container.command = ["/counter"]
        container.readiness = ReadinessProbe(path: "/readyz", port: 8080)
        if !fill.isEmpty { container.environment = [EnvironmentEntry(name: "COUNTER_FILL", value: fill)] }
        container.volumeMounts = [VolumeMount(name: "data", mountPath: "/data")]
        var spec = WorkloadSpec()
        spec.containers = [container]
        spec.volumes = [Volume(name: "data", source: .durableDirectory)]
        var assets = SandboxAssets()
        assets.sandboxClass = backend
        return RunRequest(identity: identity, slot: "slot-\(name)", spec: spec, assets: assets)
    }

    /// A Checkpoint's bytes.
    func checkpointBytes(_ place: SnapshotPlace) -> [UInt8] {
        ContractWire.encode(
            CheckpointRequest(identity: identity, slot: request.slot, spec: request.spec, place: place, scope: scope)
        )
    }

    func run() async throws -> Cost { try await verb(.run, ContractWire.encode(request)) }

    /// One, and what it leaves is taken down before anything else is measured: a repeat is answered after that.
    func checkpoint(_ snapshot: String) async throws -> Cost { try await checkpoint(.local(snapshot)) }

    /// As the other, to any place.
    func checkpoint(_ place: SnapshotPlace) async throws -> Cost {
        let cost = try await verb(.checkpoint, checkpointBytes(place))
        _ = try await verb(.checkpoint, checkpointBytes(place))
        return cost
    }

    func restore(_ snapshot: String) async throws -> Cost { try await restore(.local(snapshot)) }

    func restore(_ place: SnapshotPlace) async throws -> Cost {
        let restore = RestoreRequest(run: request, place: place, scope: scope)
        return try await verb(.restore, ContractWire.encode(restore))
    }

    func terminate() async throws {
        let request = TerminateRequest(identity: identity, slot: request.slot, spec: WorkloadSpec())
        _ = try await verb(.terminate, ContractWire.encode(request))
    }

    private func verb(_ method: ContractMethod, _ bytes: [UInt8]) async throws -> Cost {
        let start = Clock.now()
        let (result, trailers) = await client.unary(method.path, bytes, timeout: .seconds(60))
        var cost = Cost(wall: Clock.now() - start)
        if case .failure(let status) = result {
            throw BenchFailure("\(method.rawValue): \(status.message) (code \(status.code))")
        }
        let phases = trailers.first { $0.0 == "x-substrate-phases" }?.1 ?? ""
        for phase in phases.split(separator: ",") {
            let parts = phase.split(separator: "=")
            guard parts.count == 2, parts[1].hasSuffix("p"), let time = Double(parts[1].dropLast()) else { continue }
            cost.program += time
            if parts[0] == "readiness" { cost.readiness += time }
        }
        return cost
    }
}
