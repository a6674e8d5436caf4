import ActorContract
import Foundation
import HostErrors
import SystemLayer
import TestSupport
import Testing

@testable import ActorNetwork

@Suite("Ways out", .enabled(if: TestMachine.needs(TestMachine.isRoot), "needs root"), .timeLimit(.minutes(2)))
struct EgressRelayTests {
    private static let get = "GET / HTTP/1.1\r\nHost: x\r\n\r\n"

    @Test("a connection reaches through the gateway where it was going", arguments: [false, true])
    func led(_ isSecure: Bool) throws {
        let fixture = try EgressFixture(isSecure: isSecure)
        let relay = try fixture.relay()
        for place in ["203.0.113.10", "169.254.169.254", "10.1.2.3"] {
            let answer = try fixture.ask(place, 80, Self.get)
            #expect(answer.hasSuffix("\r\n\r\nfrom \(place):80\n"), "\(answer)")
        }
        let who = isSecure ? "host-1" : "-"
        #expect(fixture.gateway.asked.first == "CONNECT 203.0.113.10:80 HTTP/1.1 203.0.113.10:80 \(who)")
        #expect(fixture.counters.connections == 3)
        #expect(fixture.counters.bytesOut == 3 * Self.get.utf8.count)
        #expect(fixture.counters.refused == 0)
        relay.stop()
        #expect(fixture.counters.open == 0)
    }

    @Test("either half ends by itself, and who speaks first is heard", arguments: [false, true])
    func halves(_ isSecure: Bool) throws {
        let fixture = try EgressFixture(isSecure: isSecure)
        let relay = try fixture.relay()
        let text = String(repeating: "abcdefgh", count: 125_000)
        #expect(try fixture.ask("203.0.113.10", 7, text, ends: true) == "1000000 bytesabcdefghabcdefgh")
        #expect(try fixture.ask("203.0.113.10", 9, "") == "hello from 203.0.113.10:9")
        #expect(try fixture.ask("203.0.113.10", 19, "5000000").utf8.count == 5_000_000)
        #expect(fixture.counters.bytesIn > 5_000_000)
        relay.stop()
    }

