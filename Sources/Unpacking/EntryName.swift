import HostErrors

/// The name of an entry as a path below the staging directory.
///
/// - Source: contract §3.2 `validateTarName`, §11 D 25.
enum EntryName {
    /// The name's components.
    ///
    /// - Returns: nil for a name that means the root itself, which is skipped.
    /// - Throws: `invalid tar entry` for a name that leads out, or is longer than Linux has paths.
    static func parse(_ name: String, _ complaint: String = "invalid tar entry") throws(HostError) -> [String]? {
        guard name.utf8.count <= 4096, !name.utf8.contains(0) else {
            throw HostError(.invalidArgument, nil, "\(complaint): name of \(name.utf8.count) bytes")
        }
        var parts: [String] = []
        // By bytes: a slash followed by a combining mark is one Character, and no separator to Swift's eyes.
        for bytes in name.utf8.split(separator: UInt8(ascii: "/")) {
            let part = String(decoding: bytes, as: UTF8.self)
            if part == "." { continue }
            if part == ".." {
                guard parts.popLast() != nil else {
                    throw HostError(.invalidArgument, nil, "\(complaint): not a local path: \(printable(name))")
                }
                continue
            }
            guard bytes.count <= 255 else {
                throw HostError(.invalidArgument, nil, "\(complaint): component of \(bytes.count) bytes")
            }
            parts.append(part)
        }
        return parts.isEmpty ? nil : parts
    }

    /// What a whiteout in a layer asks for.
    enum Whiteout: Equatable {
        /// An ordinary name.
        case none
        /// The directory hides everything below it.
        case opaque
        /// The name is gone.
        case removed(String)
        /// Bookkeeping of an old union file system.
        case ignored
    }

    /// Reads the last component as a whiteout.
    ///
    /// - Source: OCI image-spec v1.1, layer.md "Whiteouts"; security T54.
    static func whiteout(_ parts: [String]) throws(HostError) -> Whiteout {
        // By bytes: with an accent after it the last dot of a prefix is another Character, and the same byte.
        let prefix = ".wh.".utf8
        guard let last = parts.last, !parts.dropLast().contains(where: { $0.utf8.starts(with: prefix) }) else {
            throw HostError(.invalidArgument, nil, "invalid tar entry: beneath a whiteout")
        }
        guard last.utf8.starts(with: prefix) else { return .none }
        if sameBytes(last, ".wh..wh..opq") { return .opaque }
        if last.utf8.starts(with: ".wh..wh.".utf8) { return .ignored }
        let name = String(decoding: last.utf8.dropFirst(prefix.count), as: UTF8.self)
        guard !name.isEmpty, name != ".", name != ".." else {
            throw HostError(.invalidArgument, nil, "invalid tar entry: whiteout of nothing: \(printable(last))")
        }
        return .removed(name)
    }
}

/// A stranger's text on one line of ours: what drives a terminal becomes `?`, and it is cut at so many bytes.
func printable(_ text: String, limit: Int = 200) -> String {
    var clean = ""
    var bytes = 0
    for scalar in text.unicodeScalars {
        bytes += UTF8.width(scalar)
        if bytes > limit { return clean + "…" }
        switch scalar.properties.generalCategory {
        // A format character turns the direction of what follows, or is not seen at all.
        case .control, .format, .lineSeparator, .paragraphSeparator: clean.append("?")
        default: clean.unicodeScalars.append(scalar)
        }
    }
    return clean
}
