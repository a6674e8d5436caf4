/// The answer to one request.
package struct HTTPAnswer: Equatable {
    var code: Int
    var body: [UInt8]
    /// Makes one.
    package init(code: Int, body: [UInt8]) {
        self.code = code
        self.body = body
    }
}

/// Reads one answer of HTTP/1 from bytes of a stranger; everything is bounded.
///
/// - Source: RFC 9112 §4 to §7.
struct HTTPAnswerReader {
    /// What came is no answer.
    struct Malformed: Error, Equatable {
        let words: String
    }

    private enum Framing: Equatable {
        case length(Int), chunked, untilClose
    }

    static let maxHead = 64 << 10
    static let maxBody = 1 << 19
    private var bytes: [UInt8] = []
    private var isClosed = false
    private var code = 0
    private var framing: Framing?
    private var body: [UInt8] = []

    /// Takes what came; nothing is the end of the stream.
    mutating func take(_ more: [UInt8]) throws(Malformed) {
        if more.isEmpty { isClosed = true }
        bytes += more
        guard bytes.count <= Self.maxHead + 2 * Self.maxBody else { throw Malformed(words: "more than 512 KiB") }
    }

    /// The whole answer, or nil while some of it is to come.
    mutating func answer() throws(Malformed) -> HTTPAnswer? {
        while framing == nil {
            guard try readHead() else {
                if isClosed { throw Malformed(words: "it ended within its head") }
                return nil
            }
        }
        switch framing {
        case .length(let length):
            guard bytes.count >= length else {
                if isClosed { throw Malformed(words: "it ended after \(bytes.count) of \(length) bytes") }
                return nil
            }
            return HTTPAnswer(code: code, body: Array(bytes.prefix(length)))
        case .untilClose:
            guard bytes.count <= Self.maxBody else { throw Malformed(words: "a body of more than 512 KiB") }
            return isClosed ? HTTPAnswer(code: code, body: bytes) : nil
        case .chunked:
            while true {
                guard let (size, skipped) = try chunk() else {
                    if isClosed { throw Malformed(words: "it ended within a chunk") }
                    return nil
                }
                if size == 0 { return HTTPAnswer(code: code, body: body) }
                body += bytes[skipped..<skipped + size]
                guard body.count <= Self.maxBody else { throw Malformed(words: "a body of more than 512 KiB") }
                bytes.removeFirst(skipped + size + 2)
            }
        case nil: return nil
        }
    }

    /// The next chunk's size and where it begins; nil until it is whole.
    private func chunk() throws(Malformed) -> (size: Int, start: Int)? {
        guard let end = line(from: 0) else {
            if bytes.count > 1024 { throw Malformed(words: "a chunk's size of more than 1 KiB") }
            return nil
        }
        let digits = bytes[..<end.stop].prefix { $0 != 0x3b && $0 != 0x20 }
        guard (1...6).contains(digits.count), let size = Int(String(decoding: digits, as: UTF8.self), radix: 16),
            size >= 0
        else { throw Malformed(words: "a chunk without its size") }
        if size == 0 { return (0, end.next) }
        guard bytes.count >= end.next + size + 2 else { return nil }
        guard bytes[end.next + size] == 0x0d, bytes[end.next + size + 1] == 0x0a else {
            throw Malformed(words: "a chunk without its end")
        }
        return (size, end.next)
    }

    private func line(from start: Int) -> (stop: Int, next: Int)? {
        var at = start
        while at + 1 < bytes.count {
            if bytes[at] == 0x0d, bytes[at + 1] == 0x0a { return (at, at + 2) }
            at += 1
        }
        return nil
    }

    /// Whether the head is whole and read; a 1xx answer is passed over.
    private mutating func readHead() throws(Malformed) -> Bool {
        var lines: [String] = []
        var at = 0
        while true {
            guard let end = line(from: at) else {
                if bytes.count - at > Self.maxHead || at > Self.maxHead { throw Malformed(words: "a head over 64 KiB") }
                return false
            }
            if end.stop == at {
                at = end.next
                break
            }
            lines.append(String(decoding: bytes[at..<end.stop], as: UTF8.self))
            at = end.next
        }
        guard let first = lines.first, first.hasPrefix("HTTP/1."), first.utf8.count >= 12 else {
            throw Malformed(words: "no status line")
        }
        guard let number = Int(first.dropFirst(9).prefix(3)), (100...599).contains(number) else {
            throw Malformed(words: "no status in \"\(first.prefix(40))\"")
        }
        bytes.removeFirst(at)
        if number < 200 { return true }
        code = number
        framing = try framing(of: lines.dropFirst())
        return true
    }

    private func framing(of fields: ArraySlice<String>) throws(Malformed) -> Framing {
        if code == 204 || code == 304 { return .length(0) }
        var length: Int?
        for field in fields {
            let parts = field.split(separator: ":", maxSplits: 1)
            guard parts.count == 2 else { throw Malformed(words: "a field without a colon") }
            let value = parts[1].drop { $0 == " " || $0 == "\t" }.reversed().drop { $0 == " " || $0 == "\t" }.reversed()
            switch parts[0].lowercased() {
            case "transfer-encoding":
                guard String(value).lowercased() == "chunked" else {
                    throw Malformed(words: "an unknown transfer coding")
                }
                return .chunked
            case "content-length":
                guard let number = Int(String(value)), number >= 0, length == nil || length == number else {
                    throw Malformed(words: "a length that is none")
                }
                guard number <= Self.maxBody else { throw Malformed(words: "a body of \(number) bytes, 512 KiB fit") }
                length = number
            default: continue
            }
        }
        return length.map { .length($0) } ?? .untilClose
    }
}
