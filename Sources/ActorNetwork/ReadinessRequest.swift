import Glibc
import SystemLayer

/// One HTTP request of a probe, and what its answer says.
enum ReadinessRequest {
    /// More of an answer than this is not read.
    static let limit = 8192

    /// What one try gave.
    enum Outcome: Equatable {
        case ready
        case notReady(String)
        /// The deadline of the try was first.
        case late(String)
        case interrupted
    }

    /// What the bytes so far say.
    enum Answer: Equatable {
        case incomplete
        /// The status, and whether the whole answer is here.
        case status(Int, complete: Bool)
        case malformed
    }

    /// Asks once.
    ///
    /// - Parameters:
    ///   - target: whom.
    ///   - namespacePath: where it lives; entered by this thread for the time of one call.
    ///   - address: where it is in the machine's own network; nil: in its namespace.
    ///   - deadline: of this try.
    ///   - wake: readable when all should stop.
    ///   - isInterrupted: looked at before every wait and at least every 25 ms.
    /// - Returns: what the try gave.
    static func once(
        _ target: ReadinessTarget,
        namespacePath: String,
        address: String? = nil,
        deadline: Deadline,
        wake: CInt,
        isInterrupted: () -> Bool
    ) -> Outcome {
        do throws(SyscallError) {
            let socket = try actorSocket(namespacePath: namespacePath, address: address)
            let place = address ?? ActorNamespace.address
            // On a loopback, connecting is decided at once unless the backlog is full.
            try connectSocket(socket.rawValue, address: place, port: target.port, deadline: deadline)
            let name = place.contains(":") ? "[\(place)]" : place
            let request =
                "GET \(target.path) HTTP/1.1\r\nHost: \(name):\(target.port)\r\n"
                + "User-Agent: substrate-host\r\nAccept-Encoding: identity\r\nConnection: close\r\n\r\n"
            try send(Array(request.utf8), on: socket.rawValue)
            return try receive(on: socket.rawValue, deadline: deadline, wake: wake, isInterrupted: isInterrupted)
        } catch {
            if error.errno == ECONNREFUSED { return .notReady("connection refused") }
            if error.errno == ETIMEDOUT { return .late("no connection in time") }
            return .notReady("\(error)")
        }
    }

    private static func send(_ bytes: [UInt8], on socket: CInt) throws(SyscallError) {
        // A fresh socket's buffer holds any path that a request may carry; less is a broken socket.
        let count = unsafe Glibc.send(socket, bytes, bytes.count, CInt(MSG_NOSIGNAL))
        guard count == bytes.count else { throw SyscallError("send", count < 0 ? errno : EMSGSIZE) }
    }

    private static func receive(
        on socket: CInt,
        deadline: Deadline,
        wake: CInt,
        isInterrupted: () -> Bool
    ) throws(SyscallError) -> Outcome {
        var bytes: [UInt8] = []
        while true {
            if isInterrupted() { return .interrupted }
            let answer = parse(bytes)
            var known: Outcome?
            if case .status(let status, let complete) = answer {
                known = status == 200 ? .ready : .notReady("status \(status)")
                if let known, complete || bytes.count >= limit { return known }
            }
            if answer == .malformed || bytes.count >= limit { return known ?? .notReady("answer is not HTTP") }
            if deadline.hasPassed { return known ?? .late("no answer in time") }
            guard wait(for: socket, or: wake, milliseconds: min(25, deadline.milliseconds)) else { continue }
            let some: [UInt8]
            do throws(SyscallError) {
                some = try readSome(limit - bytes.count, from: socket)
            } catch {
                if error.errno == EAGAIN { continue }
                // The answer counts even when its sender closed rudely.
                if let known { return known }
                throw error
            }
            if some.isEmpty { return known ?? .notReady("connection closed without an answer") }
            bytes += some
        }
    }

    /// Whether the socket has something to read; false after the time or when woken.
    private static func wait(for socket: CInt, or wake: CInt, milliseconds: Int) -> Bool {
        var watched = [
            pollfd(fd: socket, events: Int16(POLLIN), revents: 0), pollfd(fd: wake, events: Int16(POLLIN), revents: 0),
        ]
        _ = unsafe poll(&watched, 2, CInt(clamping: milliseconds))
        return watched[0].revents != 0
    }

    /// Reads the status line and, politely, how much is still to come.
    ///
    /// A client that leaves before the body is read makes the workload log an error for nothing.
    static func parse(_ bytes: [UInt8]) -> Answer {
        switch HTTPAnswerHead.parse(bytes) {
        case .malformed: return .malformed
        case .incomplete: return .incomplete
        case .status(let status, let start, let end):
            guard let end, let length = contentLength(bytes[start..<end]) else {
                return .status(status, complete: false)
            }
            return .status(status, complete: bytes.count - end >= length)
        }
    }

    private static func contentLength(_ header: ArraySlice<UInt8>) -> Int? {
        for line in header.split(separator: UInt8(ascii: "\n")) {
            let text = String(decoding: line, as: UTF8.self).lowercased()
            guard text.hasPrefix("content-length:") else { continue }
            let value = text.dropFirst("content-length:".count).filter { $0 != " " && $0 != "\r" && $0 != "\t" }
            return Int(value).map { min($0, limit) }
        }
        return nil
    }
}
