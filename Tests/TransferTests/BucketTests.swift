import HostErrors
import TestSupport
import Testing

@testable import Transfer

/// Quick to come back, quick to give up.
private let quick = Patience(fruitlessAttempts: 4, attempts: 12, pauseMilliseconds: 1, stallSeconds: 5)
private let body = (0..<20_000).map { UInt8(truncatingIfNeeded: $0 &* 31 >> 3) }

private func store(_ server: FaultServer) throws -> BucketStore {
    let environment = ["AWS_ENDPOINT_URL": server.base, "AWS_S3_USE_PATH_STYLE": "true"]
    return try BucketStore(scheme: "s3", bucket: "b", environment: environment, patience: quick)
}
private func failure<Value>(_ work: () throws(HostError) -> Value) -> HostError? {
    do throws(HostError) { _ = try work() } catch { return error }
    return nil
}

@Suite struct BucketTests {
    @Test("what a moment later may work is tried again, a few times, and then said", arguments: [408, 429, 500, 503])
    func again(_ status: Int) throws {
        let server = try FaultServer { request in
            request.target == "/b/gone" || request.earlier < 2
                ? answer(status, ["Retry-After: 0"], []) : answer(200, [], body)
        }
        defer { server.stop() }
        #expect(try store(server).read("x", limit: 1 << 20) == body)
        #expect(server.requests.count == 3)
        let gone = try store(server)
        let error = failure { () throws(HostError) in try gone.read("gone", limit: 1 << 20) }
        #expect(error?.code == .unavailable && error?.reason == .snapshotStore, "\(error?.message ?? "")")
        #expect(server.requests.count == 3 + quick.fruitlessAttempts)
    }

    @Test("a name that does not resolve is said each time, whatever came before over the same store")
    func unresolved() throws {
        let environment = ["AWS_ENDPOINT_URL": "http://nobody.invalid:9", "AWS_S3_USE_PATH_STYLE": "true"]
        let store = try BucketStore(scheme: "s3", bucket: "b", environment: environment, patience: quick)
        for _ in 0..<2 {
            let error = failure { () throws(HostError) in try store.read("x", limit: 100) }
            #expect(error?.code == .unavailable && error?.message.contains("nobody.invalid") == true)
            #expect(error?.message.contains("resolve") == true, "\(error?.message ?? "")")
        }
    }

    @Test("a body that is cut, or a connection that breaks, is asked for again")
    func cut() throws {
        let server = try FaultServer { request in
            switch request.earlier {
            case 0: answer(200, [], Array(body.prefix(7000)), length: body.count)
            case 1: []
            default: answer(200, [], body)
            }
        }
        defer { server.stop() }
        #expect(try store(server).read("x", limit: 1 << 20) == body)
        #expect(server.requests.count == 3)
    }

    @Test("what no patience mends is said at once, with the server's word for it")
    func never() throws {
        let said = Array("<Error><Code>AccessDenied</Code></Error>".utf8)
        for (status, code) in [
            (403, HostError.Code.permissionDenied), (404, .notFound), (412, .aborted), (507, .resourceExhausted),
            (400, .failedPrecondition),
        ] {
            let server = try FaultServer { _ in answer(status, [], said) }
            defer { server.stop() }
            let bucket = try store(server)
            let error = failure { () throws(HostError) in try bucket.read("x", limit: 1 << 20) }
            #expect(error?.code == code, "\(status): \(error?.message ?? "")")
            #expect(status == 412 || error?.message.contains("AccessDenied") == true)
            #expect(server.requests.count == 1)
        }
    }

    @Test("a large object comes part by part, and is not mixed with what it was changed to")
    func parts() throws {
        let size = BucketStore.partBytes + 1000
        let whole = (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 7 >> 5) }
        let server = try FaultServer { request in
            guard let from = request.range else { return answer(400, [], []) }
            // A reader that goes on names what it read of.
            if from > 0, request.headers["if-match"] != "\"one\"" { return answer(400, [], []) }
            if request.target == "/b/changed", from > 0 { return answer(412, [], []) }
            let until = min(size, from + BucketStore.partBytes)
            let range = "Content-Range: bytes \(from)-\(until - 1)/\(size)"
            return answer(206, ["ETag: \"one\"", range], Array(whole[from..<until]))
        }
        defer { server.stop() }
        var got: [UInt8] = []
        try store(server).stream("x") { (some) throws(HostError) in got += some }
        #expect(got == whole)
        let bucket = try store(server)
        let error = failure { () throws(HostError) in try bucket.stream("changed") { (_) throws(HostError) in } }
        #expect(error?.code == .aborted)
    }

    @Test("a plain HTTP address that nobody trusts, and an address inside, are refused")
    func trust() throws {
        let other = try BucketStore(
            scheme: "gs",
            bucket: "b",
            environment: ["STORAGE_EMULATOR_HOST": "127.0.0.1:1"],
            patience: quick
        )
        #expect(failure { () throws(HostError) in try other.head("x") }?.code == .unavailable, "trusted, and not there")
        for bucket in ["UP", "a/b", ".a", "-a", ""] {
            #expect(throws: HostError.self) { try BucketStore(scheme: "s3", bucket: bucket, environment: [:]) }
        }
        #expect(throws: HostError.self) { try BucketStore(scheme: "ftp", bucket: "b", environment: [:]) }
    }

    @Test("a list of several pages, and times and names as servers write them")
    func list() throws {
        @Sendable func page(_ names: [String], _ next: String?) -> [UInt8] {
            let entries = names.map {
                "<Contents><Key>\($0)</Key><LastModified>2026-06-30T17:22:15.000Z</LastModified><Size>5</Size></Contents>"
            }.joined()
            let token = next.map { "<NextContinuationToken>\($0)</NextContinuationToken>" } ?? ""
            return answer(200, [], Array("<?xml version='1.0'?><R>\(entries)\(token)</R>".utf8))
        }
        let server = try FaultServer { request in
            request.target.contains("continuation-token=a%2Fb")
                ? page(["p/c"], nil) : page(["p/a&amp;b", "p/&#x41;"], "a/b")
        }
        defer { server.stop() }
        let found = try store(server).list("p/")
        #expect(found.map(\.key) == ["p/a&b", "p/A", "p/c"])
        #expect(found.allSatisfy { $0.size == 5 && $0.modified == 1_782_840_135 })
        #expect(HTTPDate.parse("Tue, 30 Jun 2026 17:22:15 GMT") == 1_782_840_135)
        #expect(HTTPDate.parse("Thu, 29 Feb 2024 00:00:00 GMT") == 1_709_164_800)
        #expect(HTTPDate.parse("never") == nil)
        #expect(server.requests.first?.target == "/b/?list-type=2&prefix=p%2F")
    }
}
