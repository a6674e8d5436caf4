import ActorContract
import ContractWire
import Foundation
import GRPCTransport
import HostErrors
import SystemLayer
import Testing
import Transfer

@testable import substrate_host

/// A host of a test's own: the real binary, its base directory and a client of its socket.
final class CyclesHost: Sendable {
    /// What a verb was answered.
    typealias Answer = Result<[UInt8], RPCStatus>

    let base: String
    let process: ProcessHandle
    let client: GRPCClient
    let backend: String
    private let scratch: String

    /// Starts one and waits until it answers.
    ///
    /// - Parameters:
    ///   - backend: its name.
    ///   - script: a backend to overlay under that name; nil takes the shipped one.
    ///   - more: arguments of the host beside these.
    /// - Throws: when it does not answer, with what it logged.
    init(backend: String = "process", script: String? = nil, more: [String] = []) async throws {
        scratch = "/tmp/substrate-cycles-\(UUID().uuidString.prefix(8))"
        base = "\(scratch)/base"
        self.backend = backend
        try DirectoryTree.make(scratch, mode: 0o700)
        var arguments = ["substrate-host", "--backend=\(backend)", "--base-dir", base, "--stop-actors"] + more
        if let script {
            try DirectoryTree.make("\(scratch)/overlay", mode: 0o755)
            try script.write(toFile: "\(scratch)/overlay/\(backend).lua", atomically: true, encoding: .utf8)
            arguments += ["--overlay", "\(scratch)/overlay"]
        }
        _ = FileManager.default.createFile(atPath: "\(scratch)/host.log", contents: nil)
        let log = try FileHandle(forWritingTo: URL(fileURLWithPath: "\(scratch)/host.log"))
        var plan = SpawnPlan(program: "\(Self.binaries)/substrate-host", arguments: arguments)
        plan.environment = ["PATH=/usr/sbin:/usr/bin:/sbin:/bin"]
        plan.descriptors = [(child: 2, parent: log.fileDescriptor)]
        process = try spawn(plan)
        try log.close()
        client = GRPCClient(unix: "\(base)/host.sock")
        try await eventually("the host answers", seconds: 10) {
            guard !self.process.hasExited() else { throw Broken(text: self.log) }
            return try? await self.actors()
        }
    }

    /// Ends the host with its actors and removes everything.
    func end() {
        client.close()
        process.signal(SIGTERM)
        _ = process.wait()
        try? DirectoryTree.remove(scratch)
        let parent = "substrate/\(SHA256.hex(of: [UInt8](base.utf8)).prefix(12))"
        try? Cgroup.open(layout: .detect(), name: parent).remove()
    }

    static let binaries = URL(fileURLWithPath: Doctor.executablePath()).deletingLastPathComponent().path

    /// The counter's image: made once in each run, beside the binaries.
    static let image: Result<String, Broken> = {
        var root = URL(fileURLWithPath: #filePath)
        for _ in 0..<3 { root.deleteLastPathComponent() }
        let place = "\(binaries)/cycles-image"
        let builder = Process()
        builder.executableURL = root.appendingPathComponent("examples/counter/build-image")
        builder.arguments = [place]
        builder.standardOutput = FileHandle.nullDevice
        do { try builder.run() } catch { return .failure(Broken(text: "build-image: \(error)")) }
        builder.waitUntilExit()
        guard builder.terminationStatus == 0 else { return .failure(Broken(text: "build-image failed")) }
        return .success("oci:\(place):counter")
    }()

    /// What the host wrote about itself.
    var log: String { TextFile.read("\(scratch)/host.log") ?? "" }

    // MARK: Verbs

    /// A request that runs the counter, or what `change` makes of it.
    func request(_ name: String, _ change: (inout Container) -> Void = { _ in }) throws -> RunRequest {
        var container = Container()
        container.name = "main"
        container.image = try Self.image.get()
        container.command = ["/counter"]
        container.readiness = ReadinessProbe(path: "/readyz", port: 8080)
        container.volumeMounts = [VolumeMount(name: "data", mountPath: "/data")]
        change(&container)
        var spec = WorkloadSpec()
        spec.containers = [container]
        spec.volumes = [Volume(name: "data", source: .durableDirectory)]
        var assets = SandboxAssets()
        assets.sandboxClass = backend
        let key = ActorKey.autumn(atespace: "cycles", name: name)
        let identity = ActorIdentity(key: key, uid: "uid-\(name)", templateNamespace: "cycles", template: "counter")
        return RunRequest(identity: identity, slot: "slot-\(name)", spec: spec, assets: assets)
    }

    /// Run; without a timeout as long as it takes.
    func run(_ request: RunRequest, timeout: Duration? = nil) async -> Answer {
        await client.unary(ContractMethod.run.path, ContractWire.encode(request), timeout: timeout).0
    }

    /// Terminate, which must succeed.
    func terminate(_ request: RunRequest) async throws {
        let terminate = TerminateRequest(identity: request.identity, slot: request.slot, spec: WorkloadSpec())
        _ = try await client.unary(ContractMethod.terminate.path, ContractWire.encode(terminate)).0.get()
    }

    /// What the host says about all actors.
    func actors() async throws -> [HostMessages.Actor] {
        let bytes = try await client.unary(HostMethod.list.path, HostMessages.ListRequest().encoded()).0.get()
        return try HostMessages.ListResponse(decoding: bytes).actors
    }

    /// What it says about one.
    func actor(_ name: String) async throws -> HostMessages.Actor {
        let request = HostMessages.GetRequest(actor: name).encoded()
        return try HostMessages.Actor(decoding: try await client.unary(HostMethod.get.path, request).0.get())
    }

    /// Waits until an actor has a status.
    func reaches(_ name: String, _ status: String, seconds: Int = 5) async throws -> HostMessages.Actor {
        var last = "not there"
        do {
            return try await eventually("\(name) is \(status)", seconds: seconds) {
                guard let actor = try? await self.actor(name) else { return nil }
                last = "\(actor.status) \(actor.reason) \(actor.message)"
                return actor.status == status ? actor : nil
            }
        } catch let error as Broken {
            throw Broken(text: "\(error.text); it is \(last)\n\(log)")
        }
    }

    /// Runs `substrate-host stop` as a process of its own, and gives its exit code and how long it took.
    func stopFromOutside(_ name: String) throws -> (code: Int32, took: Duration) {
        let clock = ContinuousClock.now
        let stop = Process()
        stop.executableURL = URL(fileURLWithPath: "\(Self.binaries)/substrate-host")
        stop.arguments = ["stop", name, "--connect", "unix:\(base)/host.sock"]
        stop.standardOutput = FileHandle.nullDevice
        try stop.run()
        stop.waitUntilExit()
        return (stop.terminationStatus, ContinuousClock.now - clock)
    }
}

/// Why a test cannot go on.
struct Broken: Error {
    let text: String
}

/// Asks until there is an answer; fails after the time.
@discardableResult
func eventually<Value>(_ what: String, seconds: Int, _ ask: () async throws -> Value?) async throws -> Value {
    let deadline = ContinuousClock.now + .seconds(seconds)
    while true {
        if let value = try await ask() { return value }
        guard ContinuousClock.now < deadline else { throw Broken(text: "not within \(seconds) s: \(what)") }
        try await Task.sleep(for: .milliseconds(5))
    }
}
