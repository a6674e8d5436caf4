internal import CNetworkBridge
import Glibc
import SystemLayer

/// Whom to trust and who one is, read from the operator's files.
///
/// Unchecked: the pointer is set once, and what it leads to is not changed after it was made; connections of many
/// threads may be made of it at once, and libssl counts who still uses it with atomic operations (SSL_CTX_up_ref(3)).
@safe final class SecureContext: @unchecked Sendable {
    fileprivate let pointer: OpaquePointer

    /// - Throws: what is wrong with which of the files.
    init(trust: String, certificate: String?, key: String?) throws(EgressRefusal.Cause) {
        var words = [CChar](repeating: 0, count: 256)
        guard let made = unsafe csh_tls_context_make(trust, certificate, key, &words, words.count) else {
            throw EgressRefusal.Cause(text(words))
        }
        unsafe pointer = made
    }

    deinit { unsafe csh_tls_context_free(pointer) }
}

/// One TLS connection.
@safe final class SecureChannel {
    private let pointer: OpaquePointer
    private let context: SecureContext

    init(_ context: SecureContext, descriptor: CInt, host: String) throws(SyscallError) {
        guard let made = unsafe csh_tls_make(context.pointer, descriptor, host) else {
            throw SyscallError("SSL_new", ENOMEM, host)
        }
        unsafe pointer = made
        self.context = context
    }

    deinit { unsafe csh_tls_free(pointer) }

    /// What poll(2) must see for an outcome; nil: it is none to wait for.
    private static func event(_ outcome: Int) -> Int16? {
        switch outcome {
        case Int(CSH_TLS_WANTS_READ): Int16(POLLIN)
        case Int(CSH_TLS_WANTS_WRITE): Int16(POLLOUT)
        default: nil
        }
    }

    func handshake() throws(EgressRefusal.Cause) -> Int16? {
        var words = [CChar](repeating: 0, count: 256)
        let outcome = Int(unsafe csh_tls_handshake(pointer, &words, words.count))
        if outcome == Int(CSH_TLS_DONE) { return nil }
        guard let event = Self.event(outcome) else { throw EgressRefusal.Cause("TLS: \(text(words))") }
        return event
    }

    func read(_ limit: Int) -> (StreamEnd.Received, event: Int16) {
        var outcome = 0
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: limit) { buffer, filled in
            outcome = unsafe csh_tls_read(pointer, buffer.baseAddress, limit)
            filled = max(0, outcome)
        }
        if outcome >= 0 { return (.bytes(bytes), Int16(POLLIN)) }
        if let event = Self.event(outcome) { return (.later, event) }
        return (.failed, Int16(POLLIN))
    }

    func write(_ bytes: [UInt8]) -> (Int?, event: Int16) {
        let outcome = unsafe csh_tls_write(pointer, bytes, bytes.count)
        if outcome >= 0 { return (outcome, Int16(POLLOUT)) }
        if let event = Self.event(outcome) { return (0, event) }
        return (nil, Int16(POLLOUT))
    }

    /// - Returns: what to wait for, or nil when there is nothing more to do.
    func end() -> Int16? { Self.event(Int(unsafe csh_tls_end(pointer))) }

    /// Why the last call of this thread failed.
    static var words: String {
        var words = [CChar](repeating: 0, count: 256)
        unsafe csh_tls_explain(&words, words.count)
        return text(words)
    }
}

/// The text in a buffer that C filled.
func text(_ buffer: [CChar]) -> String {
    String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
}
