/// Where a host listens and a client connects.
enum Endpoint: Equatable, Sendable, CustomStringConvertible {
    /// A socket in the file system, by absolute path.
    case unix(String)
    /// A port in plaintext; the host is a name or an address without brackets.
    case tcp(host: String, port: UInt16)

    /// The most bytes of a socket's path: sun_path less its final NUL, unix(7).
    private static let longestPath = 107

    /// As written on the command line.
    var description: String {
        switch self {
        case .unix(let path): "unix:\(path)"
        case .tcp(let host, let port): host.contains(":") ? "tcp:[\(host)]:\(port)" : "tcp:\(host):\(port)"
        }
    }

    /// Reads `unix:PATH` or `tcp:HOST:PORT`.
    ///
    /// - Parameters:
    ///   - text: as written.
    ///   - option: for the error.
    ///   - command: for the error.
    ///   - environment: makes the path absolute.
    /// - Throws: what is wrong with it, and what would be right.
    init(_ text: String, option: String, command: String, environment: Environment) throws(UsageError) {
        if text.hasPrefix("unix:") {
            let path = String(text.dropFirst(5))
            guard !path.isEmpty else {
                throw UsageError("\(command): --\(option) \(text) names no path: unix:PATH", command: command)
            }
            try self.init(socket: environment.absolute(path), command: command)
        } else if text.hasPrefix("tcp:") {
            let address = text.dropFirst(4)
            guard let colon = address.lastIndex(of: ":"), let port = UInt16(address[address.index(after: colon)...])
            else {
                throw UsageError("\(command): --\(option) \(text) names no port: tcp:HOST:PORT", command: command)
            }
            var host = address[..<colon]
            let bracketed = host.hasPrefix("[") && host.hasSuffix("]")
            if bracketed { host = host.dropFirst().dropLast() }
            guard !host.isEmpty, bracketed || !host.contains(":") else {
                throw UsageError(
                    "\(command): --\(option) \(text): write tcp:127.0.0.1:PORT, or tcp:[::1]:PORT for IPv6",
                    command: command
                )
            }
            self = .tcp(host: String(host), port: port)
        } else {
            throw UsageError(
                "\(command): --\(option) \(text): an address is unix:PATH or tcp:HOST:PORT",
                command: command
            )
        }
    }

    /// A socket at a path.
    init(socket path: String, command: String) throws(UsageError) {
        guard path.utf8.count <= Self.longestPath else {
            throw UsageError(
                "\(command): the socket's path is longer than \(Self.longestPath) bytes: \(path)",
                command: command
            )
        }
        self = .unix(path)
    }
}
