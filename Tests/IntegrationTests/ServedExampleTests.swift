import ActorContract
import Foundation
import GRPCTransport
import TestSupport
import Testing

@testable import substrate_host

@Suite(
    "the examples, served through the binary",
    .serialized,
    .enabled(if: TestMachine.needs(TestMachine.isRoot), "actors are confined as root only")
)
struct ServedExampleTests {
    private static let examples = "\(TestMachine.checkout)/examples"

    private func script(_ name: String) throws -> String {
        try String(contentsOfFile: "\(Self.examples)/\(name)/backend.lua", encoding: .utf8)
    }

    @Test("the overlay that users copy serves greeter, with its module and its snapshots")
    func overlay() async throws {
        try await TestHost.with(backend: "greeter", arguments: ["--overlay", "\(Self.examples)/overlay"]) { host in
            let request = try await host.request("one")
            _ = try await host.run(request).get()
            #expect(try await CounterProbe.data(host, "one") == 1)
            let checkpoint = try await host.command("checkpoint", "one")
            #expect(checkpoint.code == 0, "\(checkpoint.error)")
            #expect(host.log.contains("hello, one"))
            #expect(try await host.command("restore", "one").code == 0)
            #expect(try await CounterProbe.data(host, "one") == 2)
            try await host.terminate(request)
        }
    }

    @Test("hello runs, and a checkpoint of it is refused")
    func hello() async throws {
        try await TestHost.with(backend: "hello", script: try script("hello")) { host in
            let request = try await host.request("one")
            _ = try await host.run(request).get()
            #expect(try await CounterProbe.data(host, "one") == 1)
            #expect(try await host.command("checkpoint", "one").code == 1)
            try await host.terminate(request)
        }
    }

    @Test(
        "chroot runs a container in its root, and refuses volumes",
        .enabled(if: TestMachine.needs("/usr/sbin/chroot"))
    )
    func chroot() async throws {
        let grant = ["--grant", "tool:chroot=/usr/sbin/chroot"]
        try await TestHost.with(backend: "chroot", script: try script("chroot"), arguments: grant) { host in
            let request = try await host.request("one") { $0.volumeMounts = [] }
            _ = try await host.run(request).get()
            #expect(try await CounterProbe.data(host, "one") == 1)
            let other = try await host.request("two")
            guard case .failure(let status) = try await host.run(other) else { throw TestFailure("it ran") }
            #expect(status.message.contains("chroot mounts nothing"), "\(status.message)")
            try await host.terminate(request)
        }
    }

    @Test(
        "bwrap: run, HTTP, checkpoint, restore and stop, with the durable volume kept",
        .enabled(if: TestMachine.needs("/usr/bin/bwrap"))
    )
    func bwrap() async throws {
        let grant = ["--grant", "tool:bwrap=/usr/bin/bwrap"]
        try await TestHost.with(backend: "bwrap", script: try script("bwrap"), arguments: grant) { host in
            let request = try await host.request("one")
            _ = try await host.run(request).get()
            #expect(try await CounterProbe.data(host, "one") == 1)
            #expect(try await CounterProbe.data(host, "one") == 2)
            let checkpoint = try await host.command("checkpoint", "one")
            #expect(checkpoint.code == 0, "\(checkpoint.error)")
            let restore = try await host.command("restore", "one")
            #expect(restore.code == 0, "\(restore.error)\n\(host.log)")
            #expect(try await CounterProbe.data(host, "one") == 3, "the counter went on where it was")
            let stop = try await host.command("stop", "one")
            #expect(stop.code == 0, "\(stop.error)")
            try await host.terminate(request)
        }
    }
}
