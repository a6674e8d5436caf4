/// Addresses of the Internet as text, read without asking a resolver.
enum AddressText {
    /// Whether it is one IPv4 or IPv6 literal: no port, no zone, no prefix length.
    ///
    /// - Source: RFC 3986 §3.2.2 for IPv4 in four decimal parts, RFC 4291 §2.2 for IPv6.
    static func isAddress(_ text: String) -> Bool { isFour(text) || isSix(text) }

    private static func isFour(_ text: some StringProtocol) -> Bool {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 4
            && parts.allSatisfy { part in
                (1...3).contains(part.utf8.count) && part.utf8.allSatisfy { (0x30...0x39).contains($0) }
                    && (part.utf8.count == 1 || !part.hasPrefix("0")) && UInt8(part) != nil
            }
    }

    private static func isSix(_ text: String) -> Bool {
        guard let gap = firstGap(text) else { return groups(text[...]) == 8 }
        let left = text[..<gap.lowerBound]
        let right = text[gap.upperBound...]
        guard let before = left.isEmpty ? 0 : groups(left), let after = right.isEmpty ? 0 : groups(right) else {
            return false
        }
        return !left.contains(".") && before + after <= 7
    }

    private static func firstGap(_ text: String) -> Range<String.Index>? {
        var index = text.startIndex
        while index < text.endIndex {
            let next = text.index(after: index)
            if text[index] == ":", next < text.endIndex, text[next] == ":" { return index..<text.index(after: next) }
            index = next
        }
        return nil
    }

    /// How many groups of 16 bits these are; nil when they are not.
    private static func groups(_ text: Substring) -> Int? {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        var count = 0
        for (index, part) in parts.enumerated() {
            if index == parts.count - 1, part.contains(".") {
                guard isFour(part) else { return nil }
                count += 2
            } else {
                guard (1...4).contains(part.utf8.count), part.utf8.allSatisfy(isHexadecimal) else { return nil }
                count += 1
            }
        }
        return count
    }

    private static func isHexadecimal(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || (0x41...0x46).contains(byte) || (0x61...0x66).contains(byte)
    }
}
