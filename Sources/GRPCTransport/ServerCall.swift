import CGRPCBridge
import HostErrors
import Synchronization

/// One call on the server: from the empty slot that waits for a client to the status that ends it.
///
/// Events come on the queue's threads; the handler runs in a task of its own; sends go out one at a time.
///
/// Every status that a client can read is sent from here, so it has the trailers, what the transport itself
/// refuses included: messages that are too large, deadlines that pass, unknown methods, requests that never come
/// whole. The rest is ended by the core beneath this type, which has no way to hand it trailers:
/// - headers over `maxMetadataBytes` of a peer that acknowledged it, a method that is not POST, a missing `te` or `:path`, and the compressions that
///   the core knows and we do not offer: it answers them before it tells the server of a call at all, so there is no
///   call to send a status on. To be told of a compressed one the core would have to advertise what we refuse;
/// - streams past `maxConcurrentStreams` of such a peer, malformed frames, connections refused or closed for abuse, and a quota
///   that is used up: RST_STREAM or GOAWAY, frames that have no trailers;
/// - calls left after the grace of a shutdown, and statuses left unread: cancelled, after which the core takes no
///   more operations of the call (`grpc_call_start_batch` completes with failure).
final class ServerCall: EventReceiver, ResponseSink {
    private enum Send {
        case message([UInt8], CheckedContinuation<Bool, Never>)
        case finish(Result<[UInt8]?, RPCStatus>, [(String, String)])
    }
    private struct State {
        var arrived = ContinuousClock.now
        var deadline: ContinuousClock.Instant?
        var isStream = false
        /// Whether the request is still on its way.
        var isAwaited = true
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
        /// Whether the deadline passed, or the patience for the request ended.
        var isTimeUp = false
    }

