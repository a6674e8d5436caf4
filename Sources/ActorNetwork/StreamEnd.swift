internal import CNetworkBridge
import Glibc
import SystemLayer

/// One end of a stream, a non-blocking socket as it is or with TLS over it; owned by the pump's thread alone.
final class StreamEnd {
    /// What a read came to.
    enum Received {
        /// Some bytes; none at all: the other side has ended its half.
        case bytes([UInt8])
        /// Nothing yet.
        case later
        /// It is broken.
        case failed
    }

    private let socket: OwnedFD
    private let secure: SecureChannel?
    /// What poll(2) must see before a read, or a write, is worth another try.
    private(set) var readEvent = Int16(POLLIN)
    private(set) var writeEvent = Int16(POLLOUT)

    init(_ socket: consuming OwnedFD) {
        self.socket = socket
        secure = nil
    }

    /// - Parameters:
    ///   - socket: connected.
    ///   - context: whom to trust.
    ///   - host: who must answer.
    /// - Throws: ENOMEM.
    init(_ socket: consuming OwnedFD, _ context: SecureContext, host: String) throws(SyscallError) {
        secure = try SecureChannel(context, descriptor: socket.rawValue, host: host)
        self.socket = socket
    }

    /// For poll(2).
    var descriptor: CInt { socket.rawValue }

    /// Goes on with a handshake, where there is one.
    ///
    /// - Returns: nil when it is done; else what to wait for.
    /// - Throws: why it came to nothing.
    func handshake() throws(EgressRefusal.Cause) -> Int16? { try secure?.handshake() }

    func read(_ limit: Int) -> Received {
        guard let secure else {
            do throws(SyscallError) { return .bytes(try readSome(limit, from: descriptor)) } catch {
                return error.errno == EAGAIN ? .later : .failed
            }
        }
        let (received, event) = secure.read(limit)
        readEvent = event
        return received
    }

    /// - Returns: how many bytes were taken; nil: it is broken.
    func write(_ bytes: [UInt8]) -> Int? {
        guard let secure else {
            let count = unsafe send(descriptor, bytes, bytes.count, CInt(MSG_NOSIGNAL))
            if count >= 0 { return count }
            return errno == EAGAIN || errno == EINTR ? 0 : nil
        }
        let (count, event) = secure.write(bytes)
        writeEvent = event
        return count
    }

    /// Ends this half; the other direction goes on.
    ///
    /// - Returns: whether that is done; if not it is tried again.
    func end() -> Bool {
        if let secure, let event = secure.end() {
            writeEvent = event
            return false
        }
        _ = shutdown(descriptor, CInt(SHUT_WR))
        return true
    }

    /// Why the last read or write failed, where the other side has told.
    var words: String { secure == nil ? "" : SecureChannel.words }
}
