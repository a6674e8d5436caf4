import ActorContract
import ContractWire
import GRPCTransport
import Glibc
import HostErrors
import SystemLayer
import Telemetry

/// The commands that talk to a host.
enum ClientCommands {
    /// Runs one; nil when the command is none of these.
    static func run(_ invocation: Invocation) async throws(Client.Failure) -> ExitCode? {
        switch invocation {
        case .run(let options): try await runActor(options)
        case .actors(let options): try await list(options)
        case .metrics(let options): try await metrics(options)
        case .get(let options): try await get(options)
        case .stats(let options): try await stats(options)
        case .start(let options):
            try await show(options) { client throws(Client.Failure) in
                try await client.call(
                    .start,
                    HostMessages.StartRequest(actor: options.actor),
                    as: HostMessages.Actor.self
                )
            }
        case .stop(let options):
            try await show(options) { client throws(Client.Failure) in
                try await client.call(
                    .stop,
                    HostMessages.StopRequest(actor: options.actor),
                    as: HostMessages.Actor.self
                )
            }
        case .remove(let options):
            _ = try await Client(options.client.connect).call(
                .remove,
                HostMessages.RemoveRequest(actor: options.actor),
                as: HostMessages.RemoveResponse.self
            )
            if options.client.json { ConsoleOutput.standard.json(.members(["removed": .string(options.actor)])) }
        case .checkpoint(let options): try await checkpoint(options)
        case .restore(let options): try await restore(options)
        case .logs(let options): try await logs(options)
        default: return nil
        }
        return .ok
    }

    private static func runActor(_ options: RunOptions) async throws(Client.Failure) {
        let client = Client(options.client.connect)
        var request: RunRequest
        do throws(HostError) { request = try ActorFile.read(options.file, slot: options.slot) } catch {
            throw Client.Failure(text: "\(options.file): \(error.message)", exitCode: .usage)
        }
        if let gateway = options.egressGateway { request.egressGateway = gateway }
        _ = try await client.raw(ContractMethod.run.path, ContractWire.encode(request))
        let key = request.identity.key.text
        try await publish(options.publish, key, client)
        let actor = try await client.call(.get, HostMessages.GetRequest(actor: key), as: HostMessages.Actor.self)
        print(actor, json: options.client.json)
    }

    private static func publish(_ ports: [PublishedPort], _ key: String, _ client: Client) async throws(Client.Failure)
    {
        for port in ports {
            _ = try await client.call(
                .publish,
                HostMessages.PublishRequest(actor: key, port: Int(port.port), hostPort: Int(port.hostPort)),
                as: HostMessages.PublishResponse.self
            )
        }
    }

    private static func list(_ options: ClientOptions) async throws(Client.Failure) {
        let answer = try await Client(options.connect).call(
            .list,
            HostMessages.ListRequest(),
            as: HostMessages.ListResponse.self
        )
        if options.json {
            ConsoleOutput.standard.json(.list(answer.actors.map(json)))
        } else if answer.actors.isEmpty {
            ConsoleOutput.standard.line("no actors; `substrate-host run FILE.yaml` runs one")
        } else {
            ConsoleOutput.standard.table(
                ["ACTOR", "SLOT", "STATUS", "REASON", "PID", "PUBLISHED"],
                answer.actors.map { actor in
                    [
                        actor.actor, actor.slot, actor.status, actor.reason, actor.pid > 0 ? "\(actor.pid)" : "-",
                        actor.published.map { "\($0.host):\($0.port)" }.joined(separator: " "),
                    ]
                }
            )
        }
    }

    private static func show(
        _ options: ActorOptions,
        _ call: (Client) async throws(Client.Failure) -> HostMessages.Actor
    ) async throws(Client.Failure) {
        print(try await call(Client(options.client.connect)), json: options.client.json)
    }

    private static func checkpoint(_ options: CheckpointOptions) async throws(Client.Failure) {
        let answer = try await Client(options.client.connect).call(
            .checkpointActor,
            HostMessages.CheckpointActorRequest(
                actor: options.actor,
                name: options.snapshotName ?? "",
                scope: options.scope?.rawValue ?? ""
            ),
            as: HostMessages.CheckpointActorResponse.self
        )
        if options.client.json {
            ConsoleOutput.standard.json(
                .members(["snapshot": .string(answer.snapshot), "scope": .string(answer.scope), "type": "local"])
            )
        } else {
            ConsoleOutput.standard.line(
                "checkpointed \(options.actor): local snapshot \(answer.snapshot), scope \(answer.scope)"
            )
        }
    }

