import Foundation
import SystemLayer

/// A gateway on the loopback for actors' connections, and whatever is behind it: `Tests/Servers/gateway.py`.
public final class EgressGateway {
    /// Its port on 127.0.0.1.
    public let port: UInt16
    /// Where names are answered, `127.0.0.1:PORT`: by 203.0.113.N, N the length of the first label.
    public let resolver: String
    /// `127.0.0.1:PORT`.
    public var address: String { "127.0.0.1:\(port)" }
    private let server: ForeignServer
    private let log: String

    /// Starts one.
    ///
    /// - Parameters:
    ///   - directory: where it may write.
    ///   - authority: makes it speak TLS, with a certificate for 127.0.0.1 and for localhost; nil: it speaks none.
    ///   - isTrusted: whether its certificate is that authority's, and not its own.
    /// - Throws: when it says nothing.
    public init(in directory: String, authority: TestAuthority? = nil, isTrusted: Bool = true) throws {
        log = "\(directory)/gateway-\(UUID().uuidString).log"
        if let authority {
            let (certificate, key) = try authority.issue(
                "gateway",
                names: "IP:127.0.0.1,DNS:localhost",
                isTrusted: isTrusted
            )
            server = try ForeignServer("Servers/gateway.py", log, certificate, key, authority.certificate)
        } else {
            server = try ForeignServer("Servers/gateway.py", log)
        }
        guard let number = server.words.first.flatMap({ UInt16($0) }) else {
            throw TestFailure("the gateway has no port")
        }
        port = number
        resolver = "127.0.0.1:\(server.words.dropFirst().first ?? "")"
    }

    /// What it was asked: the whole first line, the Host, and the name in the client's certificate.
    public var asked: [String] { (TextFile.read(log) ?? "").split(separator: "\n").map(String.init) }

    /// Ends it.
    public func stop() { server.stop() }
}

/// An authority of one test's own, made by the openssl program.
public final class TestAuthority {
    /// Its own certificate: what a client trusts.
    public let certificate: String
    private let directory: String
    private let key: String

    /// Makes one.
    ///
    /// - Parameter directory: where its files are; they go with it.
    /// - Throws: what openssl says.
    public init(in directory: String) throws {
        self.directory = directory
        (certificate, key) = ("\(directory)/authority.pem", "\(directory)/authority.key")
        try Self.openssl(
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:prime256v1",
            "-nodes",
            "-days",
            "2",
            "-subj",
            "/CN=authority",
            "-keyout",
            key,
            "-out",
            certificate
        )
    }

    /// Makes a certificate and its key.
    ///
    /// - Parameters:
    ///   - name: whose.
    ///   - names: for which hosts, as openssl writes them; empty: for none.
    ///   - isTrusted: whether it is this authority's, and not its own.
    /// - Returns: the two files.
    /// - Throws: what openssl says.
    public func issue(
        _ name: String,
        names: String = "",
        isTrusted: Bool = true
    ) throws -> (certificate: String, key: String) {
        let base = "\(directory)/\(name)-\(UUID().uuidString)"
        let made = (certificate: "\(base).pem", key: "\(base).key")
        var words = [
            "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
            "-subj", "/CN=\(name)", "-keyout", made.key, "-out", made.certificate,
        ]
        words += ["-addext", "basicConstraints=critical,CA:FALSE"]
        if isTrusted { words += ["-CA", certificate, "-CAkey", key] }
        if !names.isEmpty { words += ["-addext", "subjectAltName=\(names)"] }
        try Self.openssl(words)
        return made
    }

    private static func openssl(_ words: String...) throws { try openssl(words) }

    private static func openssl(_ words: [String]) throws {
        let run = try ProgramRun.wait("/usr/bin/openssl", words)
        guard run.code == 0 else { throw TestFailure("openssl \(words): \(run.error)") }
    }
}
