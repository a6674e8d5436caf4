public import HostErrors
import Telemetry

/// The parts of an `http:` or `https:` URL that decisions are made by.
struct WebAddress: Equatable {
    /// `http` or `https`.
    let scheme: String
    /// In lower case; an IPv6 address keeps its brackets.
    let host: String
    let port: UInt16
    /// What follows the authority, from its `/` or `?` on.
    let rest: String

    /// Scheme, host and port: what credentials and trust belong to.
    var origin: String { "\(scheme)://\(host):\(port)" }

    /// - Throws: INVALID_ARGUMENT naming what is wrong with it.
    init(_ url: String) throws(HostError) {
        func wrong(_ words: String) -> HostError {
            HostError(.invalidArgument, .asset, "asset url \"\(displayed(url))\" \(words)")
        }
        guard !url.utf8.contains(where: { $0 <= 0x20 || $0 == 0x7F || $0 == UInt8(ascii: "\\") }) else {
            throw wrong("holds a space, a backslash or a control character")
        }
        guard let mark = url.range(ofText: "://") else { throw wrong("has no scheme") }
        scheme = url[..<mark.lowerBound].lowercased()
        guard scheme == "http" || scheme == "https" else { throw wrong("is neither http: nor https:") }
        let after = url[mark.upperBound...]
        let end = after.firstIndex { "/?#".contains($0) } ?? after.endIndex
        let authority = after[..<end]
        guard !authority.contains("@") else { throw wrong("names a user: leave USER@ out") }
        var name = authority
        var port: UInt16 = scheme == "http" ? 80 : 443
        if let colon = authority.lastIndex(of: ":"), authority.last != "]" {
            guard let number = UInt16(authority[authority.index(after: colon)...]), number > 0 else {
                throw wrong("has a port that is no number from 1 to 65535")
            }
            name = authority[..<colon]
            port = number
        }
        guard !name.isEmpty else { throw wrong("names no host") }
        host = name.lowercased()
        self.port = port
        rest = String(after[end...].prefix { $0 != "#" })
    }
}

/// A URL as logs and errors may show it: without what signed URLs carry their key in.
func displayed(_ url: String) -> String { Redaction.url(url) }

extension String {
    /// Where a text first occurs.
    func range(ofText text: String) -> Range<String.Index>? {
        var start = startIndex
        while start < endIndex {
            if self[start...].hasPrefix(text) { return start..<index(start, offsetBy: text.count) }
            start = index(after: start)
        }
        return nil
    }
}

/// A server that the operator trusts: it may be plain HTTP, and it may have a private address.
public struct TrustedOrigin: Sendable, Equatable {
    let origin: String
    let isSecure: Bool

    /// Reads `http://HOST[:PORT]` or `https://HOST[:PORT]`.
    ///
    /// - Parameter text: as the operator wrote it.
    /// - Throws: INVALID_ARGUMENT naming what is wrong.
    public init(_ text: String) throws(HostError) {
        let address = try WebAddress(text)
        guard address.rest.isEmpty || address.rest == "/" else {
            throw HostError(
                .invalidArgument,
                .asset,
                "\"\(text)\" is no origin: write http://HOST:PORT, without a path"
            )
        }
        origin = address.origin
        isSecure = address.scheme == "https"
    }
}
