import CGRPCBridge
import Synchronization

/// One call on the server: from the empty slot that waits for a client to the status that ends it.
///
/// Events come on the queue's thread; the handler runs in a task of its own; sends go out one at a time.
final class ServerCall: EventReceiver, ResponseSink {
    private enum Send {
        case message([UInt8], CheckedContinuation<Bool, Never>)
        case finish(Result<[UInt8]?, RPCStatus>, [(String, String)])
    }
    private struct State {
        var arrived = ContinuousClock.now
        var isCancelled = false
        var task: Task<Void, Never>?
        var context: CallContext?
        var waiting: [Send] = []
        var isSending = false
        var current: CheckedContinuation<Bool, Never>?
        var isOver = false
        var isFinished = false
        /// Whether the status is on its way: sends after it are refused.
        var isClosing = false
    }

    private let id: UInt64
    private let handle: CallHandle
    private let server: ServerCore
    private let state = Mutex(State())

    init(id: UInt64, handle: CallHandle, server: ServerCore) {
        self.id = id
        self.handle = handle
        self.server = server
    }

    // MARK: Events

    func handle(_ kind: Int32, succeeded: Bool) {
        switch kind {
        case Int32(CGB_EVENT_ARRIVED): succeeded ? arrive() : server.queue.remove(id)
        case Int32(CGB_EVENT_MESSAGE): begin()
        case Int32(CGB_EVENT_CLOSED): end()
        case Int32(CGB_EVENT_SENT): sent(succeeded)
        case Int32(CGB_EVENT_FINISHED): finished()
        default: break
        }
    }

    private func arrive() {
        server.requestCall()
        let method = unsafe String(decoding: handle.bytes { unsafe cgb_call_method($0, $1) }, as: UTF8.self)
        let now = ContinuousClock.now
        let left = unsafe cgb_call_remaining_ns(handle.pointer)
        let peer = server.peer(of: unsafe cgb_call_peer_fd(handle.pointer))
        state.withLock { state in
            state.arrived = now
            guard let peer else { return }
            state.context = CallContext(
                method: method,
                peer: peer,
                deadline: left == .max ? nil : now + .nanoseconds(left),
                isCancelled: { [self] in isCancelled }
            )
        }
        let watches = server.queue.start { unsafe cgb_call_receive_close(handle.pointer) }
        guard watches, server.queue.start({ unsafe cgb_call_receive_message(handle.pointer) }) else {
            handle.cancel()
            server.queue.remove(id)
            return
        }
    }

    private func begin() {
        guard let context = state.withLock({ $0.context }) else {
            // Its connection closed between the request and now: nobody will read this.
            return enqueue(.finish(.failure(.cancelled), []))
        }
        guard let method = server.methods[context.method] else {
            let status = RPCStatus(code: 12, message: "unknown method \(context.method)")
            return enqueue(.finish(.failure(status), []))
        }
        guard unsafe !cgb_call_message_is_compressed(handle.pointer) else {
            let status = RPCStatus(code: 12, message: "compressed messages are not accepted")
            return enqueue(.finish(.failure(status), []))
        }
        guard let request = handle.takeMessage() else {
            return enqueue(.finish(.failure(RPCStatus(code: 13, message: "the call has no request message")), []))
        }
        let task = Task {
            switch method {
            case .unary(let handler):
                let reply = await handler(context, request)
                enqueue(.finish(reply.result.map { $0 }, reply.trailers))
            case .serverStream(let handler):
                let (status, trailers) = await handler(context, request, self)
                enqueue(.finish(status.code == 0 ? .success(nil) : .failure(status), trailers))
            }
        }
        let isCancelled = state.withLock { state in
            if !state.isFinished { state.task = task }
            return state.isCancelled
        }
        if isCancelled { task.cancel() }
    }

    private func end() {
        let isCancelled = unsafe cgb_call_cancelled(handle.pointer)
        let (task, isDone) = state.withLock { state in
            state.isOver = true
            state.isCancelled = state.isCancelled || isCancelled
            return (state.task, state.isFinished)
        }
        if isCancelled { task?.cancel() }
        if isDone { server.queue.remove(id) }
    }

    private func sent(_ succeeded: Bool) {
        let continuation = state.withLock { state in
            defer { state.current = nil }
            return state.current
        }
        continuation?.resume(returning: succeeded)
        startNext()
    }

