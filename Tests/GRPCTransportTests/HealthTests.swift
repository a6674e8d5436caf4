import GRPCTransport
import Testing

/// `grpc.health.v1.Health/Watch`; Check is with the unary calls.
@Suite(.timeLimit(.minutes(1)))
struct HealthTests {
    private static let watch = "/grpc.health.v1.Health/Watch"

    @Test(arguments: [[], [0x0a, 3, 0x74, 0x2e, 0x54]] as [[UInt8]])
    func tellsTheStatusAndThenEachChange(_ request: [UInt8]) async throws {
        try await Fixture.run(["/t.T/Echo": .unary(echo)]) { fixture in
            var changes = fixture.client.serverStream(Self.watch, request).makeAsyncIterator()
            let word1 = try await changes.next()
            #expect(word1 == [8, 1])
            fixture.server.setServing(false)
            let word2 = try await changes.next()
            #expect(word2 == [8, 2])
            fixture.server.setServing(false)
            fixture.server.setServing(true)
            let word3 = try await changes.next()
            #expect(word3 == [8, 1])
        }
    }

    @Test func tellsThatAServiceIsUnknown() async throws {
        try await Fixture.run([:]) { fixture in
            var changes = fixture.client.serverStream(Self.watch, [0x0a, 1, 0x78]).makeAsyncIterator()
            let word4 = try await changes.next()
            #expect(word4 == [8, 3])
        }
    }

    @Test func refusesWhatIsNoRequest() async throws {
        try await Fixture.run([:]) { fixture in
            var changes = fixture.client.serverStream(Self.watch, [0xff]).makeAsyncIterator()
            do {
                _ = try await changes.next()
                Issue.record("answered")
            } catch let error as RPCStatus { #expect(error.code == 3) }
        }
    }

    @Test func anyStreamEndsWithTheServer() async throws {
        let scratch = try Scratch()
        let handler: StreamHandler = { _, _, sink in
            try? await sink.send([1])
            await waitForCancellation()
            return (.ok, [])
        }
        let server = try GRPCServer(methods: ["/t.T/Follow": .serverStream(handler)])
        try server.listen(unix: scratch.socket)
        server.start()
        let client = GRPCClient(unix: scratch.socket)
        var messages = client.serverStream("/t.T/Follow", []).makeAsyncIterator()
        let first = try await messages.next()
        #expect(first == [1])
        let down = Task { await server.shutdown(grace: .seconds(600)) }
        do {
            _ = try await messages.next()
            Issue.record("goes on")
        } catch let error as RPCStatus { #expect(error.code == 14) }
        await down.value
        client.close()
    }

    @Test func endsWithTheServerAndDoesNotHoldItUp() async throws {
        let scratch = try Scratch()
        let server = try GRPCServer(methods: [:])
        try server.listen(unix: scratch.socket)
        server.start()
        let client = GRPCClient(unix: scratch.socket)
        var changes = client.serverStream(Self.watch, []).makeAsyncIterator()
        let word5 = try await changes.next()
        #expect(word5 == [8, 1])
        // Longer than this test may take: it is the watch that ends, not the grace.
        let down = Task { await server.shutdown(grace: .seconds(600)) }
        let word6 = try await changes.next()
        #expect(word6 == [8, 2])
        do {
            _ = try await changes.next()
            Issue.record("goes on")
        } catch let error as RPCStatus { #expect(error.code == 14) }
        await down.value
        client.close()
    }
}
