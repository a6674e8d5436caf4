/// What a supervisor sends to the host: kinds 16 to 21.
public enum SupervisorFrame: Sendable, Equatable {
    /// The script's own description, its functions replaced by their names under `verbs`.
    case descriptor(PluginValue)
    /// A host function, with its version, and the script's line that called it.
    case call(function: String, arguments: PluginValue, line: UInt32)
    /// The verb's end.
    case answer(status: String, result: PluginValue)
    /// The script called wrongly, overspent or raised; the supervisor is gone after it.
    case trap(TrapFrame)
    /// A line the script printed.
    case log(text: String, line: UInt32)
    /// A block was left whose variable held the handle: its program ends unless it was kept; answered by an empty reply.
    case release(PluginHandle, line: UInt32)

    /// The whole frame, length prefix included.
    public func encoded() -> [UInt8] {
        var payload: [UInt8] = []
        let kind: UInt8
        switch self {
        case .descriptor(let value):
            kind = 16
            ValueCodec.append(value, to: &payload)
        case .call(let function, let arguments, let line):
            kind = 17
            payload.appendText(function)
            ValueCodec.append(arguments, to: &payload)
            payload.append32(line)
        case .answer(let status, let result):
            kind = 18
            payload.appendText(status)
            ValueCodec.append(result, to: &payload)
        case .trap(let trap):
            kind = 19
            payload.appendText(trap.code)
            payload.appendText(trap.message)
        case .log(let text, let line):
            kind = 20
            payload.appendText(text)
            payload.append32(line)
        case .release(let handle, let line):
            kind = 21
            payload.append32(handle.index)
            payload.append32(handle.generation)
            payload.append32(line)
        }
        return FrameBuffer.frame(kind: kind, payload: payload)
    }

    /// The frame of that kind and payload.
    ///
    /// - Parameters:
    ///   - kind: the kind byte.
    ///   - payload: untrusted.
    /// - Returns: the frame.
    /// - Throws: the first thing wrong with it.
    public static func decode(kind: UInt8, payload: [UInt8]) throws(FrameError) -> SupervisorFrame {
        var reader = ByteReader(payload)
        let frame: SupervisorFrame
        switch kind {
        case 16: frame = .descriptor(try ValueCodec.read(from: &reader))
        case 17:
            frame = .call(
                function: try reader.text(),
                arguments: try ValueCodec.read(from: &reader),
                line: try reader.unsigned32()
            )
        case 18: frame = .answer(status: try reader.text(), result: try ValueCodec.read(from: &reader))
        case 19: frame = .trap(TrapFrame(code: try reader.text(), message: try reader.text()))
        case 20: frame = .log(text: try reader.text(), line: try reader.unsigned32())
        case 21:
            let handle = PluginHandle(index: try reader.unsigned32(), generation: try reader.unsigned32())
            frame = .release(handle, line: try reader.unsigned32())
        default: throw .unknownTag(kind)
        }
        guard reader.isAtEnd else { throw .trailing }
        return frame
    }
}

/// Why a verb was ended from within.
public struct TrapFrame: Sendable, Equatable {
    /// Such as `budget.memory` or `api.type`.
    public var code: String
    /// The whole text for the author, at most 4 KiB.
    public var message: String
    /// Makes one.
    public init(code: String, message: String) {
        self.code = code
        self.message = message
    }
}
