/// The head of an HTTP/1 answer as far as it has come: the status first, then where the head ends.
enum HTTPAnswerHead: Equatable {
    /// What came is no HTTP/1 answer.
    case malformed
    /// The final status is not here yet.
    case incomplete
    /// The status, where its head begins, and where what follows the head does; nil: not here yet.
    case status(Int, from: Int, end: Int?)

    /// Reads what has come; answers that say "go on" (1xx) are passed over.
    static func parse(_ bytes: [UInt8]) -> HTTPAnswerHead {
        var rest = bytes[...]
        while true {
            let prefix = Array("HTTP/1.".utf8)
            guard rest.prefix(prefix.count).elementsEqual(prefix.prefix(rest.count)) else { return .malformed }
            guard let lineEnd = rest.firstIndex(of: UInt8(ascii: "\n")) else { return .incomplete }
            let line = rest[..<lineEnd].split(separator: UInt8(ascii: " "), maxSplits: 2)
            guard line.count >= 2, line[0].count == 8 else { return .malformed }
            let digits = line[1].filter { $0 != UInt8(ascii: "\r") }
            guard digits.count == 3, digits.allSatisfy({ (0x30...0x39).contains($0) }) else { return .malformed }
            let status = digits.reduce(0) { $0 * 10 + Int($1 - 0x30) }
            let end = headerEnd(rest)
            guard (100..<200).contains(status) else { return .status(status, from: rest.startIndex, end: end) }
            guard let end else { return .incomplete }
            rest = rest[end...]
            if rest.isEmpty { return .incomplete }
        }
    }

    private static func headerEnd(_ bytes: ArraySlice<UInt8>) -> Int? {
        var lineIsEmpty = false
        for index in bytes.indices {
            if bytes[index] == UInt8(ascii: "\n") {
                if lineIsEmpty { return index + 1 }
                lineIsEmpty = true
            } else if bytes[index] != UInt8(ascii: "\r") {
                lineIsEmpty = false
            }
        }
        return nil
    }
}
