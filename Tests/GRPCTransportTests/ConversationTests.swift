import GRPCTransport
import HostErrors
import Testing

@Suite(.timeLimit(.minutes(1)))
struct ConversationTests {
    @Test func oneQuestionHasOneAnswer() async throws {
        try await Fixture.run(["/t.T/Talk": .conversation { _, request in .success(request + request) }]) { fixture in
            var got: [[UInt8]] = []
            for try await message in fixture.client.serverStream("/t.T/Talk", [7]) { got.append(message) }
            #expect(got == [[7, 7]])
        }
    }

    @Test func aFailureEndsIt() async throws {
        let failure = RPCStatus(code: 3, message: "what?")
        try await Fixture.run(["/t.T/Talk": .conversation { _, _ in .failure(failure) }]) { fixture in
            await #expect(throws: failure) {
                for try await _ in fixture.client.serverStream("/t.T/Talk", [7]) { Issue.record("an answer") }
            }
        }
    }

    @Test func anAnswerThatIsTooLargeIsNotSent() async throws {
        var limits = ServerLimits()
        limits.maxMessageBytes = 1024
        let method = Method.conversation { _, _ in .success(Array(repeating: 0, count: 2048)) }
        try await Fixture.run(["/t.T/Talk": method], limits: limits) { fixture in
            await #expect(throws: RPCStatus.self) {
                for try await _ in fixture.client.serverStream("/t.T/Talk", [7]) { Issue.record("an answer") }
            }
        }
    }
}
