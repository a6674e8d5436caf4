import ActorContract
import HostErrors
import TestSupport
import Testing

@testable import ContractWire

/// Hostile bytes at every decoder: no crash, and every refusal is INVALID_ARGUMENT.
@Suite struct FuzzTests {
    /// A decoder that takes a stranger's bytes.
    private enum Decoder {
        case contract(ContractMethod, DialectSetting)
        case own(any HostMessage.Type)
        case reflection(Reflection)

        static let all: [Decoder] =
            ContractMethod.allCases.flatMap { method in DialectSetting.allCases.map { .contract(method, $0) } }
            + HostGoldenTests.messages.sorted { $0.key < $1.key }.map { .own($0.value) }
            + [try? Reflection(.auto, methods: [])].compactMap { $0.map { .reflection($0) } }

        func decode(_ bytes: [UInt8]) throws(HostError) {
            switch self {
            case .own(let type): _ = try type.init(decoding: bytes)
            case .reflection(let reflection): _ = try reflection.answer(bytes)
            case .contract(let method, let setting):
                let isJunes = [.run, .checkpoint, .restore].contains(method)
                let fitting = !isJunes && setting == .june ? .auto : setting
                let dialect = try ContractWire.detect(bytes, method: method, configured: fitting)
                switch method {
                case .run: _ = try ContractWire.decodeRun(bytes, dialect: dialect)
                case .checkpoint: _ = try ContractWire.decodeCheckpoint(bytes, dialect: dialect)
                case .restore: _ = try ContractWire.decodeRestore(bytes, dialect: dialect)
                case .terminate: _ = try ContractWire.decodeTerminate(bytes)
                case .uploadPausedCheckpoint: _ = try ContractWire.decodeUploadPausedCheckpoint(bytes)
                case .pruneLocalCheckpoints: _ = try ContractWire.decodePruneLocalCheckpoints(bytes)
                }
            }
        }
    }

    /// Decodes; whether it was refused.
    private func isRefused(_ bytes: [UInt8], by decoder: Decoder, _ note: @autoclosure () -> String) -> Bool {
        do throws(HostError) {
            try decoder.decode(bytes)
            return false
        } catch {
            if error.code != .invalidArgument || error.message.isEmpty {
                Issue.record("decoder \(decoder), \(note()): \(error)")
            }
            return true
        }
    }

    /// Eight seeds at once, 7,000 rounds of two inputs each: 112,000 inputs.
    @Test(arguments: 0..<8)
    func mutatedFixturesAndRandomBytes(_ seed: Int) throws {
        var generator = SeededGenerator(seed: 0x5EED_0000 + UInt64(seed))
        let fixtures = try Golden.all().map(\.bytes)
        var refused = 0
        let rounds = 7_000
        for round in 0..<rounds {
            let mutated = mutate(fixtures[round % fixtures.count], with: fixtures, &generator)
            let random = (0..<Int.random(in: 0..<48, using: &generator)).map { _ in
                // Half of them look like the tags and lengths of small messages.
                UInt8.random(in: 0...(Bool.random(using: &generator) ? 0x42 : 0xFF), using: &generator)
            }
            for bytes in [mutated, random] {
                let decoder = Decoder.all[Int.random(in: 0..<Decoder.all.count, using: &generator)]
                if isRefused(bytes, by: decoder, "seed \(seed), round \(round)") { refused += 1 }
            }
        }
        // Neither all is refused (the decoders are reached) nor nothing.
        #expect(refused > rounds / 2 && refused < 2 * rounds)
    }

    private func mutate(_ seed: [UInt8], with others: [[UInt8]], _ generator: inout SeededGenerator) -> [UInt8] {
        var bytes = seed
        for _ in 0...Int.random(in: 0..<4, using: &generator) {
            let at = Int.random(in: 0...bytes.count, using: &generator)
            let byte = UInt8.random(in: .min ... .max, using: &generator)
            switch Int.random(in: 0..<8, using: &generator) {
            case 0 where at < bytes.count: bytes[at] = byte
            case 1 where at < bytes.count: bytes[at] ^= 1 << (byte & 7)
            case 2 where at < bytes.count: bytes.removeSubrange(at..<min(bytes.count, at + Int(byte & 7) + 1))
            case 3: bytes.insert(byte, at: at)
            case 4: bytes = Array(bytes.prefix(at))
            case 5: bytes += others[Int(byte) % others.count].prefix(300)
            // A varint with one more byte, or the longest there is.
            case 6: bytes.insert(contentsOf: Array(repeating: 0x80, count: 1 + Int(byte % 11)), at: at)
            default: bytes.insert(contentsOf: bytes.prefix(at).suffix(Int(byte & 15)), at: at)
            }
        }
        return bytes
    }

