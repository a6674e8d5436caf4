/// What the host sends to a supervisor: kinds 1 to 5.
public enum HostFrame: Sendable, Equatable {
    /// The script: its backend's name, the file's name for messages, and its text.
    case load(name: String, file: String, source: [UInt8])
    /// One verb: what it is about, and which host functions were granted, such as `workload.start`.
    case verb(name: String, actor: PluginValue, request: PluginValue, functions: [String], deadlineMilliseconds: Int64)
    /// The answer to a call.
    case reply(ReplyFrame)
    /// A module that the script may `require`: its name and its text; comes before the script.
    case library(name: String, source: [UInt8])
    /// The call was a mistake that only the host can see, such as a closed handle: the verb ends in a trap.
    case mistake(ArgumentFault)

    /// The whole frame, length prefix included.
    public func encoded() -> [UInt8] {
        var payload: [UInt8] = []
        let kind: UInt8
        switch self {
        case .load(let name, let file, let source):
            kind = 1
            payload.appendText(name)
            payload.appendText(file)
            payload.appendBytes(source)
        case .verb(let name, let actor, let request, let functions, let deadline):
            kind = 2
            payload.appendText(name)
            ValueCodec.append(actor, to: &payload)
            ValueCodec.append(request, to: &payload)
            payload.append32(UInt32(truncatingIfNeeded: functions.count))
            for function in functions { payload.appendText(function) }
            payload.append64(UInt64(bitPattern: deadline))
        case .reply(let reply):
            kind = 3
            payload.appendText(reply.status)
            payload.append32(UInt32(truncatingIfNeeded: reply.values.count))
            for value in reply.values { ValueCodec.append(value, to: &payload) }
        case .library(let name, let source):
            kind = 5
            payload.appendText(name)
            payload.appendBytes(source)
        case .mistake(let fault):
            kind = 4
            for text in [fault.code, fault.message, fault.expected, fault.got, fault.mend] { payload.appendText(text) }
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
    public static func decode(kind: UInt8, payload: [UInt8]) throws(FrameError) -> HostFrame {
        var reader = ByteReader(payload)
        let frame: HostFrame
        switch kind {
        case 1: frame = .load(name: try reader.text(), file: try reader.text(), source: try reader.byteString())
        case 2:
            let name = try reader.text()
            let actor = try ValueCodec.read(from: &reader)
            let request = try ValueCodec.read(from: &reader)
            var functions: [String] = []
            for _ in 0..<(try reader.count()) { functions.append(try reader.text()) }
            frame = .verb(
                name: name,
                actor: actor,
                request: request,
                functions: functions,
                deadlineMilliseconds: Int64(bitPattern: try reader.unsigned64())
            )
        case 3:
            let status = try reader.text()
            var values: [PluginValue] = []
            for _ in 0..<(try reader.count()) { values.append(try ValueCodec.read(from: &reader)) }
            frame = .reply(ReplyFrame(status: status, values: values))
        case 5: frame = .library(name: try reader.text(), source: try reader.byteString())
        case 4:
            frame = .mistake(
                ArgumentFault(
                    code: try reader.text(),
                    message: try reader.text(),
                    expected: try reader.text(),
                    got: try reader.text(),
                    mend: try reader.text()
                )
            )
        default: throw .unknownTag(kind)
        }
        guard reader.isAtEnd else { throw .trailing }
        return frame
    }
}

/// What a host function answered.
public struct ReplyFrame: Sendable, Equatable {
    /// One of `PluginStatus`, by its text; empty for a function that cannot fail.
    public var status: String
    /// The result, or the reason's text, first.
    public var values: [PluginValue]
    /// Makes one.
    public init(status: String, values: [PluginValue]) {
        self.status = status
        self.values = values
    }
}
