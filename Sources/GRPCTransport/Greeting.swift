/// The first bytes of an HTTP/2 connection, either way.
///
/// - Source: RFC 9113 sections 3.4, 4.1, 6.5 and 6.8.
enum Greeting {
    private static let preface = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8)
    /// SETTINGS of stream 0, which must follow at once; the length and the flags before and between may be any.
    private static let settings: [Int: UInt8] = [3: 4, 5: 0, 6: 0, 7: 0, 8: 0]

    /// The preface and a frame's head.
    static let length = preface.count + 9

    /// Whether bytes, at most `length`, may be the beginning of a client's part.
    static func mayBegin(with bytes: some Sequence<UInt8>) -> Bool {
        for (index, byte) in bytes.enumerated() {
            let expected = index < preface.count ? preface[index] : settings[index - preface.count]
            if let expected, byte != expected { return false }
        }
        return true
    }

    /// A server's whole part when it will not serve: empty SETTINGS, then GOAWAY with a reason for people.
    static func goAway(_ words: String) -> [UInt8] {
        let text = Array(words.utf8.prefix(200))
        let enhanceYourCalm: [UInt8] = [0, 0, 0, 11]
        let settings: [UInt8] = [0, 0, 0, 4, 0, 0, 0, 0, 0]
        let head: [UInt8] = [0, 0, UInt8(8 + text.count), 7, 0, 0, 0, 0, 0]
        return settings + head + [0, 0, 0, 0] + enhanceYourCalm + text
    }
}
