import ContractWire
import GRPCTransport
import SystemLayer
import TestSupport
import Testing

/// `Watch` of the host's own service.
@Suite(
    "watching",
    .serialized,
    .enabled(if: TestMachine.needs(TestMachine.isRoot), "actors are confined as root only")
)
struct WatchTests {
    @Test("with no actor named tells of all: how they are, and then each change until they are removed")
    func all() async throws {
        try await TestHost.with { host in
            let standing = try await host.request("standing")
            let coming = try await host.request("coming")
            _ = try await host.run(standing).get()
            let stream = try host.client.serverStream(
                HostMethod.watch.path,
                HostMessages.WatchRequest(actor: "").encoded()
            )
            var seen: [String: [String]] = [:]
            for try await bytes in stream {
                let actor = try HostMessages.Actor(decoding: bytes)
                let name = String(actor.actor.split(separator: "/").last ?? "")
                if seen.isEmpty {
                    // The watch has begun: everything from here on is told.
                    #expect(name == "standing" && actor.status == "ready", "\(actor)")
                    Task {
                        _ = try await host.run(coming)
                        try await host.terminate(coming)
                        try await host.terminate(standing)
                    }
                }
                seen[name, default: []].append(actor.status)
                if seen["standing"]?.last == "removed" { break }
            }
            #expect(seen["coming"] == ["pulling", "starting", "ready", "stopped", "removing", "removed"], "\(seen)")
            #expect(seen["standing"] == ["ready", "stopped", "removing", "removed"], "\(seen)")
        }
    }

    @Test("of one actor ends when it is removed, and one that is not there is NOT_FOUND")
    func one() async throws {
        try await TestHost.with { host in
            let request = try await host.request("one")
            _ = try await host.run(request).get()
            let stream = try host.client.serverStream(
                HostMethod.watch.path,
                HostMessages.WatchRequest(actor: "one").encoded()
            )
            var seen: [String] = []
            for try await bytes in stream {
                seen.append(try HostMessages.Actor(decoding: bytes).status)
                if seen.count == 1 { Task { try await host.terminate(request) } }
            }
            #expect(seen == ["ready", "stopped", "removing", "removed"])
            let nobody = try host.client.serverStream(
                HostMethod.watch.path,
                HostMessages.WatchRequest(actor: "nobody").encoded()
            )
            let failure = await #expect(throws: RPCStatus.self) { for try await _ in nobody {} }
            #expect(failure?.code == 5)
        }
    }
}
