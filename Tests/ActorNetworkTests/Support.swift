import Foundation
import HostErrors
import Synchronization
import SystemLayer
import Testing
import Threads

@testable import ActorNetwork

/// A namespace in a directory of its own, gone with the test.
final class Scratch: Sendable {
    let path: String
    private let directory: String

    init() throws {
        directory = "/tmp/actor-network-\(getpid())-\(UInt32.random(in: 0 ... .max))"
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: false)
        path = directory + "/net"
        try ActorNamespace().pin(at: path)
    }

    deinit {
        try? ActorNamespace.remove(at: path)
        try? FileManager.default.removeItem(atPath: directory)
    }

    /// How many mounts the kernel lists at a path.
    ///
    /// Not by Foundation: it ends a file of /proc at the first short read, which is a page.
    static func mounts(of path: String) throws -> Int {
        try #require(TextFile.read("/proc/self/mountinfo")).split(separator: "\n").filter { $0.contains(" \(path) ") }
            .count
    }
}

/// Answers every connection in a namespace with what `answer` says, until stopped.
final class Responder: Sendable {
    let port: UInt16
    private let listener: CInt
    private let thread: Mutex<JoinableThread?>

    /// With `toTheEnd` the client must end its request first.
    ///
    /// `answer` is called with the count of requests before this one and what came; nil closes without a word.
    init(
        in scratch: Scratch,
        keepOpen: Bool = false,
        toTheEnd: Bool = false,
        answer: @escaping @Sendable (Int, String) -> [UInt8]?
    ) throws {
        let socket = try namespaceSocket(path: scratch.path)
        var where_ = sockaddr_in()
        where_.sin_family = sa_family_t(AF_INET)
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let number = socket.release()
        let bound = unsafe withUnsafeMutablePointer(to: &where_) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                unsafe bind(number, address, length) == 0 && listen(number, 64) == 0
                    && getsockname(number, address, &length) == 0
            }
        }
        try #require(bound)
        port = UInt16(bigEndian: where_.sin_port)
        listener = number
        let counter = Box()
        thread = Mutex(
            try JoinableThread("responder") {
                var watched = pollfd(fd: number, events: Int16(POLLIN), revents: 0)
                var held: [CInt] = []
                while true {
                    _ = unsafe poll(&watched, 1, -1)
                    let client = accept(number, nil, nil)
                    if client < 0 {
                        if errno == EAGAIN { continue }
                        break
                    }
                    let bytes =
                        (try? toTheEnd ? readAll(from: client, limit: 4096) : readSome(4096, from: client)) ?? []
                    let text = String(decoding: bytes, as: UTF8.self)
                    let count = counter.next()
                    if let bytes = answer(count, text) {
                        _ = unsafe send(client, bytes, bytes.count, CInt(MSG_NOSIGNAL))
                    }
                    if keepOpen { held.append(client) } else { _ = close(client) }
                }
                for client in held { _ = close(client) }
            }
        )
    }

    /// Says a status with an empty body.
    static func status(_ code: Int) -> [UInt8] {
        Array("HTTP/1.1 \(code) X\r\nContent-Length: 0\r\nLocation: /ok\r\n\r\n".utf8)
    }

    deinit {
        // Wakes poll(2) and makes accept(2) fail for good.
        _ = shutdown(listener, CInt(SHUT_RDWR))
        thread.withLock { $0.take() }?.join()
        _ = close(listener)
    }
}

private final class Box: Sendable {
    private let value = Mutex(0)
    func next() -> Int {
        value.withLock { value in
            defer { value += 1 }
            return value
        }
    }
}
