import Foundation
import Testing

@testable import ContractWire

/// Our own service's messages against the bytes of a foreign implementation.
@Suite struct HostGoldenTests {
    /// Every message, by its name in host.proto.
    static let messages: [String: any (HostMessage & HostMessageFields).Type] = [
        "Published": HostMessages.Published.self,
        "Phase": HostMessages.Phase.self,
        "Actor": HostMessages.Actor.self,
        "ListRequest": HostMessages.ListRequest.self,
        "ListResponse": HostMessages.ListResponse.self,
        "GetRequest": HostMessages.GetRequest.self,
        "WatchRequest": HostMessages.WatchRequest.self,
        "StartRequest": HostMessages.StartRequest.self,
        "StopRequest": HostMessages.StopRequest.self,
        "RemoveRequest": HostMessages.RemoveRequest.self,
        "RemoveResponse": HostMessages.RemoveResponse.self,
        "LogsRequest": HostMessages.LogsRequest.self,
        "LogChunk": HostMessages.LogChunk.self,
        "BackendsRequest": HostMessages.BackendsRequest.self,
        "BackendsResponse": HostMessages.BackendsResponse.self,
        "Backend": HostMessages.Backend.self,
        "PublishRequest": HostMessages.PublishRequest.self,
        "PublishResponse": HostMessages.PublishResponse.self,
        "ForgetRequest": HostMessages.ForgetRequest.self,
        "ForgetResponse": HostMessages.ForgetResponse.self,
        "CheckpointActorRequest": HostMessages.CheckpointActorRequest.self,
        "CheckpointActorResponse": HostMessages.CheckpointActorResponse.self,
        "RestoreActorRequest": HostMessages.RestoreActorRequest.self,
        "MetricsRequest": HostMessages.MetricsRequest.self,
        "MetricsResponse": HostMessages.MetricsResponse.self,
        "StatsRequest": HostMessages.StatsRequest.self,
        "StatsResponse": HostMessages.StatsResponse.self,
        "ExecRequest": HostMessages.ExecRequest.self,
        "ExecEvent": HostMessages.ExecEvent.self,
        "ExecInputRequest": HostMessages.ExecInputRequest.self,
        "ExecInputResponse": HostMessages.ExecInputResponse.self,
    ]

    @Test func everyMessageOfTheProtoIsHereAndHasAFixture() throws {
        let url = Golden.root.appending(path: "Sources/ContractWire/Protos/host.proto")
        let text = try String(contentsOf: url, encoding: .utf8)
        let names = Set(
            text.split(separator: "\n").filter { $0.hasPrefix("message ") }.map { String($0.split(separator: " ")[1]) }
        )
        #expect(names == Set(Self.messages.keys))
        #expect(names == Set(try Golden.all().filter { $0.parts.dialect == "host" }.map(\.parts.message)))
    }

    @Test func everyFixtureDecodesToTheForeignFieldsAndBack() throws {
        for golden in try Golden.all() where golden.parts.dialect == "host" {
            let type = try #require(Self.messages[golden.parts.message], "\(golden.name) is no message of ours")
            #expect(type.schema.name == golden.parts.message)
            let message = try WireDecoder.decode(golden.bytes, as: type.schema)
            #expect(message.flattened().joined(separator: ";") == golden.fields, "\(golden.name)")
            #expect(message.encoded() == golden.bytes, "\(golden.name)")
            // The plain value keeps every field too.
            #expect(try type.init(decoding: golden.bytes).encoded() == golden.bytes, "\(golden.name)")
        }
    }
}
