import Glibc
import SystemLayer

/// The smallest HTTP there is: one GET over loopback, for the demo alone.
enum CounterClient {
    /// Asks the counter for its next value.
    ///
    /// - Parameter port: on 127.0.0.1.
    /// - Returns: the body, `memory=N data=M`.
    /// - Throws: the system call that failed.
    static func count(_ port: Int) throws -> String {
        let number = socket(AF_INET, CInt(SOCK_STREAM.rawValue), 0)
        guard number >= 0 else { throw SyscallError("socket", errno) }
        let connection = OwnedFD(number)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = UInt16(clamping: port).bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        let result = unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe connect(number, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard result == 0 else { throw SyscallError("connect", errno, "127.0.0.1:\(port)") }
        try writeAll(Array("GET /count HTTP/1.1\r\nHost: counter\r\nConnection: close\r\n\r\n".utf8), to: number)
        let answer = try readAll(from: connection.rawValue, limit: 1 << 16)
        // By bytes: to Swift a CR LF is one character, which no "\n" matches.
        let lines = answer.split(whereSeparator: { $0 == 10 || $0 == 13 })
        return lines.last.map { String(decoding: $0, as: UTF8.self) } ?? ""
    }

    /// The durable part of a value.
    static func data(_ text: String) -> Int? {
        text.split(separator: " ").first { $0.hasPrefix("data=") }.flatMap { Int($0.dropFirst(5)) }
    }
}
