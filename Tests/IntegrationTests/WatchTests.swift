import ActorContract
import ContractWire
import GRPCTransport
import HostErrors
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

    @Test("a watcher that does not read is told that it missed changes, and watches anew")
    func slow() async throws {
        try await TestHost.with { host in
            let standing = try await host.request("standing")
            _ = try await host.run(standing).get()
            let all = HostMessages.WatchRequest(actor: "").encoded()
            let stream = try host.client.serverStream(HostMethod.watch.path, all)
            var reader = stream.makeAsyncIterator()
            #expect(try await reader.next() != nil)
            // Many long messages: more than the connection and the buffer hold together.
            var failing = try await host.request("failing") { $0.image = "oci:/nonexistent:counter" }
            let container = try #require(failing.spec.containers.first)
            failing.spec.containers = (0..<10).map { number in
                var one = container
                one.name = String(repeating: "long-name-", count: 5) + "\(number)"
                return one
            }
            for _ in 0..<100 {
                let answer = try await host.run(failing)
                #expect(throws: RPCStatus.self) { try answer.get() }
                let failure = "\(answer)"
                guard let actor = try? await host.actor("failing") else { throw TestFailure(failure) }
                #expect(actor.status == "failed", "\(failure)")
                try await host.terminate(failing)
            }
            var count = 0
            let end = await #expect(throws: RPCStatus.self) { while try await reader.next() != nil { count += 1 } }
            #expect(end.flatMap { StatusDetails.reason($0.details) } == .missedChanges, "\(String(describing: end))")
            #expect(end?.code == HostError.Code.aborted.rawValue)
            #expect((16..<400).contains(count), "\(count) of 400 changes came")
            // Anew: it begins with how things are.
            var again = try host.client.serverStream(HostMethod.watch.path, all).makeAsyncIterator()
            let first = try await again.next()
            #expect(try first.map { try HostMessages.Actor(decoding: $0).status } == "ready")
        }
    }
}
