import ContractWire

/// `get`, `stats` and `metrics`.
extension ClientCommands {
    /// Prints one actor; for a program with what it uses.
    static func get(_ options: ActorOptions) async throws(Client.Failure) {
        let client = Client(options.client.connect)
        let actor = try await client.call(
            .get,
            HostMessages.GetRequest(actor: options.actor),
            as: HostMessages.Actor.self
        )
        guard options.client.json, case .object(let members) = json(actor) else {
            print(actor, json: options.client.json)
            return
        }
        var stats = JSONText.null
        if actor.status == "ready" {
            // It may have ended since, and a backend may not know: the rest is worth printing all the same.
            do throws(Client.Failure) { stats = json(try await used(options.actor, client)) } catch {}
        }
        ConsoleOutput.standard.json(.object(members + [JSONText.Member(name: "stats", value: stats)]))
    }

    /// Prints what one actor uses.
    static func metrics(_ options: ClientOptions) async throws(Client.Failure) {
        let client = Client(options.connect)
        let asked = HostMessages.MetricsRequest()
        let text = try await client.call(.metrics, asked, as: HostMessages.MetricsResponse.self).text
        if options.json {
            ConsoleOutput.standard.json(.members(["text": .string(text)]))
        } else {
            ConsoleOutput.standard.write(text)
        }
    }

    static func stats(_ options: ActorOptions) async throws(Client.Failure) {
        let stats = try await used(options.actor, Client(options.client.connect))
        if options.client.json {
            ConsoleOutput.standard.json(json(stats))
        } else {
            var (heads, figures) = (
                ["MEMORY", "CPU", "PIDS", "SAYS"],
                [
                    stats.memoryBytes < 0 ? "-" : "\(stats.memoryBytes) B",
                    stats.cpuNs < 0 ? "-" : "\(stats.cpuNs / 1_000_000) ms",
                    stats.pids < 0 ? "-" : "\(stats.pids)", stats.source,
                ]
            )
            if stats.egressConnections >= 0 {
                heads += ["LET OUT", "REFUSED", "BYTES OUT", "BYTES IN"]
                figures += [
                    "\(stats.egressConnections)", "\(stats.egressRefused)", "\(stats.egressBytesOut)",
                    "\(stats.egressBytesIn)",
                ]
            }
            ConsoleOutput.standard.table(heads, [figures])
        }
    }

    private static func used(
        _ actor: String,
        _ client: Client
    ) async throws(Client.Failure) -> HostMessages.StatsResponse {
        try await client.call(.stats, HostMessages.StatsRequest(actor: actor), as: HostMessages.StatsResponse.self)
    }

    private static func json(_ stats: HostMessages.StatsResponse) -> JSONText {
        func figure(_ number: Int64) -> JSONText { number < 0 ? .null : .integer(number) }
        return .members([
            "memory_bytes": figure(stats.memoryBytes), "cpu_ns": figure(stats.cpuNs), "pids": figure(stats.pids),
            "source": .string(stats.source), "egress_connections": figure(stats.egressConnections),
            "egress_refused": figure(stats.egressRefused), "egress_bytes_out": figure(stats.egressBytesOut),
            "egress_bytes_in": figure(stats.egressBytesIn),
        ])
    }
}
