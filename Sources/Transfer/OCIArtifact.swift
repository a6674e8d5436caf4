import HostErrors

/// `oci://REGISTRY/REPOSITORY[@sha256:MANIFEST]`: a file that is a layer of an artifact.
///
/// Never by tag: what a tag means today it need not mean tomorrow.
struct OCIArtifact: Equatable {
    /// `HOST[:PORT]`.
    let registry: String
    /// Such as `tools/vmm`.
    let repository: String
    /// The manifest's 64 hex digits; nil: the file is asked for by its own digest.
    let manifest: String?

    /// Reads one.
    ///
    /// - Parameter url: as above.
    /// - Throws: INVALID_ARGUMENT naming what is wrong.
    init(_ url: String) throws(HostError) {
        func wrong(_ words: String) -> HostError {
            HostError(.invalidArgument, .asset, "asset url \"\(displayed(url))\" \(words)")
        }
        let form = "write oci://REGISTRY/REPOSITORY@sha256:DIGEST"
        let rest = url.dropFirst("oci://".count)
        guard let slash = rest.firstIndex(of: "/"), slash > rest.startIndex else {
            throw wrong("names no registry and repository: \(form)")
        }
        registry = String(rest[..<slash])
        let parts = rest[rest.index(after: slash)...].split(separator: "@", omittingEmptySubsequences: false)
        repository = String(parts[0])
        let components = repository.split(separator: "/", omittingEmptySubsequences: false)
        guard components.allSatisfy({ !$0.isEmpty && !$0.hasPrefix(".") && $0.utf8.allSatisfy(Self.isNameByte) }) else {
            throw wrong("has a repository or a tag that is none: \(form)")
        }
        guard parts.count <= 2 else { throw wrong("has more than one @: \(form)") }
        guard parts.count == 2 else {
            manifest = nil
            return
        }
        manifest = Self.digest(String(parts[1]))
        guard manifest != nil else { throw wrong("has another digest than sha256 and 64 hex digits: \(form)") }
    }

    /// The digits of `sha256:…`; nil for anything else.
    static func digest(_ text: String) -> String? {
        let digits = text.dropFirst("sha256:".count)
        let isDigest =
            text.hasPrefix("sha256:") && digits.utf8.count == 64
            && digits.utf8.allSatisfy { (0x30...0x39).contains($0) || (0x61...0x66).contains($0) }
        return isDigest ? String(digits) : nil
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        (0x61...0x7A).contains(byte) || (0x30...0x39).contains(byte)
            || [UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-")].contains(byte)
    }
}

/// What a registry asks for that refuses an anonymous request.
///
/// - Source: RFC 6750 §3; distribution-spec "token authentication".
struct TokenChallenge: Equatable {
    let isBearer: Bool
    private let fields: [String: String]

    /// Reads `Bearer realm="…",service="…",scope="…"`; nil for other schemes.
    init?(_ header: String) {
        let words = header.split(separator: " ", maxSplits: 1)
        guard let scheme = words.first?.lowercased(), ["bearer", "basic"].contains(scheme) else { return nil }
        isBearer = scheme == "bearer"
        var fields: [String: String] = [:]
        var rest = (words.count > 1 ? words[1] : "")[...]
        while let equals = rest.firstIndex(of: "=") {
            let name = rest[..<equals].filter { $0 != " " && $0 != "," }.lowercased()
            rest = rest[rest.index(after: equals)...]
            guard rest.first == "\"" else { break }
            rest = rest.dropFirst()
            guard let end = rest.firstIndex(of: "\"") else { break }
            fields[name] = String(rest[..<end])
            rest = rest[rest.index(after: end)...]
        }
        self.fields = fields
    }

    /// Where a token is to be had for reading; nil where the header does not say.
    var url: String? {
        guard isBearer, let realm = fields["realm"], !realm.isEmpty else { return nil }
        let query = ["service", "scope"].compactMap { name in
            fields[name].map { "\(name)=\(Percent.encode($0).replacing("/", with: "%2F"))" }
        }
        return query.isEmpty ? realm : realm + (realm.contains("?") ? "&" : "?") + query.joined(separator: "&")
    }
}

extension String {
    /// The text with each occurrence of a character replaced.
    fileprivate func replacing(_ mark: Character, with text: String) -> String {
        reduce(into: "") { $0 += $1 == mark ? text : String($1) }
    }
}