    @Test("what a gateway refuses is accepted and closed without a byte, and told")
    func refused() throws {
        let fixture = try EgressFixture()
        let relay = try fixture.relay()
        let reasons: [(UInt16, String)] = [
            (403, "the gateway answered 403"), (500, "the gateway's answer is no HTTP"),
            (502, "the gateway closed the connection without an answer"),
            (599, "the head of the gateway's answer is longer than 16384 bytes"),
        ]
        for (port, reason) in reasons {
            let told = try fixture.refusal("203.0.113.10", port)
            #expect(told.reason == reason)
            #expect(told.destination == "203.0.113.10:\(port)")
        }
        #expect(fixture.counters.refused == 4)
        #expect(fixture.counters.connections == 0)
        relay.stop()
        // Nobody listens there any more.
        let closed = fixture.gateway.address
        fixture.gateway.stop()
        let late = try fixture.relay(closed, isAgain: true)
        let down = try fixture.refusal("203.0.113.10", 80).reason
        #expect(down.hasPrefix("the gateway is not reached: connect: errno 111"), "\(down)")
        late.stop()
        let nowhere = try fixture.relay("no-such-host.invalid:1", isAgain: true)
        let unknown = try fixture.refusal("203.0.113.10", 80).reason
        #expect(unknown.contains("\"no-such-host.invalid\" is not found"), "\(unknown)")
        // One that fails fast fills no log.
        for _ in 0..<40 { #expect(try fixture.isClosed("203.0.113.10", 80)) }
        #expect(fixture.refusals.all.count < 40)
        #expect(fixture.counters.refused == 46)
        nowhere.stop()
    }

    @Test("a gateway that is not who it should be, or does not know the host, lets nobody out")
    func strangers() throws {
        let stranger = try EgressFixture(isSecure: true, isTrusted: false)
        let first = try stranger.relay()
        let words = try stranger.refusal("203.0.113.10", 80).reason
        #expect(words.hasPrefix("TLS: its certificate is refused: "), "\(words)")
        first.stop()
        // By a name that its certificate is not for.
        let named = try EgressFixture(isSecure: true)
        let second = try named.relay("[::ffff:127.0.0.1]:\(named.gateway.port)")
        let other = try named.refusal("203.0.113.10", 80).reason
        #expect(other.contains("address mismatch"), "\(other)")
        second.stop()
        let third = try named.relay("localhost:\(named.gateway.port)", isAgain: true)
        #expect(try named.ask("203.0.113.10", 80, Self.get).hasSuffix("from 203.0.113.10:80\n"))
        third.stop()
        let nobody = try EgressFixture(isSecure: true, hasCertificate: false)
        let fourth = try nobody.relay()
        let unshown = try nobody.refusal("203.0.113.10", 80).reason
        // What it said may be lost with the connection.
        #expect(unshown.hasPrefix("the gateway ended the connection: "), "\(unshown)")
        fourth.stop()
    }

    @Test("what is no TCP, or goes to port 53, is dropped without a word; the namespace's own is not captured")
    func dropped() throws {
        let fixture = try EgressFixture()
        let before = #expect(throws: SyscallError.self) { _ = try fixture.connect("203.0.113.10", 80) }
        #expect(before?.errno == ENETUNREACH)
        let relay = try fixture.relay()
        let late = #expect(throws: SyscallError.self) { _ = try fixture.connect("203.0.113.10", 53, patience: 300) }
        #expect(late?.errno == ETIMEDOUT)
        let responder = try Responder(in: fixture.scratch) { _, _ in Responder.status(200) }
        #expect(try fixture.ask(ActorNamespace.address, responder.port, Self.get).hasPrefix("HTTP/1.1 200 X"))
        // A connection that nobody redirected is no way to anywhere.
        let direct = try fixture.refusal("127.0.0.1", relay.port).reason
        #expect(direct == "that is an address of the actor's own namespace")
        #expect(fixture.gateway.asked.isEmpty)
        let said = try ProgramRun.wait(
            "/usr/bin/nsenter",
            [
                "--net=\(fixture.scratch.path)", "python3", "-c",
                """
                import socket
                for port in (53, 99):
                    one = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
                    one.settimeout(0.2)
                    one.connect(("203.0.113.10", port))
                    try:
                        one.send(b"x"), one.recv(1)
                    except OSError as error:
                        print(type(error).__name__)
                """,
            ]
        )
        #expect(said.output == "TimeoutError\nTimeoutError\n", "\(said)")
        relay.stop()
    }

    @Test("with the way every stream ends; it can be made again, and many connections stand side by side")
    func ends() throws {
        let fixture = try EgressFixture(isSecure: true)
        let relay = try fixture.relay()
        let open = try fixture.connect("203.0.113.10", 1000)
        #expect(EgressFixture.comes { fixture.counters.connections == 1 })
        relay.stop()
        #expect(try readSome(1, from: open.rawValue).isEmpty)
        let refused = #expect(throws: SyscallError.self) { _ = try fixture.connect("203.0.113.10", 80) }
        #expect(refused?.errno == ECONNREFUSED)
        let again = try fixture.relay(isAgain: true)
        #expect(try fixture.ask("203.0.113.10", 80, Self.get).hasSuffix("from 203.0.113.10:80\n"))
        again.stop()
        // Somebody has its port: it takes another.
        let taken = try namespaceSocket(path: fixture.scratch.path)
        var yes: CInt = 1
        _ = unsafe setsockopt(taken.rawValue, SOL_SOCKET, SO_REUSEADDR, &yes, socklen_t(MemoryLayout<CInt>.size))
        var port = sockaddr_in()
        port.sin_family = sa_family_t(AF_INET)
        port.sin_port = EgressRelay.usualPort.bigEndian
        let bound = unsafe withUnsafePointer(to: &port) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe bind(taken.rawValue, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
                    && listen(taken.rawValue, 1) == 0
            }
        }
        #expect(bound)
        let elsewhere = try fixture.relay(isAgain: true)
        #expect(elsewhere.port != EgressRelay.usualPort)
        #expect(try fixture.ask("203.0.113.10", 80, Self.get).hasSuffix("from 203.0.113.10:80\n"))
        elsewhere.stop()
    }

    @Test("a thousand connections at once are each led out")
    func many() throws {
        Machine.raiseFileLimit(to: 8192)
        let fixture = try EgressFixture()
        let relay = try fixture.relay()
        var sockets: [CInt] = []
        defer { for socket in sockets { _ = close(socket) } }
        for _ in 0..<1000 { sockets.append(try fixture.connect("203.0.113.10", 1000).release()) }
        #expect(EgressFixture.comes { fixture.counters.connections == 1000 })
        #expect(fixture.counters.open == 1000)
        // Rules are put in place by a library that cannot count beyond 1023.
        let other = try EgressFixture()
        let beside = try other.relay()
        #expect(try other.ask("203.0.113.10", 80, Self.get).hasSuffix("from 203.0.113.10:80\n"))
        beside.stop()
        #expect(try fixture.ask("203.0.113.10", 80, Self.get).hasSuffix("from 203.0.113.10:80\n"))
        for socket in sockets { _ = close(socket) }
        sockets = []
        #expect(EgressFixture.comes { fixture.counters.open == 0 })
        relay.stop()
    }

