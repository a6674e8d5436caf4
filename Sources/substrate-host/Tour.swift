import ActorContract
import ContractWire
import HostErrors
import Telemetry

/// Run, count, checkpoint, restore elsewhere, count on: each verb over the wire, with its phases.
struct Tour {
    let client: Client
    let show: ConsoleOutput
    let image: String
    private let key = ActorKey.autumn(atespace: "demo", name: "counter")

    init(client: Client, show: ConsoleOutput, image: String) {
        self.client = client
        self.show = show
        self.image = image
    }

    /// Takes it.
    ///
    /// - Returns: whether the restored counter is the saved one plus one.
    func take() async throws -> Bool {
        try await verb("run", ContractMethod.run.path, ContractWire.encode(request(slot: "slot-1")))
        var port = try await publish()
        let first = try CounterClient.count(port)
        let second = try CounterClient.count(port)
        show.line("  counter   \(first)\n  counter   \(second)")
        let identity = request(slot: "slot-1").identity
        let checkpoint = CheckpointRequest(
            identity: identity,
            slot: "slot-1",
            spec: request(slot: "slot-1").spec,
            place: .local("demo-1"),
            scope: .data
        )
        try await verb("checkpoint", ContractMethod.checkpoint.path, ContractWire.encode(checkpoint))
        _ = try await client.call(
            .forget,
            HostMessages.ForgetRequest(actor: key.text, port: 8080),
            as: HostMessages.ForgetResponse.self
        )
        let restore = RestoreRequest(run: request(slot: "slot-2"), place: .local("demo-1"), scope: .data)
        try await verb("restore", ContractMethod.restore.path, ContractWire.encode(restore))
        port = try await publish()
        let third = try CounterClient.count(port)
        show.line("  counter   \(third)   (memory began anew: the scope is data)")
        let stopped = TerminateRequest(identity: identity, slot: "slot-2", spec: WorkloadSpec())
        try await verb("terminate", ContractMethod.terminate.path, ContractWire.encode(stopped))
        return CounterClient.data(third) == (CounterClient.data(second) ?? -2) + 1
    }

    private func verb(_ name: String, _ path: String, _ bytes: [UInt8]) async throws {
        let clock = ContinuousClock.now
        let trailers = try await client.raw(path, bytes).trailers
        let took = (ContinuousClock.now - clock).components
        let milliseconds = Double(took.seconds) * 1000 + Double(took.attoseconds) / 1e15
        let phases = trailers.first { $0.0 == "x-substrate-phases" }?.1 ?? ""
        show.line(show.styled(Self.padded(name, 12), .bold) + "\(Self.rounded(milliseconds)) ms")
        for phase in phases.split(separator: ",") {
            let parts = phase.split(separator: "=")
            // The line above has the whole.
            guard parts.count == 2, parts[0] != "total" else { continue }
            let who = parts[1].hasSuffix("p") ? "program" : "host"
            show.line("  \(Self.padded(String(parts[0]), 23))\(Self.padded("\(parts[1].dropLast()) ms", 12))\(who)")
        }
    }

    private func publish() async throws -> Int {
        try await client.call(
            .publish,
            HostMessages.PublishRequest(actor: key.text, port: 8080),
            as: HostMessages.PublishResponse.self
        ).port
    }

    private func request(slot: String) -> RunRequest {
        var container = Container()
        container.name = "counter"
        container.image = image
        container.command = ["/counter"]
        container.readiness = ReadinessProbe(path: "/readyz", port: 8080)
        container.volumeMounts = [VolumeMount(name: "data", mountPath: "/data")]
        var spec = WorkloadSpec()
        spec.containers = [container]
        spec.volumes = [Volume(name: "data", source: .durableDirectory)]
        var assets = SandboxAssets()
        assets.sandboxClass = "process"
        let identity = ActorIdentity(key: key, uid: "demo-counter", templateNamespace: "demo", template: "counter")
        return RunRequest(identity: identity, slot: slot, spec: spec, assets: assets)
    }

    private static func padded(_ text: String, _ width: Int) -> String {
        text + String(repeating: " ", count: max(1, width - text.count))
    }

    private static func rounded(_ milliseconds: Double) -> Double { (milliseconds * 10).rounded() / 10 }
}
