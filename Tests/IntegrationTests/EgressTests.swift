import ActorContract
import ContractWire
import Foundation
import Glibc
import SystemLayer
import TestSupport
import Testing

@testable import substrate_host

/// Actors whose connections go out through a gateway, on every shipped backend.
@Suite(
    "Egress",
    .serialized,
    .enabled(if: TestMachine.needs(TestMachine.isRoot), "actors are confined as root only"),
    .timeLimit(.minutes(5))
)
struct EgressTests {
    /// Those whose tools this machine has: two that share its kernel's network, and one with a network of its own.
    private static let backends =
        SharedBackend.all
        + (TestMachine.needs("/usr/bin/runsc")
            ? [SharedBackend(name: "gvisor", grants: ["--grant", "tool:runsc=/usr/bin/runsc"])] : [])

    /// A gateway that speaks TLS, and the host's options for it.
    private struct Gate {
        let scratch: ScratchDirectory
        let gateway: EgressGateway
        let options: [String]

        init(isTrusted: Bool = true) throws {
            scratch = try ScratchDirectory("gate")
            let authority = try TestAuthority(in: scratch.path)
            gateway = try EgressGateway(in: scratch.path, authority: authority, isTrusted: isTrusted)
            let mine = try authority.issue("this-host")
            options = [
                "--egress-trust", authority.certificate, "--egress-certificate", mine.certificate, "--egress-key",
                mine.key,
            ]
        }
    }

    private func log(_ host: TestHost) -> String { TextFile.read("\(host.scratch)/log") ?? "" }

    /// What the actor reads of a web page.
    private func page(_ host: TestHost, _ actor: String, _ place: String) async throws -> String {
        let parts = place.split(separator: ":")
        let address = "\(parts[0]) \(parts.count > 1 ? parts[1] : "80")"
        // Its wget cannot look names up, and crashes with it.
        let get = #"printf 'GET / HTTP/1.1\r\n\r\n'"#
        return try await SharedBackend.sees(host, actor, "\(get) | /bin/busybox nc -w 10 \(address) | tail -n 1")
    }

    private func says(_ host: TestHost, _ actor: String, _ text: String, _ place: String) async throws -> String {
        try await SharedBackend.exec(host, actor, "printf '\(text)' | /bin/busybox nc -w 10 \(place)").output
    }

