import ActorContract
import HostErrors
import Testing

@testable import ContractWire

/// The refusal that `body` throws.
private func refusal(_ body: () throws -> Void) -> HostError? {
    do { try body() } catch { return error as? HostError }
    return nil
}

@Suite struct WireTests {
    @Test func aFieldOfTheOtherDialectIsRefused() throws {
        // June's Checkpoint has a varint in field 9, autumn's a message; field 8 alone is autumn's type.
        for bytes: [UInt8] in [[0x4A, 0x00], [0x40, 0x01], [0x12, 0x01, 0x61, 0x48, 0x01]] {
            let error = refusal { _ = try ContractWire.detect(bytes, method: .checkpoint, configured: .auto) }
            #expect(error?.code == .invalidArgument, "\(bytes)")
        }
        let field2: [UInt8] = [0x12, 0x01, 0x61]
        #expect(refusal { _ = try ContractWire.detect(field2, method: .run, configured: .june) } != nil)
        #expect(try ContractWire.detect([], method: .run, configured: .auto) == .june)
        #expect(try ContractWire.detect([], method: .run, configured: .autumn) == .autumn)
    }

    @Test func stringsMustBeTextWithoutNUL() {
        // spec.containers[0].name
        let nul: [UInt8] = [0x3A, 0x05, 0x0A, 0x03, 0x0A, 0x01, 0x00]
        let error = refusal { _ = try ContractWire.decodeRun(nul, dialect: .june) }
        #expect(error?.message == "malformed request: spec.containers[0].name: must not contain a NUL byte")
        let broken = refusal { _ = try ContractWire.decodeRun([0x0A, 0x01, 0xFF], dialect: .june) }
        #expect(broken?.message == "malformed request: target_ateom_uid: must be valid UTF-8")
    }

    @Test func bothVolumeNumbersAtOnceAreRefused() throws {
        let run = try Golden.named("autumn.RunRequest")
        // The singular spec merges, so the earlier number joins the later one.
        let both = run + [0x3A, 0x05, 0x1A, 0x03, 0x0A, 0x01, 0x62]
        let error = refusal { _ = try ContractWire.decodeRun(both, dialect: .autumn) }
        #expect(error?.message == "spec.volumes: fields 2 and 3 are both present")
    }

    @Test func unknownFieldsAreIgnored() throws {
        let run = try Golden.named("june.RunRequest")
        let extra = run + [0xFA, 0x06, 0x01, 0x00]
        #expect(try ContractWire.detect(extra, method: .run, configured: .auto) == .june)
        #expect(
            try ContractWire.decodeRun(extra, dialect: .june) == ContractWire.decodeRun(run, dialect: .june)
        )
    }

    @Test func hostMessagesSurviveTheWire() throws {
        var actor = HostMessages.Actor(actor: "a/b", pid: 42, sinceUnixMs: 1_700_000_000_000)
        actor.published = [HostMessages.Published(host: "127.0.0.1", port: 65535, actorPort: 80)]
        actor.phases = [HostMessages.Phase(name: "spawn", ms: 1.5, program: true)]
        actor.snapshots = ["one", ""]
        #expect(try HostMessages.Actor(decoding: actor.encoded()) == actor)
        let list = HostMessages.ListResponse(actors: [actor, HostMessages.Actor()])
        #expect(try HostMessages.ListResponse(decoding: list.encoded()) == list)
        let chunk = HostMessages.LogChunk(container: "c", line: [0xFF, 0x00], timeNs: -1, stream: "stderr", dropped: 3)
        #expect(try HostMessages.LogChunk(decoding: chunk.encoded()) == chunk)
    }

    @Test func detailsCarryTheReason() {
        let bytes = StatusDetails.encode(code: .failedPrecondition, message: "busy", reason: .slotOccupied)
        #expect(StatusDetails.reason(bytes) == .slotOccupied)
        #expect(StatusDetails.reason(StatusDetails.encode(code: .internal, message: "x", reason: nil)) == nil)
        #expect(StatusDetails.reason([0xFF]) == nil)
    }

    @Test func aDocumentBecomesARun() throws {
        let container = FieldTree.map([
            ("name", .scalar("worker")), ("image", .scalar("oci:/x")), ("command", .list([.scalar("/bin/sh")])),
            ("wakeup_probe", .map([("http_get", .map([("port", .scalar("80"))]))])),
        ])
        let spec = FieldTree.map([("containers", .list([container]))])
        let run = try ContractWire.runRequest(
            fromFields: .map([("actor_name", .scalar("one")), ("spec", spec)]),
            slot: "s"
        )
        #expect(run.identity.key == .autumn(atespace: "default", name: "one"))
        #expect(run.slot == "s" && run.spec.containers[0].readiness?.port == 80)
        let mistyped = refusal {
            _ = try ContractWire.runRequest(fromFields: .map([("spec", .map([("conatiners", .null)]))]))
        }
        #expect(mistyped?.message == "spec.conatiners: unknown field; did you mean containers?")
    }
}
