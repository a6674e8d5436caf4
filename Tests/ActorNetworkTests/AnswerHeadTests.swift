import TestSupport
import Testing

@testable import ActorNetwork

@Suite("The head of an HTTP answer")
struct AnswerHeadTests {
    @Test("the status is known with its line, and the end with its empty line; going on is passed over")
    func parts() {
        let text = "HTTP/1.1 103 Early\r\nA: b\r\n\r\nHTTP/1.0 200 OK\r\nC: d\r\n\r\nrest"
        let bytes = Array(text.utf8)
        #expect(HTTPAnswerHead.parse(bytes) == .status(200, from: 28, end: bytes.count - 4))
        #expect(HTTPAnswerHead.parse(Array(bytes[..<28])) == .incomplete)
        #expect(HTTPAnswerHead.parse(Array(bytes[..<45])) == .status(200, from: 28, end: nil))
        for wrong in ["HTTP/2 200\n", "HTTP/1.1 20 OK\n", "HTTP/1.1 2x0 OK\n", "X", "HTTP/1.11 200 OK\n"] {
            #expect(HTTPAnswerHead.parse(Array(wrong.utf8)) == .malformed, "\(wrong)")
        }
    }

    @Test("no bytes end it, and what it says of a beginning it never takes back")
    func fuzz() {
        var generator = SeededGenerator(seed: 13)
        let seeds = [
            "HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n", "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 403 No\r\n\r\n",
            "HTTP/1.0 500\n\nbody",
        ].map { Array($0.utf8) }
        for _ in 0..<20_000 {
            var bytes = seeds[Int.random(in: 0..<seeds.count, using: &generator)]
            for _ in 0..<Int.random(in: 0..<4, using: &generator) where !bytes.isEmpty {
                let place = Int.random(in: 0..<bytes.count, using: &generator)
                switch Int.random(in: 0..<3, using: &generator) {
                case 0: bytes[place] = UInt8.random(in: 0...255, using: &generator)
                case 1: bytes.remove(at: place)
                default: bytes.insert(bytes[Int.random(in: 0..<bytes.count, using: &generator)], at: place)
                }
            }
            var known: HTTPAnswerHead?
            for count in 0...bytes.count {
                let head = HTTPAnswerHead.parse(Array(bytes[..<count]))
                switch known {
                case .malformed: #expect(head == .malformed)
                case .status(let status, let from, let end):
                    if case .status(status, from, let now) = head {
                        #expect(end == nil || end == now)
                    } else {
                        Issue.record("\(bytes): \(head) after \(status)")
                    }
                default: break
                }
                if case .status(_, let from, let end?) = head { #expect(from < end && end <= count) }
                if head != .incomplete { known = head }
            }
        }
    }
}
