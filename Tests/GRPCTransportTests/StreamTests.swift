import GRPCTransport
import HostErrors
import Testing

@Suite(.timeLimit(.minutes(1)))
struct StreamTests {
    @Test func deliversEveryMessageInOrder() async throws {
        let handler: StreamHandler = { _, request, sink in
            for index in 0..<request[0] {
                do throws(RPCStatus) { try await sink.send([index]) } catch { return (error, []) }
            }
            return (.ok, [])
        }
        try await Fixture.run(["/t.T/Count": .serverStream(handler)]) { fixture in
            var got: [UInt8] = []
            for try await message in fixture.client.serverStream("/t.T/Count", [100]) { got += message }
            #expect(got == Array(0..<100))
            for try await _ in fixture.client.serverStream("/t.T/Count", [0]) { Issue.record("a message") }
        }
    }

    @Test func endsWithItsStatus() async throws {
        let failure = RPCStatus(code: 14, message: "half way", details: [1])
        let handler: StreamHandler = { _, _, sink in
            try? await sink.send([1])
            return (failure, [])
        }
        try await Fixture.run(["/t.T/Half": .serverStream(handler)]) { fixture in
            var got: [[UInt8]] = []
            await #expect(throws: failure) {
                for try await message in fixture.client.serverStream("/t.T/Half", []) { got.append(message) }
            }
            #expect(got == [[1]])
        }
    }

    @Test func tellsTheHandlerThatTheReaderIsGone() async throws {
        let end = Seen<RPCStatus?>(nil)
        let handler: StreamHandler = { _, _, sink in
            do throws(RPCStatus) {
                while true { try await sink.send(Array(repeating: 0, count: 10_000)) }
            } catch {
                end.set(error)
                return (error, [])
            }
        }
        try await Fixture.run(["/t.T/Endless": .serverStream(handler)]) { fixture in
            var count = 0
            for try await _ in fixture.client.serverStream("/t.T/Endless", []) {
                count += 1
                if count == 3 { break }
            }
            try await #require(eventually { end.now?.code == 1 })
        }
    }

    @Test func slowReaderSlowsTheServer() async throws {
        let sent = Seen(0)
        let handler: StreamHandler = { _, _, sink in
            for index in 0..<100_000 {
                do throws(RPCStatus) { try await sink.send(Array(repeating: 0, count: 100_000)) } catch {
                    return (error, [])
                }
                sent.set(index)
            }
            return (.ok, [])
        }
        try await Fixture.run(["/t.T/Endless": .serverStream(handler)]) { fixture in
            var iterator = fixture.client.serverStream("/t.T/Endless", []).makeAsyncIterator()
            #expect(try await iterator.next()?.count == 100_000)
            // Until it stands still: what was sent is then what the windows and socket buffers hold.
            var last = -1
            while last != sent.now {
                last = sent.now
                try await Task.sleep(for: .milliseconds(100))
            }
            #expect(last < 1000)
        }
    }

    @Test func keepsSendsOfSeveralTasksApart() async throws {
        let handler: StreamHandler = { _, _, sink in
            await withTaskGroup(of: Void.self) { group in
                for index in 0..<UInt8(50) {
                    group.addTask { try? await sink.send([index]) }
                }
            }
            return (.ok, [])
        }
        try await Fixture.run(["/t.T/Many": .serverStream(handler)]) { fixture in
            var got: [UInt8] = []
            for try await message in fixture.client.serverStream("/t.T/Many", []) { got += message }
            #expect(got.sorted() == Array(0..<50))
        }
    }
}
