import CGRPCBridge
import Synchronization

/// One call of a client, unary or streaming.
final class ClientCall: EventReceiver {
    typealias Answer = (Result<[UInt8], RPCStatus>, trailers: [(String, String)])

    private struct State {
        var answer: CheckedContinuation<Answer, Never>?
        var reader: CheckedContinuation<Result<[UInt8]?, RPCStatus>, Never>?
        /// The last message of the stream was read: its status answers the reader.
        var isDrained = false
        /// How the stream ended.
        var end: RPCStatus?
    }

    private let id: UInt64
    private let handle: CallHandle
    private let queue: EventQueue
    private let state = Mutex(State())

    init(id: UInt64, handle: CallHandle, queue: EventQueue) {
        self.id = id
        self.handle = handle
        self.queue = queue
    }

    func cancel() { handle.cancel() }

    func handle(_ kind: Int32, succeeded: Bool) {
        switch kind {
        case Int32(CGB_EVENT_STATUS): end()
        case Int32(CGB_EVENT_MESSAGE): received()
        default: break
        }
    }

    // MARK: Unary

    func unary(_ request: [UInt8]) async -> Answer {
        await withCheckedContinuation { continuation in
            state.withLock { $0.answer = continuation }
            queue.add(self, as: id)
            let isStarted = queue.start {
                unsafe request.withUnsafeBufferPointer { buffer in
                    unsafe cgb_call_unary(handle.pointer, buffer.baseAddress, buffer.count)
                }
            }
            if !isStarted { fail(RPCStatus(code: 14, message: "the call could not be started")) }
        }
    }

    private func fail(_ status: RPCStatus) {
        queue.remove(id)
        let continuation = state.withLock { state in
            state.end = status
            defer { state.answer = nil }
            return state.answer
        }
        continuation?.resume(returning: (.failure(status), []))
    }

    // MARK: Streaming

    func openStream(_ request: [UInt8]) {
        queue.add(self, as: id)
        let isStarted = queue.start {
            unsafe request.withUnsafeBufferPointer { buffer in
                unsafe cgb_call_open_stream(handle.pointer, buffer.baseAddress, buffer.count)
            }
        }
        if !isStarted { fail(RPCStatus(code: 14, message: "the call could not be started")) }
    }

    /// The next message; nil at a good end.
    ///
    /// One reader at a time.
    func nextMessage() async throws(RPCStatus) -> [UInt8]? {
        let result = await withCheckedContinuation { continuation in
            let ended = state.withLock { state -> RPCStatus? in
                if state.isDrained, let end = state.end { return end }
                state.reader = continuation
                return nil
            }
            if let ended { return continuation.resume(returning: Self.last(ended)) }
            // The status may have come already and taken this call off the queue.
            queue.add(self, as: id)
            let isStarted = queue.start { unsafe cgb_call_receive_message(handle.pointer) }
            if !isStarted { drained() }
        }
        return try result.get()
    }

    private func received() {
        guard let message = handle.takeMessage() else { return drained() }
        let (reader, isOver) = state.withLock { state in
            defer { state.reader = nil }
            return (state.reader, state.end != nil)
        }
        if isOver { queue.remove(id) }
        reader?.resume(returning: .success(message))
    }

    private func drained() {
        let (reader, end) = state.withLock { state in
            state.isDrained = true
            guard let end = state.end else {
                return (CheckedContinuation<Result<[UInt8]?, RPCStatus>, Never>?.none, RPCStatus.ok)
            }
            defer { state.reader = nil }
            return (state.reader, end)
        }
        if reader != nil { queue.remove(id) }
        reader?.resume(returning: Self.last(end))
    }

    private static func last(_ end: RPCStatus) -> Result<[UInt8]?, RPCStatus> {
        end.code == 0 ? .success(nil) : .failure(end)
    }

    // MARK: The end

    private func end() {
        let (status, trailers) = ending()
        let (answer, reader, isAwaited) = state.withLock { state in
            state.end = status
            let reader = state.isDrained ? state.reader : nil
            if state.isDrained { state.reader = nil }
            defer { state.answer = nil }
            return (state.answer, reader, state.reader != nil)
        }
        if let answer {
            let message = handle.takeMessage()
            let missing = RPCStatus(code: 13, message: "the server sent no message")
            let result: Result<[UInt8], RPCStatus> =
                status.code == 0 ? message.map { .success($0) } ?? .failure(missing) : .failure(status)
            answer.resume(returning: (result, trailers: trailers))
        }
        reader?.resume(returning: Self.last(status))
        // A receive is under way: its event, with a message or none, comes after this one and answers the reader.
        if !isAwaited { queue.remove(id) }
    }

    private func ending() -> (RPCStatus, [(String, String)]) {
        var trailers: [(String, String)] = []
        var details: [UInt8] = []
        for index in 0..<(unsafe cgb_call_trailer_count(handle.pointer)) {
            let key = unsafe String(
                decoding: handle.bytes { unsafe cgb_call_trailer_key($0, index, $1) },
                as: UTF8.self
            )
            let value = unsafe handle.bytes { unsafe cgb_call_trailer_value($0, index, $1) }
            if key == detailsTrailer {
                details = value
            } else {
                trailers.append((key, String(decoding: value, as: UTF8.self)))
            }
        }
        let text = unsafe String(decoding: handle.bytes { unsafe cgb_call_status_text($0, $1) }, as: UTF8.self)
        let code = unsafe cgb_call_status(handle.pointer)
        return (RPCStatus(code: code, message: text, details: details), trailers)
    }
}
