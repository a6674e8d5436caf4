public import HostErrors
import Transfer

/// Where an external snapshot is: `SCHEME://BUCKET/PREFIX`, with or without a slash at its end.
///
/// - Source: contract §11 B12, B13.
public struct SnapshotURI: Sendable, Equatable {
    /// In lower case.
    public let scheme: String
    /// The bucket.
    public let bucket: String
    /// The name below which its objects are; empty = the bucket's root.
    public let prefix: String

    /// Takes a URI apart that `Validation` let pass.
    ///
    /// - Throws: INVALID_ARGUMENT for a prefix that is no name of objects.
    public init(_ text: String) throws(HostError) {
        func wrong(_ words: String) -> HostError {
            HostError(.invalidArgument, .snapshotStore, "snapshot URI \"\(text.prefix(200))\" \(words)")
        }
        let bytes = Array(text.utf8)
        guard let colon = bytes.firstIndex(of: UInt8(ascii: ":")), bytes[colon...].starts(with: "://".utf8) else {
            throw wrong("has no scheme: write file://BUCKET/PATH, s3://BUCKET/PATH or gs://BUCKET/PATH")
        }
        scheme = String(decoding: bytes[..<colon], as: UTF8.self).lowercased()
        let rest = bytes[(colon + 3)...]
        bucket = String(decoding: rest.prefix { $0 != UInt8(ascii: "/") }, as: UTF8.self)
        guard !bucket.isEmpty else { throw wrong("names no bucket") }
        guard let path = Self.decoded(rest.dropFirst(bucket.utf8.count)) else { throw wrong("has a broken %XX") }
        let parts = path.split(separator: "/", omittingEmptySubsequences: false)
        prefix = parts.drop { $0.isEmpty }.reversed().drop { $0.isEmpty }.reversed().joined(separator: "/")
        if !prefix.isEmpty { try ObjectKey.validate(prefix) }
        guard !prefix.hasPrefix(ChunkFormat.root) else {
            throw wrong("lies below \(ChunkFormat.root), where chunks are: choose another place")
        }
    }

    /// The same for every way to write it.
    public var text: String { prefix.isEmpty ? "\(scheme)://\(bucket)" : "\(scheme)://\(bucket)/\(prefix)" }

    /// The key of one of its objects.
    func key(_ name: String) -> String { prefix.isEmpty ? name : "\(prefix)/\(name)" }

    /// What a copy on this node is called.
    public var localName: String { "external-\(SHA256.hex(of: Array(text.utf8)).prefix(40))" }

    private static func decoded(_ bytes: ArraySlice<UInt8>) -> String? {
        var decoded: [UInt8] = []
        var at = bytes.startIndex
        while at < bytes.endIndex {
            if bytes[at] == UInt8(ascii: "%") {
                let digits = bytes[(at + 1)...].prefix(2)
                guard digits.count == 2, digits.allSatisfy({ Character(Unicode.Scalar($0)).isHexDigit }),
                    let value = UInt8(String(decoding: digits, as: UTF8.self), radix: 16)
                else { return nil }
                decoded.append(value)
                at += 3
            } else {
                decoded.append(bytes[at])
                at += 1
            }
        }
        return String(validating: decoded, as: UTF8.self)
    }
}