    @Test(
        "an actor's connections go out by its gateway, and by nothing else, for as long as it lives",
        arguments: backends
    )
    func led(_ backend: SharedBackend) async throws {
        let gate = try Gate()
        defer { gate.gateway.stop() }
        try await backend.host(gate.options + ["--json"]).use { host in
            try await host.start()
            var request = try await host.request("one")
            request.egressGateway = gate.gateway.address
            _ = try await host.run(request).get()
            #expect(try await page(host, "one", "203.0.113.10") == "from 203.0.113.10:80\n")
            #expect(gate.gateway.asked == ["CONNECT 203.0.113.10:80 HTTP/1.1 203.0.113.10:80 this-host"])
            // Nobody answers for these but the gateway.
            for place in ["169.254.169.254", "10.0.0.1:8080"] {
                let whole = place.contains(":") ? place : "\(place):80"
                #expect(try await page(host, "one", place) == "from \(whole)\n")
            }
            #expect(try await says(host, "one", "abc", "203.0.113.10 7") == "3 bytesabc")
            #expect(try await says(host, "one", "abc", "203.0.113.10 403") == "")
            let told = log(host).split(separator: "\n").filter { $0.contains("a connection is not let out") }
            #expect(told.count == 1 && told[0].contains("test/one") && told[0].contains("203.0.113.10:403"), "\(told)")
            #expect(told.first?.contains("the gateway answered 403") == true)
            let stats = try await host.command("stats", "one", "--json").output
            let counted = try #require(
                try JSONSerialization.jsonObject(with: Data(stats.utf8)) as? [String: Any],
                "\(stats)"
            )
            #expect(counted["egress_connections"] as? Int == 4 && counted["egress_refused"] as? Int == 1, "\(stats)")
            #expect(counted["egress_bytes_out"] as? Int == 3 * 18 + 3, "\(stats)")
            let metrics = try await host.command("metrics").output
            for line in ["connections_total 4", "refused_total 1", "bytes_out_total 57"] {
                #expect(metrics.contains("\nsubstrate_egress_\(line)\n"), "\(metrics)")
            }
            // It is reached as before.
            #expect(try CounterClient.count(try await host.publish("one")) == "memory=1 data=1")
            // The next host makes the way again.
            try await host.kill()
            try await host.start()
            try await host.reaches("one", "ready")
            #expect(try await page(host, "one", "203.0.113.11") == "from 203.0.113.11:80\n")
            // So does whoever begins it again; one that asks for no gateway has no way out.
            try await SharedBackend.command(host, "stop", "one")
            try await SharedBackend.command(host, "start", "one")
            #expect(try await page(host, "one", "203.0.113.12") == "from 203.0.113.12:80\n")
            let asked = gate.gateway.asked.count
            _ = try await host.run(try await host.request("two")).get()
            #expect(try await SharedBackend.exec(host, "two", "/bin/busybox nc -w 2 203.0.113.10 80").code != 0)
            request.egressGateway = nil
            try await SharedBackend.command(host, "stop", "one")
            _ = try await host.run(request).get()
            #expect(try await SharedBackend.exec(host, "one", "/bin/busybox nc -w 2 203.0.113.10 80").code != 0)
            #expect(gate.gateway.asked.count == asked)
            for name in ["one", "two"] { try await SharedBackend.command(host, "remove", name) }
            #expect(log(host).contains("a way out is closed"))
        }
    }

    @Test("a gateway that is none, or another, lets nobody out; the actor lives on", arguments: backends)
    func closed(_ backend: SharedBackend) async throws {
        let gate = try Gate(isTrusted: false)
        try await backend.host(gate.options + ["--json"]).use { host in
            try await host.start()
            var request = try await host.request("one")
            request.egressGateway = gate.gateway.address
            _ = try await host.run(request).get()
            #expect(try await says(host, "one", "abc", "203.0.113.10 80") == "")
            #expect(log(host).contains("its certificate is refused"))
            gate.gateway.stop()
            #expect(try await says(host, "one", "abc", "203.0.113.10 80") == "")
            #expect(log(host).contains("the gateway is not reached"))
            #expect(gate.gateway.asked.isEmpty)
            #expect(!log(host).contains("PRIVATE KEY"))
            try await SharedBackend.command(host, "remove", "one")
        }
    }

    @Test(
        "a full restore has the way of its own request, and a warm sandbox is no place for one",
        .enabled(if: TestMachine.needs("/usr/bin/runsc"), "no runsc: apt-get install -t bookworm-backports runsc")
    )
    func restored() async throws {
        let gate = try Gate()
        defer { gate.gateway.stop() }
        let settings = "\(gate.scratch.path)/substrate.yaml"
        try "backends: { gvisor: { pool: { size: 1 }, held: { memory: 512MiB } } }\n".write(
            toFile: settings,
            atomically: false,
            encoding: .utf8
        )
        let options = ["--grant", "tool:runsc=/usr/bin/runsc", "--config", settings, "--json"] + gate.options
        let host = try TestHost(backend: "gvisor", arguments: options)
        try await host.use { host in
            try await host.start()
            // The first fills the pool.
            _ = try await host.run(try await host.request("two")).get()
            _ = try await eventually("a slot is warm", seconds: 30) {
                log(host).contains("a slot is warm") ? true : nil
            }
            var request = try await host.request("one")
            request.egressGateway = gate.gateway.address
            _ = try await host.run(request).get()
            #expect(try await page(host, "one", "203.0.113.10") == "from 203.0.113.10:80\n")
            #expect(try CounterClient.count(try await host.publish("one")) == "memory=1 data=1")
            let pid = try await host.actor("one").pid
            // Held, and thawed.
            try await SharedBackend.command(host, "checkpoint", "one")
            try await SharedBackend.command(host, "restore", "one")
            #expect(try await host.actor("one").pid == pid, "it was made anew")
            #expect(try await page(host, "one", "203.0.113.11") == "from 203.0.113.11:80\n")
            // From its files.
            try await SharedBackend.command(host, "checkpoint", "one")
            try await SharedBackend.command(host, "restore", "one", "--slot", "elsewhere")
            #expect(try await host.actor("one").pid != pid)
            #expect(try CounterClient.count(try await host.publish("one")) == "memory=2 data=2")
            #expect(try await page(host, "one", "203.0.113.12") == "from 203.0.113.12:80\n")
            // What was saved with a way wakes without one, and the other way round.
            let place = SnapshotPlace.local("bare")
            #expect(await checkpoint(host, request, place, slot: "elsewhere") == nil)
            request.slot = "elsewhere"
            request.egressGateway = nil
            #expect(await restore(host, request, place) == nil)
            #expect(try CounterClient.count(try await host.publish("one")) == "memory=3 data=3")
            let asked = gate.gateway.asked.count
            #expect(try await SharedBackend.exec(host, "one", "/bin/busybox nc -w 2 203.0.113.10 80").output == "")
            #expect(gate.gateway.asked.count == asked)
            #expect(await checkpoint(host, request, .local("without"), slot: "elsewhere") == nil)
            request.egressGateway = gate.gateway.address
            #expect(await restore(host, request, .local("without")) == nil)
            #expect(try await page(host, "one", "203.0.113.13") == "from 203.0.113.13:80\n")
            for name in ["one", "two"] { try await SharedBackend.command(host, "remove", name) }
        }
    }

    @Test("a held pause has no way out and no stream; the thaw makes the way again")
    func held() async throws {
        let scratch = try ScratchDirectory("gate")
        let gateway = try EgressGateway(in: scratch.path)
        defer { gateway.stop() }
        let script = VerbHost.script(
            """
            scopes = { "full", "data" },
            checkpoint = function(actor, request)
              if request.may_hold then return "ok", { held = true } end
              return host.process.stop(actor.processes, request.grace_ms)
            end,
            """
        )
        let settings = "{ held: { memory: 64MiB } } }\negress: { plaintext: true"
        let verbs = try VerbHost(script, settings: settings)
        try await verbs.use { host in
            var request = try await host.request("one") { container in
                // Says what becomes of its stream when that is over.
                let connect = "/bin/busybox nc 203.0.113.10 1000 <> /open; echo over; /bin/busybox sleep 0.1"
                let script = "(/counter &) ; /bin/busybox mkfifo /open; while true; do \(connect); done"
                container.command = ["/bin/busybox", "sh", "-c", script]
            }
            request.egressGateway = gateway.address
            _ = try await host.run(request).get()
            _ = try await eventually("it is let out") { gateway.asked.isEmpty ? nil : true }
            let pid = try await host.actor("one").pid
            try await SharedBackend.command(host, "checkpoint", "one")
            #expect(log(host).contains("a way out is closed"))
            #expect(try await host.actor("one").status == "paused")
            try await SharedBackend.command(host, "restore", "one")
            #expect(try await host.actor("one").pid == pid, "it was made anew")
            _ = try await eventually("its stream is over") {
                try await host.command("logs", "one").output.contains("over") ? true : nil
            }
            _ = try await eventually("it is let out again") { gateway.asked.count == 2 ? true : nil }
            try await SharedBackend.command(host, "remove", "one")
        }
    }

    private func checkpoint(
        _ host: TestHost,
        _ request: RunRequest,
        _ place: SnapshotPlace,
        slot: String
    ) async -> String? {
        var there = request
        there.slot = slot
        return await host.call(ContractMethod.checkpoint.path, ExternalSnapshotTests.checkpoint(there, place, .full))
    }

    private func restore(_ host: TestHost, _ request: RunRequest, _ place: SnapshotPlace) async -> String? {
        let restore = RestoreRequest(run: request, place: place, scope: .full)
        return await host.call(ContractMethod.restore.path, ContractWire.encode(restore))
    }

    @Test("with a resolver an actor finds names by it, and not without a gateway", arguments: backends)
    func names(_ backend: SharedBackend) async throws {
        let gate = try Gate()
        defer { gate.gateway.stop() }
        try await backend.host(gate.options + ["--egress-dns", gate.gateway.resolver]).use { host in
            try await host.start()
            var request = try await host.request("one")
            request.egressGateway = gate.gateway.address
            _ = try await host.run(request).get()
            let look = "/bin/busybox nslookup abcde.example 2>&1"
            #expect(try await SharedBackend.exec(host, "one", look).output.contains("203.0.113.5"))
            #expect(
                try await SharedBackend.sees(host, "one", "cat /etc/resolv.conf").contains("nameserver 169.254.17.1")
            )
            #expect(gate.gateway.asked.contains("NAME"))
            let asked = gate.gateway.asked.count
            _ = try await host.run(try await host.request("two")).get()
            let nothing = try await SharedBackend.exec(host, "two", "timeout 2 \(look)").output
            #expect(!nothing.contains("203.0.113"), "\(nothing)")
            #expect(gate.gateway.asked.count == asked)
            for name in ["one", "two"] { try await SharedBackend.command(host, "remove", name) }
        }
    }

    @Test("an address that is none is refused by its field, and settings that do not go together are too")
    func refused() async throws {
        let gate = try Gate()
        defer { gate.gateway.stop() }
        try await TestHost.with(arguments: gate.options) { host in
            var request = try await host.request("one")
            for (address, words) in [
                ("", "egress_gateway.address: required"), ("nowhere", "it has no port"), ("a:0", "1 to 65535"),
                ("a_b:1", "no DNS name"), ("::1:80", "in brackets"),
            ] {
                request.egressGateway = address
                let refused = await host.call(ContractMethod.run.path, ContractWire.encode(request))
                #expect(refused?.hasPrefix("egress_gateway.address: ") == true, "\(refused ?? "it ran")")
                #expect(refused?.contains(words) == true, "\(refused ?? "it ran")")
                #expect(await restore(host, request, .local("none")) == refused)
            }
            request.egressGateway = "[::1]:443"
            let key = gate.options[5]
            try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: key)
            let refused = await host.call(ContractMethod.run.path, ContractWire.encode(request))
            #expect(refused?.contains("egress.key \"\(key)\" may be read by others") == true, "\(refused ?? "it ran")")
            #expect(try await host.actors().isEmpty)
        }
        for (options, words) in [
            (["--egress-key", "/k"], "give both"), (["--egress-trust", "/t", "--egress-plaintext"], "goes with no"),
            (["--egress-key", "/k", "--egress-certificate", "/c"], "needs --egress-trust"),
            (["--egress-dns", "1.2.3.4"], "needs --egress-trust"),
            (["--egress-plaintext", "--egress-dns", "dns.example:53"], "is no address"),
        ] {
            let run = try await ProgramRun.run(TestMachine.host, ["serve", "--backend=process"] + options)
            #expect(run.code == 2 && run.error.contains(words), "\(run)")
        }
    }

    @Test("the command line asks for a gateway, over what the file says")
    func commandLine() async throws {
        let scratch = try ScratchDirectory("gate")
        let gateway = try EgressGateway(in: scratch.path)
        defer { gateway.stop() }
        try await TestHost.with(arguments: ["--egress-plaintext"]) { host in
            let file = "\(scratch.path)/actor.yaml"
            let text = """
                actor_name: one
                atespace: test
                egress_gateway: { address: "192.0.2.1:1" }
                spec:
                  containers:
                    - name: main
                      image: \(try await CounterImage.reference())
                      command: [/bin/busybox, sleep, "1000"]
                """
            try text.write(toFile: file, atomically: false, encoding: .utf8)
            try await SharedBackend.command(host, "run", file, "--egress-gateway", gateway.address)
            #expect(try await page(host, "one", "203.0.113.10") == "from 203.0.113.10:80\n")
            let bad = try await ProgramRun.run(TestMachine.host, ["run", file, "--egress-gateway", "x"])
            #expect(bad.code == 2 && bad.error.contains("--egress-gateway: invalid value \"x\""), "\(bad)")
        }
    }
}
