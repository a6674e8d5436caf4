import ActorContract
import ActorLifecycle
import ContractWire
import GRPCTransport
import HostErrors
import Testing

@testable import HostService

/// Keeps what a client would have got.
private actor Sink: ResponseSink {
    private(set) var messages: [String] = []

    func send(_ message: [UInt8]) async throws(RPCStatus) {
        guard let actor = try? HostMessages.Actor(decoding: message) else { throw .cancelled }
        messages.append("\(actor.actor) \(actor.status)")
    }
}

@Suite("The stream of changes")
struct WatchRelayTests {
    private static func record(_ name: String, _ status: ActorStatus, at milliseconds: Int64) -> ActorRecord {
        let identity = ActorIdentity(
            key: .autumn(atespace: "a", name: name),
            uid: "u",
            templateNamespace: "t",
            template: "x"
        )
        var record = ActorRecord(identity: identity, slot: "s", backend: "p", backendSHA256: "", spec: WorkloadSpec())
        record.status = status
        record.sinceMilliseconds = milliseconds
        return record
    }

    private static func message(_ record: ActorRecord) -> HostMessages.Actor {
        var message = HostMessages.Actor()
        message.actor = record.identity.key.name
        message.status = record.status.rawValue
        return message
    }

    private static func changes(_ records: [ActorRecord]) -> AsyncStream<ActorRecord> {
        AsyncStream { continuation in
            for record in records { continuation.yield(record) }
            continuation.finish()
        }
    }

    @Test("ends with MISSED_CHANGES when the watcher was too slow, after what was kept for it")
    func missed() async throws {
        let sink = Sink()
        let changes = Self.changes((1...16).map { Self.record("one", .pulling, at: $0) })
        let error = await #expect(throws: HostError.self) {
            try await OwnService.relay([], changes, as: Self.message, to: sink) { $0.status == .removed }
        }
        #expect(error?.code == .aborted && error?.reason == .missedChanges)
        #expect(await sink.messages.count == 16)
    }

    @Test("ends well with the last change, and what is in the list and in the changes is sent once")
    func ends() async throws {
        let sink = Sink()
        let now = [Self.record("one", .starting, at: 5), Self.record("two", .ready, at: 1)]
        let changes = Self.changes([
            Self.record("one", .pulling, at: 4), Self.record("one", .starting, at: 5),
            Self.record("one", .ready, at: 6),
            Self.record("three", .pulling, at: 3), Self.record("two", .removed, at: 9),
        ])
        let (status, _) = try await OwnService.relay(now, changes, as: Self.message, to: sink) { $0.status == .removed }
        #expect(status.code == 0)
        #expect(
            await sink.messages == ["one starting", "two ready", "one ready", "three pulling", "two removed"]
        )
    }
}