    private func finished() {
        let isDone = state.withLock { state in
            state.isFinished = true
            // The task's closure and the context hold this call.
            state.task = nil
            state.context = nil
            return state.isOver
        }
        if isDone { server.queue.remove(id) }
    }

    // MARK: Sends

    private var isCancelled: Bool { state.withLock { $0.isCancelled } }

    func send(_ message: [UInt8]) async throws(RPCStatus) {
        let went = await withCheckedContinuation { enqueue(.message(message, $0)) }
        if !went { throw RPCStatus.cancelled }
    }

    private func enqueue(_ send: Send) {
        let (isTaken, isFree) = state.withLock { state in
            guard !state.isClosing else { return (false, false) }
            state.waiting.append(send)
            defer { state.isSending = true }
            return (true, !state.isSending)
        }
        if isFree { startNext() }
        if !isTaken, case .message(_, let continuation) = send { continuation.resume(returning: false) }
    }

    /// Starts the first send that can be: only one is under way at a time, and this runs only when none is.
    private func startNext() {
        while true {
            let next = state.withLock { state -> Send? in
                guard let first = state.waiting.first else {
                    state.isSending = false
                    return nil
                }
                state.waiting.removeFirst()
                switch first {
                case .message(_, let continuation): state.current = continuation
                case .finish: state.isClosing = true
                }
                return first
            }
            switch next {
            case nil: return
            case .message(let message, let continuation):
                if start(message) { return }
                state.withLock { $0.current = nil }
                continuation.resume(returning: false)
            case .finish(let result, let trailers):
                if !startFinish(result, trailers) { finished() }
                return refuseRest()
            }
        }
    }

    /// Answers sends that came after the status, from tasks that outlived their handler.
    private func refuseRest() {
        let late = state.withLock { state in
            defer { state.waiting = [] }
            return state.waiting
        }
        for case .message(_, let continuation) in late { continuation.resume(returning: false) }
    }

    private func start(_ message: [UInt8]) -> Bool {
        guard !isCancelled else { return false }
        return server.queue.start {
            unsafe message.withUnsafeBufferPointer { buffer in
                unsafe cgb_call_send(handle.pointer, buffer.baseAddress, buffer.count)
            }
        }
    }

    private func startFinish(_ result: Result<[UInt8]?, RPCStatus>, _ trailers: [(String, String)]) -> Bool {
        let elapsed = ContinuousClock.now - state.withLock { $0.arrived }
        for (key, value) in trailers where key != elapsedTrailer && key != detailsTrailer {
            handle.addTrailer(key, Array(value.utf8))
        }
        handle.addTrailer(elapsedTrailer, Array(String(elapsed.microseconds).utf8))
        var message: [UInt8]?
        var status = RPCStatus.ok
        switch result {
        case .success(let reply): message = reply
        case .failure(let failure): status = failure
        }
        if !status.details.isEmpty, status.details.count <= 4096 {
            handle.addTrailer(detailsTrailer, status.details)
        }
        let text = status.message.cut(toBytes: 1024)
        return server.queue.start {
            unsafe text.withUnsafeBufferPointer { text in
                unsafe (message ?? []).withUnsafeBufferPointer { bytes in
                    unsafe cgb_call_finish(
                        handle.pointer,
                        message != nil,
                        bytes.baseAddress,
                        bytes.count,
                        status.code,
                        text.baseAddress,
                        text.count
                    )
                }
            }
        }
    }
}

/// How long the server worked on a call, in whole microseconds.
let elapsedTrailer = "x-server-elapsed-us"
/// The encoded `google.rpc.Status` of a failure.
let detailsTrailer = "grpc-status-details-bin"

extension Duration {
    fileprivate var microseconds: Int64 { components.seconds * 1_000_000 + components.attoseconds / 1_000_000_000_000 }
}

extension String {
    /// The UTF-8 bytes, at most `limit`, never ending inside a character.
    fileprivate func cut(toBytes limit: Int) -> [UInt8] {
        guard utf8.count > limit else { return Array(utf8) }
        var kept: [UInt8] = []
        for character in self {
            let bytes = Array(character.utf8)
            if kept.count + bytes.count > limit { break }
            kept.append(contentsOf: bytes)
        }
        return kept
    }
}
