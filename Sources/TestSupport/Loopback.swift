import Glibc
import SystemLayer

/// Sockets as tests need them.
public enum Loopback {
    /// Whether somebody accepts connections on a Unix socket.
    ///
    /// - Parameter path: the socket's.
    /// - Returns: whether a connection was made.
    public static func accepts(_ path: String) -> Bool {
        let socket = OwnedFD(socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0))
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let bytes = Array(path.utf8)
        return unsafe withUnsafeMutableBytes(of: &address.sun_path) { place in
            guard bytes.count < place.count else { return false }
            unsafe place.copyBytes(from: bytes)
            return true
        }
            && withUnsafePointer(to: &address) { pointer in
                unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
                    unsafe connect(socket.rawValue, pointer, socklen_t(MemoryLayout<sockaddr_un>.size)) == 0
                }
            }
    }

    /// A port of the loopback that nobody has at this instant.
    ///
    /// - Returns: the port.
    /// - Throws: `TestFailure` when there is none.
    public static func freePort() throws -> UInt16 {
        let listener = OwnedFD(socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0))
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let length = size
        let bound = unsafe withUnsafeMutablePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
                unsafe bind(listener.rawValue, pointer, length) == 0
                    && getsockname(listener.rawValue, pointer, &size) == 0
            }
        }
        guard bound else { throw TestFailure("no free port: errno \(errno)") }
        return UInt16(bigEndian: address.sin_port)
    }
}
