import HostErrors
import TestSupport
import Testing

@testable import Transfer

/// Quick to come back, quick to give up.
private let quick = Patience(fruitlessAttempts: 3, attempts: 12, pauseMilliseconds: 1, stallSeconds: 5)
private let body = (0..<300_000).map { UInt8(truncatingIfNeeded: $0 &* 31 >> 3) }

private func source(_ server: FaultServer, _ environment: [String: String] = [:]) throws -> ObjectSource {
    ObjectSource(origins: [try TrustedOrigin(server.base)], environment: environment, patience: quick)
}
private func failure(_ work: () throws(HostError) -> Void) -> HostError? {
    do throws(HostError) { try work() } catch { return error }
    return nil
}

@Suite struct DownloadTests {
    @Test("a file comes whole, digested on the way")
    func whole() throws {
        let server = try FaultServer { _ in answer(200, [], body) }
        defer { server.stop() }
        let target = try Target()
        try source(server).fetch("\(server.base)/x", into: target.file)
        #expect(try target.bytes == body && target.file.total == Int64(body.count))
        #expect(target.file.finish() == SHA256.hex(of: body))
        #expect(server.requests.count == 1)
    }

    @Test("a broken download goes on where it broke, where the server can and the file is the same")
    func resumes() throws {
        let server = try FaultServer { request in
            guard let from = request.range else {
                return answer(200, ["ETag: \"one\""], Array(body.prefix(100_000)), length: body.count)
            }
            let until = min(body.count, from + 100_000)
            let header = "Content-Range: bytes \(from)-\(body.count - 1)/\(body.count)"
            return answer(206, ["ETag: \"one\"", header], Array(body[from..<until]), length: body.count - from)
        }
        defer { server.stop() }
        let target = try Target()
        try source(server).fetch("\(server.base)/x", into: target.file)
        #expect(try target.bytes == body)
        #expect(target.file.finish() == SHA256.hex(of: body))
        #expect(server.requests.map(\.range) == [nil, 100_000, 200_000])
        #expect(server.requests.map { $0.headers["if-range"] } == [nil, "\"one\"", "\"one\""])
    }

    @Test("without ranges, or with another file behind the range, it begins anew", arguments: [200, 206])
    func restarts(status: Int) throws {
        let server = try FaultServer { request in
            if request.earlier == 0 {
                return answer(200, ["ETag: \"one\""], [UInt8](repeating: 7, count: 70_000), length: 90_000)
            }
            // A part of something of another length: of no use.
            if status == 206, request.range != nil {
                return answer(206, ["Content-Range: bytes 70000-299999/300000"], Array(body[70_000...]))
            }
            return answer(200, ["ETag: \"two\""], body)
        }
        defer { server.stop() }
        let target = try Target()
        try source(server).fetch("\(server.base)/x", into: target.file)
        #expect(try target.bytes == body)
        #expect(target.file.finish() == SHA256.hex(of: body))
    }

    @Test("without a validator nothing is patched together")
    func noValidator() throws {
        let server = try FaultServer { request in
            request.earlier == 0 ? answer(200, [], Array(body.prefix(9)), length: body.count) : answer(200, [], body)
        }
        defer { server.stop() }
        let target = try Target()
        try source(server).fetch("\(server.base)/x", into: target.file)
        #expect(try target.bytes == body)
        #expect(server.requests.map(\.range) == [nil, nil])
    }

    @Test("what may pass is tried again", arguments: [408, 429, 500, 502, 503, 504])
    func retries(status: Int) throws {
        let server = try FaultServer { request in
            request.earlier < 2 ? answer(status, ["Retry-After: 0"], [1, 2]) : answer(200, [], body)
        }
        defer { server.stop() }
        let target = try Target()
        try source(server).fetch("\(server.base)/x", into: target.file)
        #expect(try target.bytes == body)
        #expect(server.requests.count == 3)
    }

    @Test(
        "what does not pass is not",
        arguments: [(404, HostError.Code.notFound), (403, .permissionDenied), (400, .failedPrecondition)]
    )
    func refuses(status: Int, code: HostError.Code) throws {
        let server = try FaultServer { _ in answer(status) }
        defer { server.stop() }
        let target = try Target()
        let error = failure { () throws(HostError) in
            try ObjectSource(origins: [TrustedOrigin(server.base)], environment: [:], patience: quick)
                .fetch("\(server.base)/x?sig=SECRET", into: target.file)
        }
        #expect(error?.code == code && error?.message.contains("\(status)") == true)
        #expect(error?.message.contains("SECRET") == false)
        #expect(server.requests.count == 1)
    }

    @Test("a server that never mends is given up on; one that asks for hours, at once")
    func givesUp() throws {
        let server = try FaultServer { request in
            answer(503, request.target == "/later" ? ["Retry-After: 7200"] : [])
        }
        defer { server.stop() }
        let (target, source) = (try Target(), try source(server))
        #expect(
            failure { () throws(HostError) in try source.fetch("\(server.base)/x", into: target.file) }?.code
                == .unavailable
        )
        #expect(
            failure { () throws(HostError) in try source.fetch("\(server.base)/later", into: target.file) }?.code
                == .unavailable
        )
        #expect(server.requests.map(\.target) == ["/x", "/x", "/x", "/later"])
    }

    @Test("too large is refused by the length that is told, and by the bytes that come", arguments: [true, false])
    func tooLarge(isTold: Bool) throws {
        let server = try FaultServer { _ in
            isTold ? answer(200, [], [], length: 1 << 40) : Array("HTTP/1.0 200 X\r\n\r\n".utf8) + body
        }
        defer { server.stop() }
        let target = try Target(limit: 1000)
        let source = try source(server)
        let error = failure { () throws(HostError) in try source.fetch("\(server.base)/x", into: target.file) }
        #expect(error?.code == .resourceExhausted)
        #expect(server.requests.count == 1)
    }
}

