import Glibc
package import PluginProtocol
package import SystemLayer

/// One request over a Unix socket and its answer; the connection is closed after it.
package struct HTTPExchange {
    /// Why there is no answer.
    package enum Failure: Error {
        case status(PluginStatus, String)
        case system(SyscallError)
    }

    let arguments: RequestHTTP.Arguments
    /// The socket below a directory of the actor's; nil for a granted one, which is opened by its path.
    let place: (directory: String, rest: String)?
    let interrupt: VerbInterrupt
    /// How long an absent socket is asked again.
    package let connectDeadline: ContinuousClock.Instant
    /// When the answer is too late.
    package let deadline: ContinuousClock.Instant

    /// The socket that is asked, by its path.
    package var socketPath: String { arguments.socket }
    /// `GET`, `PUT` and their like.
    package var method: String { arguments.method }
    /// What is asked for, such as `/info`.
    package var target: String { arguments.path }
    /// What is sent along.
    package var body: [UInt8]? { arguments.body }

    /// Connects, asks, and reads the answer.
    func perform() throws(Failure) -> HTTPAnswer {
        let socket = try connected()
        try send(request, to: socket.rawValue)
        var reader = HTTPAnswerReader()
        while true {
            do throws(HTTPAnswerReader.Malformed) {
                if let answer = try reader.answer() { return answer }
            } catch {
                throw .status(.failed, "\(arguments.socket) answered what is no HTTP: \(error.words)")
            }
            try wait(socket.rawValue, CInt(POLLIN))
            let bytes: [UInt8]
            do throws(SyscallError) {
                bytes = try readSome(65536, from: socket.rawValue)
            } catch  where error.errno == EAGAIN {
                continue
            } catch {
                throw .status(.failed, "\(arguments.socket) hung up: \(error)")
            }
            do throws(HTTPAnswerReader.Malformed) {
                try reader.take(bytes)
            } catch {
                throw .status(.failed, "\(arguments.socket) answered what is no HTTP: \(error.words)")
            }
        }
    }

    private var request: [UInt8] {
        var head = "\(arguments.method) \(arguments.path) HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
        head += "Accept: */*\r\n"
        if let body = arguments.body {
            head += "Content-Type: application/json\r\nContent-Length: \(body.count)\r\n"
        } else if arguments.method != "GET" {
            head += "Content-Length: 0\r\n"
        }
        return Array("\(head)\r\n".utf8) + (arguments.body ?? [])
    }

    /// A connection; tried again every 5 ms while the socket is absent or refuses and there is time.
    private func connected() throws(Failure) -> OwnedFD {
        while true {
            do throws(SyscallError) {
                return try connect()
            } catch  where error.errno == ENOENT || error.errno == ECONNREFUSED {
                let next = ContinuousClock.now + .milliseconds(5)
                guard next < connectDeadline else {
                    let status: PluginStatus = error.errno == ENOENT ? .notFound : .notReady
                    throw .status(status, "\(arguments.socket): \(error)")
                }
                if interrupt.wait(until: next) == .cancelled { throw .status(.cancelled, "the verb was cancelled") }
            } catch {
                throw .system(error)
            }
        }
    }

    /// The socket is opened first and connected to by its descriptor, so that no name is walked twice.
    private func connect() throws(SyscallError) -> OwnedFD {
        let pathOnly: CInt = 0o10000000  // O_PATH of open(2), which Swift does not import
        let file: OwnedFD
        if let place {
            file = try BeneathPath.open(place.rest, beneath: place.directory, flags: pathOnly)
        } else {
            let number = unsafe open(arguments.socket, pathOnly | O_NOFOLLOW | O_CLOEXEC)
            guard number >= 0 else { throw SyscallError("open", errno, arguments.socket) }
            file = OwnedFD(number)
        }
        let type = CInt(SOCK_STREAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue) | CInt(SOCK_NONBLOCK.rawValue)
        let number = Glibc.socket(AF_UNIX, type, 0)
        guard number >= 0 else { throw SyscallError("socket", errno) }
        let socket = OwnedFD(number)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let path = Array("/proc/self/fd/\(file.rawValue)".utf8)
        unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: path) }
        let size = socklen_t(MemoryLayout<sockaddr_un>.size)
        let result = unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { unsafe Glibc.connect(number, $0, size) }
        }
        // A full backlog is EAGAIN for a socket that does not wait: it refuses for now.
        guard result == 0 else { throw SyscallError("connect", errno == EAGAIN ? ECONNREFUSED : errno) }
        return socket
    }

    private func send(_ bytes: [UInt8], to socket: CInt) throws(Failure) {
        var sent = 0
        while sent < bytes.count {
            let count = unsafe bytes.withUnsafeBytes { raw in
                unsafe Glibc.send(socket, raw.baseAddress?.advanced(by: sent), raw.count - sent, CInt(MSG_NOSIGNAL))
            }
            if count >= 0 {
                sent += count
            } else if errno == EAGAIN {
                try wait(socket, CInt(POLLOUT))
            } else if errno == EPIPE || errno == ECONNRESET {
                // It may have answered without reading all: the answer says why.
                return
            } else if errno != EINTR {
                throw .system(SyscallError("send", errno, arguments.socket))
            }
        }
    }

    private func wait(_ socket: CInt, _ events: CInt) throws(Failure) {
        switch interrupt.wait(socket, events: events, until: deadline) {
        case .ready: return
        case .cancelled: throw .status(.cancelled, "the verb was cancelled")
        case .timeout: throw .status(.timeout, "\(arguments.method) \(arguments.path): no answer in time")
        }
    }
}