    @Test(
        arguments: [
            // field 1 of every message here, in the wire types that are none: groups and the two unused ones
            ([0x0B, 0x0C], "wire type 3"), ([0x0C], "wire type 4"), ([0x0E, 0x00], "wire type 6"),
            ([0x0F], "wire type 7"),
            // an unknown field as a group
            ([0xFB, 0x06, 0xFC, 0x06], "wire type 3"),
            // a varint of eleven bytes, one of ten that holds more than 64 bits, one that never ends
            ([0xFA, 0x06] + [UInt8](repeating: 0x80, count: 10) + [0x01], "more than 64 bits"),
            ([0xF8, 0x06] + [UInt8](repeating: 0xFF, count: 9) + [0x02], "more than 64 bits"),
            ([0xF8, 0x06] + [UInt8](repeating: 0xFF, count: 9), "truncated"),
            // lengths past the end, and of 2^63 and 2^64-1 bytes
            ([0x0A, 0x05, 0x61], "truncated"),
            ([0x0A] + [UInt8](repeating: 0x80, count: 9) + [0x01], "truncated"),
            ([0x0A] + [UInt8](repeating: 0xFF, count: 9) + [0x01], "truncated"),
            // field number 0, and one past 2^29
            ([0x02, 0x00], "field number"), ([0x80, 0x80, 0x80, 0x80, 0x80, 0x01, 0x00], "field number"),
            // fixed-width fields cut short
            ([0xF9, 0x06, 0, 0, 0, 0, 0, 0, 0], "truncated"), ([0xFD, 0x06, 0, 0, 0], "truncated"),
        ] as [([UInt8], String)]
    )
    func malformedBytesAreNamed(_ bytes: [UInt8], _ problem: String) {
        for decoder in [
            Decoder.contract(.run, .june), .contract(.terminate, .autumn), .own(HostMessages.GetRequest.self),
        ] {
            do throws(HostError) {
                try decoder.decode(bytes)
                Issue.record("\(decoder) accepted \(bytes)")
            } catch {
                #expect(error.code == .invalidArgument)
                #expect(error.message.contains(problem), "\(error.message)")
            }
        }
    }

    @Test func lengthsMayBePadded() throws {
        // A varint with needless zero groups is legal, if no client of ours sends one.
        #expect(try HostMessages.GetRequest(decoding: [0x0A, 0x81, 0x80, 0x00, 0x61]).actor == "a")
        #expect(try HostMessages.GetRequest(decoding: [0x8A, 0x80, 0x00, 0x01, 0x61]).actor == "a")
    }

    @Test func theLastOfASingularFieldCountsAndMessagesMerge() throws {
        #expect(try HostMessages.GetRequest(decoding: [0x0A, 1, 0x61, 0x0A, 1, 0x62]).actor == "b")
        #expect(try HostMessages.StopRequest(decoding: [0x10, 1, 0x10, 2]).graceMs == 2)
        // spec twice: one container in each.
        let spec: [UInt8] = [0x3A, 0x05, 0x0A, 0x03, 0x0A, 0x01, 0x61]
        let message = try WireDecoder.decode(spec + spec, as: .juneRun)
        #expect(message.message("spec")?.messages("containers").count == 2)
    }

    @Test func packedNumbersAreRefusedWhereOneIsMeant() {
        // No field of ours is a repeated number, so a packed one is another message's.
        let error = #expect(throws: HostError.self) { try HostMessages.PublishRequest(decoding: [0x12, 2, 80, 81]) }
        #expect(error?.message == "malformed request: port: field 2 has wire type 2, not 0")
        for schema in [MessageSchema.juneRun, .autumnRun, .autumnRestore, .actor, .backend] {
            for one in schema.reachable() {
                for field in one.fields where field.isRepeated { #expect(field.wireType == WireType.delimited) }
            }
        }
    }

    @Test func noMessageHoldsItself() {
        // So how deep a request nests is bounded by the schema, whatever its bytes say.
        func depth(_ schema: MessageSchema) -> Int {
            schema.fields.reduce(1) { deepest, field in
                guard case .message(let child) = field.kind else { return deepest }
                return max(deepest, 1 + depth(child))
            }
        }
        for schema in [MessageSchema.juneRun, .autumnRun, .autumnRestore, .actor, .listResponse, .status] {
            #expect(depth(schema) <= 7, "\(schema.name)")
        }
    }

    @Test func manyValuesAreRefusedBeforeTheyCost() throws {
        let megabytes = 4 << 20
        // Two bytes each: empty containers of one spec, and the field twice over.
        let containers = [UInt8]([0x0A, 0x00].repeated(65_536))
        let length = containers.count
        let head: [UInt8] = [0x3A, UInt8(length & 0x7F) | 0x80, UInt8(length >> 7 & 0x7F) | 0x80, UInt8(length >> 14)]
        // A spec that is sent again and again, with one container more each time: merging must not copy them all.
        let merged = [UInt8]([0x3A, 0x02, 0x0A, 0x00].repeated(40_000))
        for bytes in [head + containers, [UInt8]([0x0A, 0x00].repeated(megabytes / 2)), merged] {
            let error = #expect(throws: HostError.self) { try ContractWire.decodeRun(bytes, dialect: .june) }
            #expect(error?.message.contains("more than 65536 values") == true, "\(error?.message ?? "accepted")")
        }
        // Unknown fields cost nothing but their reading.
        let unknown = [UInt8]([0xFA, 0x06, 0x00].repeated(100_000))
        #expect(try HostMessages.ListRequest(decoding: unknown) == HostMessages.ListRequest())
    }
}

extension [UInt8] {
    fileprivate func repeated(_ times: Int) -> [UInt8] {
        var all = self
        all.reserveCapacity(count * times)
        // By doubling: one by one would take longer than what is tested.
        while all.count < count * times { all += all.prefix(count * times - all.count) }
        return all
    }
}
