import Foundation
import Glibc
import Synchronization
import SystemLayer

/// An HTTP server on the loopback that answers what a test says, one connection for each request.
public final class FaultServer: Sendable {
    /// What was asked.
    public struct Request: Sendable {
        /// The path, or the whole address where this is a proxy.
        public let target: String
        /// By name in small letters.
        public let headers: [String: String]
        /// How many requests for the target came before.
        public let earlier: Int
        /// Where the part begins that was asked for; nil asks for the whole.
        public var range: Int? {
            headers["range"].flatMap { Int($0.dropFirst("bytes=".count).prefix { $0 != "-" }) }
        }
    }
    /// Where it listens.
    public let port: UInt16
    private let listener: OwnedFD
    private let seen = Mutex<[Request]>([])
    /// What was asked so far, in order.
    public var requests: [Request] { seen.withLock { $0 } }
    /// `http://127.0.0.1:PORT`.
    public var base: String { "http://127.0.0.1:\(port)" }

    /// Listens on a port of its own.
    ///
    /// - Parameters:
    ///   - pace: bytes a second; nil sends as fast as it goes.
    ///   - answer: the whole answer; the connection is closed behind it.
    /// - Throws: where the loopback takes no listener.
    public init(pace: Int? = nil, _ answer: @escaping @Sendable (Request) -> [UInt8]) throws {
        listener = OwnedFD(socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0))
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let (number, length) = (listener.rawValue, size)
        let isListening = unsafe withUnsafeMutablePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
                unsafe bind(number, pointer, length) == 0 && listen(number, 32) == 0
                    && getsockname(number, pointer, &size) == 0
            }
        }
        guard isListening else { throw SyscallError("listen", errno) }
        port = UInt16(bigEndian: address.sin_port)
        Thread.detachNewThread { [self] in
            while true {
                let connection = accept(number, nil, nil)
                if connection < 0 { return }
                Thread.detachNewThread { self.serve(OwnedFD(connection), pace, answer) }
            }
        }
    }

    /// Ends it; connections in progress end by themselves.
    public func stop() { shutdown(listener.rawValue, Int32(SHUT_RDWR)) }

    private func serve(_ connection: consuming OwnedFD, _ pace: Int?, _ answer: (Request) -> [UInt8]) {
        var head: [UInt8] = []
        while !String(decoding: head, as: UTF8.self).contains("\r\n\r\n") {
            guard let some = try? readSome(8192, from: connection.rawValue), !some.isEmpty else { return }
            head += some
        }
        let lines = String(decoding: head, as: UTF8.self).components(separatedBy: "\r\n")
        var headers: [String: String] = [:]
        for line in lines.dropFirst() {
            let parts = line.split(separator: ":", maxSplits: 1)
            if parts.count == 2 { headers[parts[0].lowercased()] = parts[1].trimmingCharacters(in: .whitespaces) }
        }
        let target = lines[0].components(separatedBy: " ").dropFirst().first ?? ""
        let request = seen.withLock { seen in
            let earlier = seen.filter { $0.target == target }.count
            let request = Request(target: target, headers: headers, earlier: earlier)
            seen.append(request)
            return request
        }
        // A peer that went away is what some tests are about.
        var rest = answer(request)[...]
        while !rest.isEmpty {
            let most = pace.map { min(rest.count, max(1, $0 / 20)) } ?? rest.count
            let count = unsafe rest.withUnsafeBytes {
                unsafe send(connection.rawValue, $0.baseAddress, most, Int32(MSG_NOSIGNAL))
            }
            if pace != nil { usleep(50_000) }
            if count <= 0 { return }
            rest = rest.dropFirst(count)
        }
    }
}

/// An answer with its length.
///
/// - Parameters:
///   - status: of HTTP.
///   - headers: more lines.
///   - body: what follows them.
///   - length: what `Content-Length` says, where it lies.
/// - Returns: the bytes to send.
public func answer(_ status: Int, _ headers: [String] = [], _ body: [UInt8] = [], length: Int? = nil) -> [UInt8] {
    let lines = ["HTTP/1.1 \(status) X", "Content-Length: \(length ?? body.count)", "Connection: close"] + headers
    return Array((lines.joined(separator: "\r\n") + "\r\n\r\n").utf8) + body
}
