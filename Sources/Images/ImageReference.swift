import HostErrors

/// What a request calls an image: a layout on this machine, or a name in a registry.
enum ImageReference: Equatable {
    /// `oci:DIR[:REF]`: the layout's directory, absolute, and the name of an image in it.
    ///
    /// Without a name the layout must hold one image only.
    case layout(directory: String, tag: String?)
    /// `[HOST/]REPOSITORY[:TAG][@sha256:…]`, with or without `docker://` before it.
    case registry(RegistryReference)

    /// Parses a reference; in a layout's the name begins after the last colon that no slash follows.
    init(_ text: String) throws(HostError) {
        guard text.hasPrefix("oci:") else {
            self = .registry(try RegistryReference(text))
            return
        }
        let rest = text.dropFirst(4)
        let tail = rest.lastIndex(of: ":").map { rest[rest.index(after: $0)...] }
        let directory: String
        let tag: String?
        if let tail, !tail.contains("/"), !tail.isEmpty {
            directory = String(rest.dropLast(tail.count + 1))
            tag = String(tail)
        } else {
            directory = String(rest)
            tag = nil
        }
        guard directory.hasPrefix("/"), !directory.utf8.contains(0) else {
            throw HostError(.invalidArgument, .image, "image \"\(text)\" must name an absolute directory")
        }
        self = .layout(directory: directory, tag: tag)
    }
}

/// The name of an image in a registry, in its parts.
///
/// - Source: contract §3.1; the grammar of distribution references (`distribution/reference`).
struct RegistryReference: Equatable, Sendable {
    /// The registry, with its port: `docker.io` where the text names none.
    var host: String
    /// The repository's path.
    var repository: String
    /// The tag; nil where only a digest was given.
    var tag: String?
    /// `sha256:` and 64 hex digits; nil where none was given.
    var digest: String?

    /// Parses a name.
    ///
    /// - Throws: INVALID_ARGUMENT saying which part is no such thing.
    init(_ text: String) throws(HostError) {
        func refuse(_ why: String) -> HostError {
            HostError(
                .invalidArgument,
                .image,
                "image \"\(text.prefix(300))\" \(why): write [HOST/]REPOSITORY[:TAG][@sha256:DIGEST], or oci:DIR[:REF]"
            )
        }
        var rest = Substring(text)
        if rest.hasPrefix("docker://") { rest = rest.dropFirst(9) }
        guard rest.utf8.count <= 512, rest.utf8.allSatisfy({ (0x21...0x7e).contains($0) }) else {
            throw refuse("is longer than 512 bytes or no plain text")
        }
        if let at = rest.firstIndex(of: "@") {
            let text = rest[rest.index(after: at)...]
            let hex = text.dropFirst(7)
            guard text.hasPrefix("sha256:"), hex.utf8.count == 64, hex.utf8.allSatisfy(Self.isHex) else {
                throw refuse("has a digest that is not sha256:<64 hex digits>")
            }
            digest = String(text)
            rest = rest[..<at]
        }
        let slash = rest.firstIndex(of: "/")
        let first = slash.map { rest[..<$0] } ?? ""
        if let slash, first.contains(".") || first.contains(":") || first == "localhost" {
            host = String(first)
            rest = rest[rest.index(after: slash)...]
        } else {
            host = "docker.io"
        }
        if let colon = rest.lastIndex(of: ":") {
            let text = rest[rest.index(after: colon)...]
            guard Self.isTag(text) else { throw refuse("has \"\(text)\" for a tag") }
            tag = String(text)
            rest = rest[..<colon]
        }
        guard Self.isHost(host) else { throw refuse("has \"\(host)\" for a registry") }
        if host == "index.docker.io" { host = "docker.io" }
        repository = host == "docker.io" && !rest.contains("/") ? "library/\(rest)" : String(rest)
        let parts = rest.split(separator: "/", omittingEmptySubsequences: false)
        guard !rest.isEmpty, repository.utf8.count <= 255, parts.allSatisfy(Self.isComponent) else {
            throw refuse("has \"\(rest)\" for a repository")
        }
        if tag == nil, digest == nil { tag = "latest" }
    }

    /// The one text of it; a digest makes the tag beside it meaningless.
    var text: String { "\(host)/\(repository)" + (digest.map { "@\($0)" } ?? ":\(tag ?? "latest")") }

    /// The same repository's content of that digest.
    func pinned(to digest: String) -> RegistryReference {
        var copy = self
        copy.tag = nil
        copy.digest = digest
        return copy
    }

    /// Whether the registry is on this machine, where plain HTTP harms nobody.
    var isLoopback: Bool {
        let name = host.hasPrefix("[") ? String(host.prefix { $0 != "]" }) + "]" : String(host.prefix { $0 != ":" })
        if name == "localhost" || name == "[::1]" { return true }
        let parts = name.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 4 && parts[0] == "127" && parts.allSatisfy { UInt8($0) != nil }
    }

    private static func isHex(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) || (0x61...0x66).contains(byte) }
    private static func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }
    private static func isLower(_ byte: UInt8) -> Bool { (0x61...0x7a).contains(byte) || isDigit(byte) }
    private static func isWord(_ byte: UInt8) -> Bool { isLower(byte) || (0x41...0x5a).contains(byte) }

    private static func isTag(_ text: Substring) -> Bool {
        guard let first = text.utf8.first, isWord(first) || first == 0x5f, text.utf8.count <= 128 else { return false }
        return text.utf8.allSatisfy { isWord($0) || [0x5f, 0x2e, 0x2d].contains($0) }
    }

    static func isHost(_ text: String) -> Bool {
        var name = Substring(text)
        if let colon = text.lastIndex(of: ":"), !text[colon...].contains("]") {
            guard let port = UInt16(text[text.index(after: colon)...]), port > 0 else { return false }
            name = text[..<colon]
        }
        if name.hasPrefix("["), name.hasSuffix("]") {
            return name.utf8.count > 3 && name.utf8.dropFirst().dropLast().allSatisfy { isHex($0) || $0 == 0x3a }
        }
        guard let first = name.utf8.first, let last = name.utf8.last, isWord(first), isWord(last) else { return false }
        return name.utf8.allSatisfy { isWord($0) || $0 == 0x2e || $0 == 0x2d }
    }

    /// Small letters and digits; between them `.`, `_`, `__` or dashes.
    private static func isComponent(_ text: Substring) -> Bool {
        guard let first = text.utf8.first, let last = text.utf8.last, isLower(first), isLower(last) else {
            return false
        }
        var separator: [UInt8] = []
        for byte in text.utf8 {
            if isLower(byte) {
                let isDashes = separator.allSatisfy { $0 == 0x2d }
                guard isDashes || separator == [0x2e] || separator == [0x5f] || separator == [0x5f, 0x5f] else {
                    return false
                }
                separator = []
            } else {
                guard [0x2e, 0x5f, 0x2d].contains(byte) else { return false }
                separator.append(byte)
            }
        }
        return true
    }
}
