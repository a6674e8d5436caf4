import PluginProtocol
import Testing

@Suite struct FrameTests {
    static let value = PluginValue.map([
        "b": .list([.null, .boolean(true), .integer(-7), .float(1.5)]), "a": .text("ä"), "c": .bytes([0, 0xff]),
        "d": .handle(PluginHandle(index: 3, generation: 1)), "": .map([:]),
    ])

    @Test func valuesComeBack() throws {
        #expect(try ValueCodec.decode(ValueCodec.encode(Self.value)) == Self.value)
    }

    @Test func everyTruncationIsRefused() {
        let bytes = ValueCodec.encode(Self.value)
        for count in 0..<bytes.count {
            #expect(throws: FrameError.self) { try ValueCodec.decode(Array(bytes.prefix(count))) }
        }
        #expect(throws: FrameError.trailing) { try ValueCodec.decode(bytes + [0]) }
    }

    @Test func hostileValuesAreRefused() {
        #expect(throws: FrameError.unknownTag(10)) { try ValueCodec.decode([10]) }
        #expect(throws: FrameError.badText) { try ValueCodec.decode([5, 1, 0, 0, 0, 0xff]) }
        #expect(throws: FrameError.badText) { try ValueCodec.decode([5, 1, 0, 0, 0, 0]) }
        #expect(throws: FrameError.truncated) { try ValueCodec.decode([7, 0xff, 0xff, 0xff, 0xff]) }
        let twice: [UInt8] = [8, 2, 0, 0, 0, 1, 0, 0, 0, 97, 0, 1, 0, 0, 0, 97, 0]
        #expect(throws: FrameError.notCanonical) { try ValueCodec.decode(twice) }
        var deep = PluginValue.null
        for _ in 0..<33 { deep = .list([deep]) }
        #expect(throws: FrameError.tooDeep) { try ValueCodec.decode(ValueCodec.encode(deep)) }
        let wide = PluginValue.list(Array(repeating: .null, count: 10_000))
        #expect(throws: FrameError.tooManyNodes) { try ValueCodec.decode(ValueCodec.encode(wide)) }
    }

    @Test func framesComeBackInPieces() throws {
        let frames: [HostFrame] = [
            .load(name: "x", file: "x.lua", source: Array("return {}".utf8)),
            .verb(
                name: "run",
                actor: Self.value,
                request: .map([:]),
                functions: ["workload.start"],
                deadlineMilliseconds: 30_000
            ),
            .reply(ReplyFrame(status: "ok", values: [Self.value, .null])),
        ]
        var buffer = FrameBuffer()
        var seen: [HostFrame] = []
        for byte in frames.flatMap({ $0.encoded() }) {
            buffer.append([byte])
            while let (kind, payload) = try buffer.next() {
                seen.append(try HostFrame.decode(kind: kind, payload: payload))
            }
        }
        #expect(seen == frames)
    }

    @Test func supervisorFramesComeBack() throws {
        let frames: [SupervisorFrame] = [
            .descriptor(Self.value), .call(function: "workload.start@1", arguments: Self.value, line: 7),
            .answer(status: "ok", result: .null), .trap(TrapFrame(code: "api.type", message: "x.lua:1: …")),
            .log(text: "line", line: 2),
        ]
        var buffer = FrameBuffer()
        buffer.append(frames.flatMap { $0.encoded() })
        for frame in frames {
            let (kind, payload) = try #require(try buffer.next())
            #expect(try SupervisorFrame.decode(kind: kind, payload: payload) == frame)
        }
        #expect(try buffer.next() == nil)
    }

    @Test func aLongFrameIsRefusedBeforeItsBytesCome() {
        var buffer = FrameBuffer()
        buffer.append([1, 0, 0x21, 0, 1])
        #expect(throws: FrameError.tooLong(0x21_0001)) { try buffer.next() }
    }
}