    private let id: UInt64
    private let handle: CallHandle
    private let server: ServerCore
    /// The number of its connection; set once, before the handler begins.
    private let connection = Atomic<CInt>(-1)
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
        case Int32(CGB_EVENT_TIMEOUT): timeUp()
        default: break
        }
    }

    private func arrive() {
        server.requestCall()
        let method = unsafe String(decoding: handle.bytes { unsafe cgb_call_method($0, $1) }, as: UTF8.self)
        let now = ContinuousClock.now
        let left = unsafe cgb_call_remaining_ns(handle.pointer)
        let number = unsafe cgb_call_peer_fd(handle.pointer)
        connection.store(number, ordering: .relaxed)
        let peer = server.peer(of: number)
        let deadline = left == .max ? nil : now + .nanoseconds(left)
        state.withLock { state in
            state.arrived = now
            state.deadline = deadline
            guard let peer else { return }
            state.context = CallContext(
                method: method,
                peer: peer,
                deadline: deadline,
                isCancelled: { [self] in isCancelled }
            )
        }
        let patience = now + server.limits.requestTimeout
        server.queue.setTimer(id, at: min(deadline ?? patience, patience))
        let watches = server.queue.start { unsafe cgb_call_receive_close(handle.pointer) }
        let calls = server.enter(number)
        // Before anything is read: the message's event may come on the other thread at once.
        if watches, let error = excess(calls) {
            // The core holds a peer to either limit only once it acknowledged our SETTINGS.
            server.countReset(of: number)
            return refuse(error)
        }
        guard watches, server.queue.start({ unsafe cgb_call_receive_message(handle.pointer) }) else {
            handle.cancel()
            return retire()
        }
    }

    /// What the call takes more of than it may; nil when nothing.
    private func excess(_ calls: Int) -> HostError? {
        let (limits, size) = (server.limits, unsafe cgb_call_headers_size(handle.pointer))
        if size > limits.maxMetadataBytes {
            let words = "the headers are \(size) bytes long: this host takes \(limits.maxMetadataBytes)"
            return HostError(.resourceExhausted, .limitExceeded, words)
        }
        if calls > limits.maxConcurrentStreams {
            let words = "this connection has its \(limits.maxConcurrentStreams) calls: wait until one ends"
            return HostError(.resourceExhausted, .limitExceeded, words)
        }
        return nil
    }

    /// The last event has come.
    private func retire() {
        server.queue.remove(id)
        server.leave(connection.load(ordering: .relaxed))
    }

    private func begin() {
        let (known, isLate) = state.withLock { state in
            state.isAwaited = false
            return (state.context, state.isClosing || state.isTimeUp)
        }
        if isLate { return }
        guard let context = known else {
            // Its connection closed between the request and now: nobody will read this.
            return enqueue(.finish(.failure(.cancelled), []))
        }
        guard let method = server.methods[context.method] else {
            return refuse(.unimplemented, .notServed, "unknown method \(context.method)")
        }
        // Nothing more comes: every question was answered.
        if case .conversation = method, unsafe !cgb_call_has_message(handle.pointer) {
            return enqueue(.finish(.success(nil), []))
        }
        guard unsafe !cgb_call_message_is_compressed(handle.pointer) else {
            return refuse(.unimplemented, .notServed, "compressed messages are not accepted: send them as they are")
        }
        let size = unsafe cgb_call_message_length(handle.pointer)
        guard size <= server.limits.maxMessageBytes else {
            handle.dropMessage()
            return refuse(
                .resourceExhausted,
                .limitExceeded,
                "the request is \(size) bytes long: this host takes \(server.limits.maxMessageBytes)"
            )
        }
        guard let request = handle.takeMessage() else {
            return refuse(.internal, nil, "the call has no request message")
        }
        if let deadline = context.deadline, deadline <= ContinuousClock.now { return timeUp() }
        server.queue.setTimer(id, at: context.deadline)
        if case .unary = method {} else { state.withLock { $0.isStream = true } }
        let task = Task {
            switch method {
            case .conversation(let handler): await answer(await handler(context, request))
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

    /// Answers one message of a conversation, then waits for the next, which `begin` takes.
    private func answer(_ reply: Result<[UInt8], RPCStatus>) async {
        do throws(RPCStatus) {
            try await send(try reply.get())
        } catch {
            return enqueue(.finish(.failure(error), []))
        }
        guard server.queue.start({ unsafe cgb_call_receive_message(handle.pointer) }) else { return handle.cancel() }
    }

    private func refuse(_ code: HostError.Code, _ reason: Reason?, _ message: String) {
        refuse(HostError(code, reason, message))
    }

    private func refuse(_ error: HostError) {
        enqueue(.finish(.failure(server.refusal(error)), []))
    }

    /// Ends a stream, which might otherwise go on for as long as its client likes.
    func endStream() {
        let (task, isStream) = state.withLock { ($0.task, $0.isStream && !$0.isClosing) }
        guard isStream else { return }
        enqueue(
            .finish(.failure(server.refusal(HostError(.unavailable, .draining, "the server is shutting down"))), [])
        )
        task?.cancel()
    }

    /// The deadline passed, or the request did not come whole in time; the second time, nobody reads the answer.
    private func timeUp() {
        let (task, isFirst, isAwaited, isDeadline) = state.withLock { state in
            defer { (state.isTimeUp, state.isCancelled) = (true, true) }
            let isDeadline = state.deadline.map { $0 <= ContinuousClock.now } == true
            return (state.task, !state.isTimeUp, state.isAwaited, isDeadline)
        }
        guard isFirst else { return handle.cancel() }
        task?.cancel()
        server.queue.setTimer(id, at: ContinuousClock.now + server.limits.statusTimeout)
        let isSlow = isAwaited && !isDeadline
        let patience = server.limits.requestTimeout
        refuse(.deadlineExceeded, nil, isSlow ? "the request did not come whole in \(patience)" : "the deadline passed")
    }

    private func end() {
        let isCancelled = unsafe cgb_call_cancelled(handle.pointer)
        let (task, isDone, isReset) = state.withLock { state in
            let isReset = isCancelled && !state.isFinished && !state.isTimeUp
            state.isOver = true
            state.isCancelled = state.isCancelled || isCancelled
            return (state.task, state.isFinished, isReset)
        }
        if isReset { server.countReset(of: connection.load(ordering: .relaxed)) }
        if isCancelled { task?.cancel() }
        if isDone { retire() }
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
        if isDone { retire() }
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
        guard !isCancelled, message.count <= server.limits.maxMessageBytes else { return false }
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
        case .success(let reply?) where reply.count > server.limits.maxMessageBytes:
            let words = "the reply is \(reply.count) bytes long: this host sends \(server.limits.maxMessageBytes)"
            status = server.refusal(HostError(.resourceExhausted, .limitExceeded, words))
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
