import CGRPCBridge

/// Owner of one completion queue of the C core.
///
/// Unchecked: the pointer never changes, the core's queue functions may be called from any thread, and the
/// owner is dropped by the queue's own thread or after it ended.
@safe struct QueueHandle: @unchecked Sendable {
    let pointer: OpaquePointer
}

/// One server of the C core.
///
/// Unchecked: the pointer never changes, and the core's server functions may be called from any thread.
@safe struct ServerHandle: @unchecked Sendable {
    let pointer: OpaquePointer
}

/// One channel of the C core.
///
/// Unchecked: the pointer never changes, and the core's channel functions may be called from any thread.
@safe struct ChannelHandle: @unchecked Sendable {
    let pointer: OpaquePointer
}

/// Owner of one reference to a call of the bridge.
///
/// Unchecked: the pointer never changes, the bridge counts references atomically, and the transport uses each
/// side of a call from one thread at a time: an operation of either starts only after the event of the one before.
@safe final class CallHandle: @unchecked Sendable {
    let pointer: OpaquePointer

    /// Takes over the caller's reference.
    init(_ pointer: OpaquePointer) { unsafe self.pointer = pointer }

    deinit { unsafe cgb_call_release(pointer) }

    /// Ends the call early; harmless when it is over.
    func cancel() { unsafe cgb_call_cancel(pointer) }

    /// The received message, copied out; nil if none came.
    func takeMessage() -> [UInt8]? {
        guard unsafe cgb_call_has_message(pointer) else { return nil }
        let length = unsafe cgb_call_message_length(pointer)
        return unsafe [UInt8](unsafeUninitializedCapacity: length) { buffer, count in
            guard let base = buffer.baseAddress else {
                count = unsafe cgb_call_take_message(pointer, nil, 0)
                return
            }
            count = unsafe cgb_call_take_message(pointer, base, length)
        }
    }

    /// Frees the received message unread.
    func dropMessage() { unsafe _ = cgb_call_take_message(pointer, nil, 0) }

    /// Adds a trailer to what `finish` sends.
    func addTrailer(_ key: String, _ value: [UInt8]) {
        let name = Array(key.utf8)
        unsafe name.withUnsafeBufferPointer { name in
            unsafe value.withUnsafeBufferPointer { value in
                unsafe cgb_call_add_trailer(pointer, name.baseAddress, name.count, value.baseAddress, value.count)
            }
        }
    }

    /// Runs a reader of the bridge that answers with a pointer and a length, and copies what it shows.
    func bytes(_ read: (OpaquePointer, UnsafeMutablePointer<Int>) -> UnsafePointer<UInt8>?) -> [UInt8] {
        var length = 0
        guard let start = unsafe read(pointer, &length) else { return [] }
        return unsafe Array(UnsafeBufferPointer(start: start, count: length))
    }
}
