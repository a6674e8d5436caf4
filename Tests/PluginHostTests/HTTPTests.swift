import ActorContract
import Foundation
import Glibc
import PluginProtocol
import Synchronization
import SystemLayer
import Testing

@testable import PluginHost

/// `http.request`: against a program that answers what a test tells it, and the reader of answers by itself.
@Suite struct HTTPTests {
    /// Answers one connection with these bytes, and keeps what was asked.
    private final class Server: Sendable {
        private let asked = Mutex<[UInt8]>([])
        private let done = DispatchSemaphore(value: 0)

        init(_ path: String, answer: String, until marker: String) throws {
            let listener = socket(AF_UNIX, CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
            var address = sockaddr_un()
            address.sun_family = sa_family_t(AF_UNIX)
            unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: Array(path.utf8)) }
            let size = socklen_t(MemoryLayout<sockaddr_un>.size)
            let bound = unsafe withUnsafePointer(to: &address) { pointer in
                unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { unsafe bind(listener, $0, size) }
            }
            guard bound == 0, listen(listener, 4) == 0 else { throw SyscallError("bind", errno, path) }
            Thread.detachNewThread { [self] in
                let peer = accept(listener, nil, nil)
                // Before anybody hears of the answer: then nobody listens any more.
                _ = close(listener)
                while !text.contains(marker) {
                    guard let some = try? readSome(4096, from: peer), !some.isEmpty else { break }
                    asked.withLock { $0 += some }
                }
                try? writeAll(Array(answer.utf8), to: peer)
                _ = close(peer)
                done.signal()
            }
        }

        var request: String {
            done.wait()
            return text
        }

        private var text: String { asked.withLock { String(decoding: $0, as: UTF8.self) } }
    }

    /// A directory short enough for a socket's name.
    private func ask(_ fixture: VerbFixture, _ more: [String: PluginValue] = [:]) throws -> ReplyFrame {
        var fields: [String: PluginValue] = ["socket": .text("\(fixture.places.work)/s"), "path": .text("/info")]
        fields.merge(more) { $1 }
        return try fixture.call("http.request", fields)
    }

    @Test func aRequestIsAskedAndAnswered() throws {
        let fixture = try VerbFixture()
        let answer = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 Created\r\nContent-Length: 5\r\n\r\nhello"
        let server = try Server("\(fixture.places.work)/s", answer: answer, until: "{\"a\":1}")
        let reply = try ask(fixture, ["method": .text("PUT"), "body": .text("{\"a\":1}")])
        #expect(reply.status == "ok")
        #expect(reply.values == [.map(["code": .integer(201), "body": .bytes(Array("hello".utf8))])])
        let request = server.request
        #expect(request.hasPrefix("PUT /info HTTP/1.1\r\nHost: localhost\r\n"), "\(request)")
        #expect(request.contains("\r\nContent-Length: 7\r\n"))
        #expect(request.hasSuffix("\r\n\r\n{\"a\":1}"))
    }

    @Test func anotherStatusFailsAndBringsTheAnswer() throws {
        let fixture = try VerbFixture()
        let answer = "HTTP/1.0 404 Not Found\r\n\r\nno such vm"
        let server = try Server("\(fixture.places.work)/s", answer: answer, until: "\r\n\r\n")
        let reply = try ask(fixture)
        #expect(reply.status == "failed")
        #expect(reply.values.first == .text("GET /info: 404 no such vm"))
        #expect(reply.values.count == 2)
        _ = server.request
    }

    @Test func aStatusThatWasAllowedIsNoFailure() throws {
        let fixture = try VerbFixture()
        let server = try Server(
            "\(fixture.places.work)/s",
            answer: "HTTP/1.1 404 Not Found\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nno\r\n0\r\n\r\n",
            until: "\r\n\r\n"
        )
        let reply = try ask(fixture, ["statuses": .list([.integer(200), .integer(404)])])
        #expect(reply.values == [.map(["code": .integer(404), "body": .bytes(Array("no".utf8))])])
        _ = server.request
    }

    @Test func whoIsNotThereIsSaidAtOnceOrWaitedFor() throws {
        let fixture = try VerbFixture()
        #expect(try ask(fixture).status == "not_found")
        let path = "\(fixture.places.work)/s"
        DispatchQueue.global().asyncAfter(deadline: .now() + .milliseconds(20)) {
            // Its thread keeps it.
            _ = try? Server(path, answer: "HTTP/1.1 204 No Content\r\n\r\n", until: "\r\n\r\n")
        }
        #expect(try ask(fixture, ["wait_ms": .integer(10_000)]).status == "ok")
        #expect(
            try fixture.call("http.request", ["socket": .text("/run/x.sock"), "path": .text("/")]).status
                == "access_denied"
        )
    }

    @Test func aSocketThatNobodyListensToIsNotReady() throws {
        let fixture = try VerbFixture()
        do {
            let server = try Server("\(fixture.places.work)/s", answer: "", until: "\r\n\r\n")
            _ = try ask(fixture)
            _ = server.request
        }
        #expect(try ask(fixture).status == "not_ready")
    }

    @Test func aPathThatWouldBreakTheLineIsAMistake() throws {
        let fixture = try VerbFixture()
        for path in ["x", "/a b", "/a\r\nX: y", "/ü"] {
            let fields = PluginValue.map(["socket": .text("\(fixture.places.work)/s"), "path": .text(path)])
            guard case .mistake(let fault) = try fixture.broker.answer("http.request@1", fields, line: 1) else {
                Issue.record("\(path) was asked")
                continue
            }
            #expect(fault.code == "api.range")
        }
    }

    @Test(arguments: [
        "nonsense\r\n\r\n", "HTTP/1.1 999 x\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nshort",
        "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nabcd", "HTTP/1.1 200", "",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
    ])
    func whatIsNoAnswerIsRefused(_ text: String) {
        var reader = HTTPAnswerReader()
        #expect(throws: HTTPAnswerReader.Malformed.self) {
            try reader.take(Array(text.utf8))
            if try reader.answer() == nil {
                try reader.take([])
                _ = try reader.answer()
            }
        }
    }

    @Test func anAnswerIsReadInPiecesOfAnySize() throws {
        let text = "HTTP/1.1 200 OK\r\ntransfer-encoding: Chunked\r\n\r\n3;x=y\r\nabc\r\nA\r\n0123456789\r\n0\r\n\r\n"
        for size in 1...text.utf8.count {
            var reader = HTTPAnswerReader()
            var rest = Array(text.utf8)[...]
            var answer: HTTPAnswer?
            while answer == nil, !rest.isEmpty {
                try reader.take(Array(rest.prefix(size)))
                rest = rest.dropFirst(size)
                answer = try reader.answer()
            }
            #expect(answer == HTTPAnswer(code: 200, body: Array("abc0123456789".utf8)))
        }
    }

    @Test func randomBytesNeverHarmTheReader() {
        var random = SystemRandomNumberGenerator()
        let words = [
            "HTTP/1.1 200 OK\r\n", "Content-Length: 3\r\n", "\r\n", "Transfer-Encoding: chunked\r\n", "3\r\n", "abc",
            "0", "\r",
        ]
        for _ in 0..<20_000 {
            var reader = HTTPAnswerReader()
            for _ in 0..<Int.random(in: 1...8, using: &random) {
                let word = words.randomElement(using: &random) ?? ""
                guard (try? reader.take(Array(word.utf8))) != nil, (try? reader.answer()) != nil else { break }
            }
        }
    }
}