@Suite struct RedirectTests {
    @Test("a redirect is followed, three times at most")
    func follows() throws {
        let server = try FaultServer { request in
            let step = Int(request.target.dropFirst(2)) ?? 0
            return step == 0 ? answer(200, [], body) : answer(302, ["Location: /s\(step - 1)"])
        }
        defer { server.stop() }
        let (target, source) = (try Target(), try source(server))
        try source.fetch("\(server.base)/s3", into: target.file)
        #expect(try target.bytes == body)
        let error = failure { () throws(HostError) in try source.fetch("\(server.base)/s4", into: target.file) }
        #expect(error?.code == .failedPrecondition)
    }

    @Test(
        "a redirect leads nowhere that the URL may not",
        arguments: [
            "http://127.0.0.1:1/x", "http://169.254.169.254/latest", "https://127.0.0.1:1/x", "file:///etc/shadow",
            "ftp://h/x", "https://u:p@h/x",
        ]
    )
    func confines(location: String) throws {
        let server = try FaultServer { _ in answer(302, ["Location: \(location)"]) }
        defer { server.stop() }
        let (target, source) = (try Target(), try source(server))
        let error = failure { () throws(HostError) in try source.fetch("\(server.base)/x", into: target.file) }
        #expect([.permissionDenied, .invalidArgument, .failedPrecondition].contains(error?.code), "\(error as Any)")
        #expect(try target.bytes.isEmpty)
    }

    @Test("credentials stay with their origin")
    func credentials() throws {
        let other = try FaultServer { _ in answer(200, [], body) }
        let first = try FaultServer { [base = other.base] request in
            request.headers["authorization"] == nil ? answer(403) : answer(307, ["Location: \(base)/moved"])
        }
        defer {
            first.stop()
            other.stop()
        }
        let environment = ["STORAGE_EMULATOR_HOST": first.base, "GOOGLE_OAUTH_ACCESS_TOKEN": "token-of-mine"]
        let source = ObjectSource(origins: [try TrustedOrigin(other.base)], environment: environment, patience: quick)
        let target = try Target()
        try source.fetch("gs://bucket/object", into: target.file)
        #expect(try target.bytes == body)
        #expect(first.requests.map { $0.headers["authorization"] } == [nil, "Bearer token-of-mine"])
        #expect(other.requests.map { $0.headers["authorization"] } == [nil])
    }
}

@Suite struct AddressTests {
    @Test(
        "security.md T64: nothing is asked of an address that is not public",
        arguments: [
            "https://127.0.0.1:PORT/", "https://localhost:PORT/", "https://2130706433:PORT/",
            "https://0177.0.0.1:PORT/",
            "https://[::1]:PORT/", "https://[::ffff:127.0.0.1]:PORT/", "https://[::ffff:a9fe:a9fe]/",
            "https://169.254.169.254/",
        ]
    )
    func refuses(url: String) throws {
        let server = try FaultServer { _ in answer(200, [], body) }
        defer { server.stop() }
        let target = try Target()
        let source = ObjectSource(origins: [], environment: [:], patience: quick)
        let error = failure { () throws(HostError) in
            try source.fetch(url.replacing("PORT", with: "\(server.port)"), into: target.file)
        }
        #expect(error?.code == .permissionDenied, "\(error as Any)")
        #expect(server.requests.isEmpty)
    }

    @Test(
        "what is no URL for us",
        arguments: ["gopher://h/", "ftp://h/", "x", "https://u@h/", "https://", "https://h:0/", "https://h/a b"]
    )
    func invalid(url: String) throws {
        let source = ObjectSource(origins: [], environment: [:], patience: quick)
        let target = try Target()
        #expect(failure { () throws(HostError) in try source.fetch(url, into: target.file) }?.code == .invalidArgument)
    }

    @Test("plain HTTP is for trusted origins alone")
    func plain() throws {
        let source = ObjectSource(origins: [], environment: [:], patience: quick)
        let target = try Target()
        let error = failure { () throws(HostError) in try source.fetch("http://example.com/x", into: target.file) }
        #expect(
            error?.code == .permissionDenied && error?.message.contains("--asset-origin http://example.com:80") == true
        )
    }

    @Test("the special-purpose registries")
    func ranges() {
        for private4: UInt32 in [
            0, 0x0A01_0203, 0x6440_0001, 0x7F00_0001, 0xA9FE_A9FE, 0xAC1F_FFFF, 0xC0A8_0001, 0xC612_0001, 0xE000_0001,
            0xFFFF_FFFF,
        ] { #expect(!AddressPolicy.isPublic(v4: private4)) }
        for public4: UInt32 in [0x0808_0808, 0xAC20_0001, 0x6480_0001, 0xC0A9_0001] {
            #expect(AddressPolicy.isPublic(v4: public4))
        }
        func v6(_ head: [UInt8], _ tail: [UInt8] = []) -> [UInt8] {
            head + [UInt8](repeating: 0, count: 16 - head.count - tail.count) + tail
        }
        for private6 in [
            v6([]), v6([], [1]), v6([0xFE, 0x80]), v6([0xFD, 0]), v6([0xFF, 2]), v6([0x20, 1, 0x0D, 0xB8]),
            v6([0x20, 2, 127, 0, 0, 1]), v6([0, 0x64, 0xFF, 0x9B], [10, 0, 0, 1]),
        ] { #expect(!AddressPolicy.isPublic(v6: private6)) }
        #expect(AddressPolicy.isPublic(v6: v6([0x2A, 0], [1])))
        #expect(AddressPolicy.isPublic(v6: v6([0, 0x64, 0xFF, 0x9B], [8, 8, 8, 8])))
    }
}
