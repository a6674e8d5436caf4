import Foundation
import Glibc
import HostErrors
import Synchronization
import SystemLayer
import TestSupport

@testable import Transfer

/// An HTTP server on the loopback that answers what a test says, one connection for each request.
final class FaultServer: Sendable {
    /// What was asked.
    struct Request: Sendable {
        let target: String
        let headers: [String: String]
        /// How many requests for the target came before.
        let earlier: Int
        var range: Int? {
            headers["range"].flatMap { Int($0.dropFirst("bytes=".count).prefix { $0 != "-" }) }
        }
    }
    let port: UInt16
    private let listener: OwnedFD
    private let seen = Mutex<[Request]>([])
    var requests: [Request] { seen.withLock { $0 } }
    var base: String { "http://127.0.0.1:\(port)" }

    /// Listens on a port of its own.
    ///
    /// - Parameter answer: the whole answer; the connection is closed behind it.
    /// - Throws: where the loopback takes no listener.
    init(_ answer: @escaping @Sendable (Request) -> [UInt8]) throws {
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
                Thread.detachNewThread { self.serve(OwnedFD(connection), answer) }
            }
        }
    }

    /// Ends it; connections in progress end by themselves.
    func stop() { shutdown(listener.rawValue, Int32(SHUT_RDWR)) }

    private func serve(_ connection: consuming OwnedFD, _ answer: (Request) -> [UInt8]) {
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
            let count = unsafe rest.withUnsafeBytes {
                unsafe send(connection.rawValue, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            if count <= 0 { return }
            rest = rest.dropFirst(count)
        }
    }
}

/// An answer with its length.
func answer(_ status: Int, _ headers: [String] = [], _ body: [UInt8] = [], length: Int? = nil) -> [UInt8] {
    let lines = ["HTTP/1.1 \(status) X", "Content-Length: \(length ?? body.count)", "Connection: close"] + headers
    return Array((lines.joined(separator: "\r\n") + "\r\n\r\n").utf8) + body
}

/// A file that a test downloads to.
final class Target {
    private let scratch: ScratchDirectory
    private let descriptor: OwnedFD
    let file: DownloadFile
    init(limit: Int64 = 1 << 30) throws {
        scratch = try ScratchDirectory("transfer")
        let number = unsafe open("\(scratch.path)/file", O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        descriptor = OwnedFD(number)
        file = DownloadFile(descriptor: number, limit: limit)
    }
    var bytes: [UInt8] {
        get throws { Array(try Data(contentsOf: URL(fileURLWithPath: "\(scratch.path)/file"))) }
    }
}
