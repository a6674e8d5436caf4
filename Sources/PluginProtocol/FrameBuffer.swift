/// Cuts a stream into frames: u32 length of the payload, u8 kind, payload.
public struct FrameBuffer: Sendable {
    private var bytes: [UInt8] = []

    /// An empty one.
    public init() {}

    /// Takes what the socket gave.
    public mutating func append(_ more: [UInt8]) { bytes.append(contentsOf: more) }

    /// The next whole frame, or nil until more bytes come.
    ///
    /// - Returns: the frame's kind and payload.
    /// - Throws: `tooLong`, after which the stream is of no use.
    public mutating func next() throws(FrameError) -> (kind: UInt8, payload: [UInt8])? {
        guard bytes.count >= 5 else { return nil }
        let length = Int(bytes[0]) | Int(bytes[1]) << 8 | Int(bytes[2]) << 16 | Int(bytes[3]) << 24
        guard length <= FrameLimits.maxFrameBytes else { throw .tooLong(length) }
        guard bytes.count >= 5 + length else { return nil }
        let frame = (kind: bytes[4], payload: Array(bytes[5..<5 + length]))
        bytes.removeFirst(5 + length)
        return frame
    }

    /// A whole frame of one kind around a payload.
    static func frame(kind: UInt8, payload: [UInt8]) -> [UInt8] {
        var frame: [UInt8] = []
        frame.reserveCapacity(payload.count + 5)
        frame.append32(UInt32(truncatingIfNeeded: payload.count))
        frame.append(kind)
        frame.append(contentsOf: payload)
        return frame
    }
}
