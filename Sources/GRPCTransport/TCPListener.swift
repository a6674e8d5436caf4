import Glibc
import HostErrors
import SystemLayer

/// A listening TCP socket.
struct TCPListener: ~Copyable {
    let socket: OwnedFD
    /// The port that was bound, which the kernel chose if 0 was asked.
    let port: Int

    /// Binds and listens.
    ///
    /// - Parameters:
    ///   - host: an address in numbers, or `localhost`.
    ///   - port: 0 for any.
    /// - Throws: `invalidArgument` for an address that is none, `failedPrecondition` when it is taken.
    init(host: String, port: Int) throws(HostError) {
        guard (0...65535).contains(port) else { throw HostError(.invalidArgument, nil, "no such port: \(port)") }
        var hints = unsafe addrinfo()
        unsafe hints.ai_socktype = CInt(SOCK_STREAM.rawValue)
        unsafe hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV | (host == "localhost" ? 0 : AI_NUMERICHOST)
        var found: UnsafeMutablePointer<addrinfo>?
        guard unsafe getaddrinfo(host, String(port), &hints, &found) == 0, let first = unsafe found else {
            throw HostError(.invalidArgument, nil, "not an address in numbers: \(host)")
        }
        defer { unsafe freeaddrinfo(first) }
        let number = unsafe Glibc.socket(
            first.pointee.ai_family,
            CInt(SOCK_STREAM.rawValue) | closeOnExec | nonBlocking,
            0
        )
        guard number >= 0 else { throw refusal("make a socket for", host) }
        let socket = OwnedFD(number)
        var yes: CInt = 1
        unsafe setsockopt(number, SOL_SOCKET, SO_REUSEADDR, &yes, socklen_t(MemoryLayout<CInt>.size))
        guard unsafe bind(number, first.pointee.ai_addr, first.pointee.ai_addrlen) == 0 else {
            throw refusal("bind", "\(host):\(port)")
        }
        guard listen(number, 128) == 0 else { throw refusal("listen on", "\(host):\(port)") }
        guard let bound = unsafe socketAddress(number, getsockname)?.port else {
            throw refusal("name", "\(host):\(port)")
        }
        self.socket = socket
        self.port = bound
    }
}

/// The address that getsockname(2) or getpeername(2) gives, as text and as its port; nil if it is no network address.
func socketAddress(
    _ number: CInt,
    _ call: (CInt, UnsafeMutablePointer<sockaddr>, UnsafeMutablePointer<socklen_t>) -> CInt
) -> (text: String, port: Int)? {
    var storage = sockaddr_storage()
    var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
    var host = [CChar](repeating: 0, count: Int(NI_MAXHOST))
    var service = [CChar](repeating: 0, count: Int(NI_MAXSERV))
    let isNamed = unsafe withUnsafeMutablePointer(to: &storage) { pointer in
        unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
            guard unsafe call(number, address, &length) == 0 else { return false }
            return unsafe getnameinfo(
                address,
                length,
                &host,
                socklen_t(host.count),
                &service,
                socklen_t(service.count),
                NI_NUMERICHOST | NI_NUMERICSERV
            ) == 0
        }
    }
    guard isNamed else { return nil }
    let name = host.text
    guard let port = Int(service.text) else { return nil }
    return (name.utf8.contains(UInt8(ascii: ":")) ? "[\(name)]:\(port)" : "\(name):\(port)", port)
}

extension [CChar] {
    /// The characters before the NUL.
    fileprivate var text: String { String(decoding: prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self) }
}
