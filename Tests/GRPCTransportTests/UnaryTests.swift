import GRPCTransport
import Glibc
import HostErrors
import Testing

@Suite(.timeLimit(.minutes(1)))
struct UnaryTests {
    @Test func answersWithTrailersOverUnix() async throws {
        try await Fixture.run(["/t.T/Echo": .unary(echo)]) { fixture in
            let (result, trailers) = await fixture.client.unary("/t.T/Echo", [1, 2, 3], timeout: .seconds(5))
            #expect(result == .success([1, 2, 3]))
            #expect(trailers.contains { $0 == ("x-echo", "yes") })
            let elapsed = trailers.filter { $0.0 == "x-server-elapsed-us" }
            #expect(elapsed.count == 1)
            #expect(elapsed.first.flatMap { Int($0.1) } ?? -1 >= 0)
            let (empty, _) = await fixture.client.unary("/t.T/Echo", [], timeout: .seconds(5))
            #expect(empty == .success([]))
        }
    }

    @Test func answersOverTCPAndNamesThePeer() async throws {
        let peer = Seen<Peer?>(nil)
        let server = try GRPCServer(methods: [
            "/t.T/Who": .unary { context, _ in
                peer.set(context.peer)
                return UnaryReply(result: .success([7]))
            }
        ])
        let port = try server.listen(tcp: "127.0.0.1", port: 0)
        server.start()
        let client = GRPCClient(tcp: "127.0.0.1:\(port)")
        let (result, _) = await client.unary("/t.T/Who", [], timeout: .seconds(5))
        #expect(result == .success([7]))
        guard case .tcp(let address) = peer.now else {
            Issue.record("not a network peer")
            return
        }
        #expect(address.hasPrefix("127.0.0.1:"))
        client.close()
        await server.shutdown(grace: .zero)
    }

    @Test func namesTheUnixPeer() async throws {
        let peer = Seen<Peer?>(nil)
        let handler: UnaryHandler = { context, _ in
            peer.set(context.peer)
            return UnaryReply(result: .success([]))
        }
        try await Fixture.run(["/t.T/Who": .unary(handler)]) { fixture in
            _ = await fixture.client.unary("/t.T/Who", [], timeout: .seconds(5))
            #expect(peer.now == .unix(pid: getpid(), uid: getuid(), gid: getgid()))
        }
    }

    @Test func carriesErrorsWithDetails() async throws {
        let failure = RPCStatus(code: 9, message: "näh: not now", details: [0, 255, 10, 13])
        let handler: UnaryHandler = { _, _ in
            UnaryReply(result: .failure(failure), trailers: [("x-why", "test"), ("x-server-elapsed-us", "forged")])
        }
        try await Fixture.run(["/t.T/Fail": .unary(handler)]) { fixture in
            let (result, trailers) = await fixture.client.unary("/t.T/Fail", [1], timeout: .seconds(5))
            #expect(result == .failure(failure))
            #expect(trailers.contains { $0 == ("x-why", "test") })
            let elapsed = trailers.filter { $0.0 == "x-server-elapsed-us" }
            #expect(elapsed.count == 1 && elapsed.first?.1 != "forged")
        }
    }

    @Test func boundsWhatAStatusCarries() async throws {
        let big = RPCStatus(
            code: 3,
            message: String(repeating: "é", count: 9000),
            details: Array(repeating: 1, count: 5000)
        )
        let handler: UnaryHandler = { _, _ in
            UnaryReply(result: .failure(big), trailers: [("Bad Key", "dropped"), ("x-bad", "a\nb")])
        }
        try await Fixture.run(["/t.T/Fail": .unary(handler)]) { fixture in
            let (result, trailers) = await fixture.client.unary("/t.T/Fail", [1], timeout: .seconds(5))
            let cut = RPCStatus(code: 3, message: String(repeating: "é", count: 512))
            #expect(result == .failure(cut))
            #expect(trailers.map(\.0) == ["x-server-elapsed-us"])
        }
    }