    private static func restore(_ options: RestoreOptions) async throws(Client.Failure) {
        let client = Client(options.client.connect)
        let actor = try await client.call(
            .restoreActor,
            HostMessages.RestoreActorRequest(
                actor: options.actor,
                snapshot: options.snapshotName ?? "",
                slot: options.slot ?? ""
            ),
            as: HostMessages.Actor.self
        )
        try await publish(options.publish, actor.actor, client)
        let now = try await client.call(.get, HostMessages.GetRequest(actor: actor.actor), as: HostMessages.Actor.self)
        if !options.client.json {
            let which =
                options.snapshotName.map { "snapshot \($0)" }
                ?? "the newest local snapshot (\(now.snapshots.last ?? "?"))"
            ConsoleOutput.standard.line("restored from \(which)")
        }
        print(now, json: options.client.json)
    }

    private static func logs(_ options: LogsOptions) async throws(Client.Failure) {
        let client = Client(options.client.connect)
        let actor = try await client.call(
            .get,
            HostMessages.GetRequest(actor: options.actor),
            as: HostMessages.Actor.self
        )
        let labels = labels(of: actor.actor)
        let request = HostMessages.LogsRequest(actor: actor.actor, follow: options.follow)
        do {
            for try await bytes in client.grpc.serverStream(HostMethod.logs.path, request.encoded()) {
                let chunk = try HostMessages.LogChunk(decoding: bytes)
                if chunk.dropped > 0 {
                    ConsoleOutput.error.line("(\(chunk.dropped) lines were lost here: the spool was full)")
                }
                if options.client.json {
                    let shipped = WorkloadLogLine.format(
                        bytes: chunk.line,
                        timeNanoseconds: chunk.timeNs,
                        labels: labels.merging(["ate.dev/container_name": chunk.container]) { $1 }
                    )
                    if let shipped { ConsoleOutput.standard.line(shipped) }
                } else {
                    try writeAll(chunk.line + [10], to: STDOUT_FILENO)
                }
            }
        } catch let status as RPCStatus {
            throw client.failure(status)
        } catch is SyscallError {
            // Whoever read our output went away, as `| head` does.
        } catch {
            throw Client.Failure(text: "\(error)", exitCode: .failure)
        }
    }

    /// What tells a line of one actor from another's (contract §4.7), from the key as people type it.
    private static func labels(of actor: String) -> [String: String] {
        let parts = actor.split(separator: ":").map(String.init)
        if parts.count == 3 {
            return [
                "ate.dev/actor_template_namespace": parts[0], "ate.dev/actor_template_name": parts[1],
                "ate.dev/actor_id": parts[2],
            ]
        }
        let names = actor.split(separator: "/").map(String.init)
        return ["ate.dev/atespace": names.first ?? "", "ate.dev/actor_id": names.last ?? actor]
    }

    static func print(_ actor: HostMessages.Actor, json asJSON: Bool) {
        let output = ConsoleOutput.standard
        if asJSON { return output.json(json(actor)) }
        output.line(
            "\(actor.actor)  \(actor.status)\(actor.reason.isEmpty ? "" : " (\(actor.reason))")  slot \(actor.slot)  backend \(actor.backend)"
        )
        if !actor.message.isEmpty { output.line("  \(ConsoleOutput.printable(actor.message))") }
        if !actor.address.isEmpty {
            // Any other is one that a backend with a network of its own answered.
            let place = actor.address == "169.254.17.2" ? ", in its own network namespace" : ""
            output.line("  address    \(actor.address)\(place)")
        }
        for port in actor.published { output.line("  published  http://\(port.host):\(port.port) → \(port.actorPort)") }
    }

    static func json(_ actor: HostMessages.Actor) -> JSONText {
        .members([
            "actor": .string(actor.actor), "uid": .string(actor.uid), "slot": .string(actor.slot),
            "backend": .string(actor.backend), "status": .string(actor.status), "reason": .string(actor.reason),
            "pid": .integer(Int64(actor.pid)), "address": .string(actor.address),
            "published": .list(
                actor.published.map { .members(["host": .string($0.host), "port": .integer(Int64($0.port))]) }
            ),
            "since": .integer(actor.sinceUnixMs), "message": .string(actor.message),
            "isolation": .string(actor.isolation), "applied": .list(actor.applied.map { .string($0) }),
            "token_sha256": .string(actor.tokenSHA256),
            "claim": .members(["isolation": .string(actor.claim), "by": .string(actor.claimedBy)]),
            "snapshots": .list(actor.snapshots.map { .string($0) }),
            "phases": .list(
                actor.phases.map {
                    .members(["name": .string($0.name), "ms": .number($0.ms), "by": $0.program ? "program" : "host"])
                }
            ),
        ])
    }
}