    @Test("names are asked of the operator's resolver alone, over UDP and TCP, and each answer is its query's")
    func names() throws {
        let fixture = try EgressFixture(hasNames: true)
        let relay = try fixture.relay()
        let script = """
            import socket, sys
            def query(number, name):
                labels = b"".join(bytes([len(label)]) + label for label in name.split(b"."))
                return number.to_bytes(2, "big") + b"\\1\\0\\0\\1\\0\\0\\0\\0\\0\\0" + labels + b"\\0\\0\\1\\0\\1"
            def ask(place, name):
                one = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
                one.settimeout(0.5)
                one.connect((place, 53))
                one.send(query(7, name))
                try:
                    answer = one.recv(512)
                    return answer[1], ".".join(map(str, answer[-4:]))
                except OSError as error:
                    return type(error).__name__
            for place in ("169.254.17.1", "8.8.8.8"):
                print(ask(place, b"abc.example"))
            print(ask("8.8.8.8", b"late.example"), ask("8.8.8.8", b"odd.example"))
            many = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(50)]
            for index, one in enumerate(many):
                one.settimeout(5)
                one.sendto(query(index, b"x" * (index + 5) + b".example"), ("8.8.8.8", 53))
            print(all((answer := one.recv(512))[1] == index and answer[-1] == index + 5 for index, one in enumerate(many)))
            stream = socket.create_connection(("169.254.17.1", 53), 5)
            asked = query(9, b"abcd.example")
            stream.sendall(len(asked).to_bytes(2, "big") + asked)
            stream.shutdown(socket.SHUT_WR)
            print(stream.recv(512)[-4:].hex())
            """
        let said = try ProgramRun.wait("/usr/bin/nsenter", ["--net=\(fixture.scratch.path)", "python3", "-c", script])
        #expect(
            said.output == "(7, '203.0.113.3')\n(7, '203.0.113.3')\nTimeoutError TimeoutError\nTrue\ncb007104\n",
            "\(said)"
        )
        #expect(fixture.gateway.asked.allSatisfy { $0 == "NAME" })
        #expect(try fixture.ask("203.0.113.10", 80, Self.get).hasSuffix("from 203.0.113.10:80\n"))
        relay.stop()
        let address = #expect(throws: HostError.self) { _ = try ResolverAddress("dns.example", field: "egress.dns") }
        #expect(address?.message.hasPrefix("egress.dns: invalid value") == true)
        let name = #expect(throws: HostError.self) { _ = try ResolverAddress("dns.example:53", field: "egress.dns") }
        #expect(name?.message.contains("is no address") == true)
        #expect(try ResolverAddress("::1", field: "egress.dns").port == 53)
    }

    private static func isSet(_ path: String, _ mode: mode_t) -> Bool { unsafe chmod(path, mode) == 0 }

    @Test("the operator's files are checked, and read anew when they change")
    func files() throws {
        let fixture = try EgressFixture(isSecure: true)
        let authority = try #require(fixture.authority)
        let relay = try fixture.relay()
        func refusal(_ change: (inout EgressSettings) -> Void) -> String {
            var settings = fixture.access.settings
            change(&settings)
            let access = GatewayAccess(settings)
            return #expect(throws: HostError.self) { try access.check() }?.message ?? ""
        }
        let key = try #require(fixture.access.settings.key)
        #expect(refusal { $0.trust = "/nowhere" }.hasPrefix("egress_gateway: egress.trust \"/nowhere\" cannot be read"))
        #expect(refusal { $0.trust = key }.hasPrefix("egress_gateway: egress.trust"))
        #expect(refusal { $0.key = fixture.directory.path }.hasSuffix("is no file"))
        try #require(Self.isSet(key, 0o640))
        #expect(refusal { _ in } == "egress_gateway: egress.key \"\(key)\" may be read by others: chmod 600 it")
        // So it is while an actor lives: what is open stays, and nothing new is let out.
        #expect(try fixture.refusal("203.0.113.10", 80).reason.contains("chmod 600"))
        try #require(Self.isSet(key, 0o600))
        let other = try authority.issue("host-2")
        #expect(refusal { $0.key = other.key }.hasPrefix("egress_gateway: egress.key"))
        let certificate = try #require(fixture.access.settings.certificate)
        let renamed = unsafe rename(other.key, key) == 0 && rename(other.certificate, certificate) == 0
        try #require(renamed)
        #expect(try fixture.ask("203.0.113.10", 80, Self.get).hasSuffix("from 203.0.113.10:80\n"))
        #expect(fixture.gateway.asked.last?.hasSuffix(" host-2") == true)
        relay.stop()
    }
}