    @Test func refusesUnknownMethods() async throws {
        try await Fixture.run([:]) { fixture in
            let (result, trailers) = await fixture.client.unary("/t.T/None", [], timeout: .seconds(5))
            guard case .failure(let status) = result else {
                Issue.record("answered")
                return
            }
            #expect(status.code == 12)
            #expect(trailers.filter { $0.0 == "x-server-elapsed-us" }.count == 1)
        }
    }

    @Test func refusesMessagesThatAreTooLarge() async throws {
        var limits = ServerLimits()
        limits.maxMessageBytes = 1000
        try await Fixture.run(["/t.T/Echo": .unary(echo)], limits: limits) { fixture in
            let fits = Array(repeating: UInt8(1), count: 1000)
            #expect(await fixture.client.unary("/t.T/Echo", fits, timeout: .seconds(5)).0 == .success(fits))
            let (result, _) = await fixture.client.unary("/t.T/Echo", fits + [1], timeout: .seconds(5))
            guard case .failure(let status) = result else {
                Issue.record("answered")
                return
            }
            #expect(status.code == 8)
        }
    }

    @Test func cancelsTheHandlerAtTheDeadline() async throws {
        let seen = Seen<(hasDeadline: Bool, isCancelled: Bool)>((false, false))
        let handler: UnaryHandler = { context, _ in
            await waitForCancellation()
            seen.set((context.deadline != nil, context.isCancelled()))
            return UnaryReply(result: .failure(.cancelled))
        }
        try await Fixture.run(["/t.T/Slow": .unary(handler)]) { fixture in
            let (result, _) = await fixture.client.unary("/t.T/Slow", [], timeout: .milliseconds(100))
            guard case .failure(let status) = result else {
                Issue.record("answered")
                return
            }
            #expect(status.code == 4)
            try await #require(eventually { seen.now.hasDeadline && seen.now.isCancelled })
        }
    }

    @Test func cancelsTheHandlerWithTheClient() async throws {
        let began = Seen(false)
        let ended = Seen(false)
        let handler: UnaryHandler = { context, _ in
            began.set(true)
            await waitForCancellation()
            ended.set(context.isCancelled())
            return UnaryReply(result: .failure(.cancelled))
        }
        try await Fixture.run(["/t.T/Slow": .unary(handler)]) { fixture in
            let client = fixture.client
            let task = Task { await client.unary("/t.T/Slow", []).0 }
            try await #require(eventually { began.now })
            task.cancel()
            guard case .failure(let status) = await task.value else {
                Issue.record("answered")
                return
            }
            #expect(status.code == 1)
            try await #require(eventually { ended.now })
        }
    }

    @Test func serves16InFlightAThousandTimes() async throws {
        try await Fixture.run(["/t.T/Echo": .unary(echo)]) { fixture in
            let client = fixture.client
            let wrong = await withTaskGroup(of: Int.self) { group in
                for worker in 0..<16 {
                    group.addTask {
                        var wrong = 0
                        for index in 0..<1000 {
                            let request = [UInt8(worker), UInt8(index & 255), UInt8(index >> 8)]
                            let (result, _) = await client.unary("/t.T/Echo", request, timeout: .seconds(30))
                            if result != .success(request) { wrong += 1 }
                        }
                        return wrong
                    }
                }
                return await group.reduce(0, +)
            }
            #expect(wrong == 0)
        }
    }

    @Test func answersHealthChecks() async throws {
        try await Fixture.run(["/t.T/Echo": .unary(echo)]) { fixture in
            let check = "/grpc.health.v1.Health/Check"
            #expect(await fixture.client.unary(check, [], timeout: .seconds(5)).0 == .success([8, 1]))
            let named: [UInt8] = [0x0a, 3] + Array("t.T".utf8)
            #expect(await fixture.client.unary(check, named, timeout: .seconds(5)).0 == .success([8, 1]))
            fixture.server.setServing(false)
            #expect(await fixture.client.unary(check, [], timeout: .seconds(5)).0 == .success([8, 2]))
            let other: [UInt8] = [0x0a, 1, 0x78]
            guard case .failure(let status) = await fixture.client.unary(check, other, timeout: .seconds(5)).0 else {
                Issue.record("answered")
                return
            }
            #expect(status.code == 5)
        }
    }
}
