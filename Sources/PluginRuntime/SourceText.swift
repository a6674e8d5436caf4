/// A script's text, to find the line that a message is about.
struct SourceText {
    private let lines: [ArraySlice<UInt8>]

    init(_ bytes: [UInt8]) {
        lines = bytes.split(separator: 0x0a, omittingEmptySubsequences: false)
    }

    /// The first line that sets a field: `name =`, from 1.
    func line(of field: String) -> Int? {
        guard !field.isEmpty else { return nil }
        let wanted = Array(field.utf8)
        for (index, line) in lines.enumerated() {
            for start in Self.words(wanted, in: line) {
                let rest = line[(start + wanted.count)...].drop { $0 == 0x20 || $0 == 0x09 }
                let next = rest.dropFirst().first
                if rest.first == 0x3d, next != 0x3d { return index + 1 }
            }
        }
        return nil
    }

    /// Those of these functions whose own name stands nowhere after a dot: nothing can call them.
    func uncalled(_ functions: [String]) -> [String] {
        functions.filter { function in
            let wanted = Array(function.drop { $0 != "." }.dropFirst().utf8)
            return !lines.contains { line in
                Self.words(wanted, in: line).contains { $0 > line.startIndex && line[$0 - 1] == 0x2e }
            }
        }
    }

    /// Where a whole word stands in a line, outside of strings and before any comment; one pass.
    private static func words(_ wanted: [UInt8], in line: ArraySlice<UInt8>) -> [Int] {
        guard let first = wanted.first else { return [] }
        var found: [Int] = []
        var quote: UInt8?
        var at = line.startIndex
        while at < line.endIndex {
            let byte = line[at]
            if let open = quote {
                if byte == open { quote = nil }
            } else if byte == 0x22 || byte == 0x27 {
                quote = byte
            } else if byte == 0x2d, at + 1 < line.endIndex, line[at + 1] == 0x2d {
                break
            } else if byte == first, at == line.startIndex || !isLetter(line[at - 1]) {
                let end = at + wanted.count
                if end <= line.endIndex, line[at..<end].elementsEqual(wanted),
                    end == line.endIndex || !isLetter(line[end])
                {
                    found.append(at)
                }
            }
            at += 1
        }
        return found
    }

    private static func isLetter(_ byte: UInt8) -> Bool {
        (0x61...0x7a).contains(byte) || (0x41...0x5a).contains(byte) || (0x30...0x39).contains(byte) || byte == 0x5f
    }
}
