import HostErrors

/// `oci:DIR[:REF]` in its parts.
struct ImageReference: Equatable {
    /// The layout's directory, absolute.
    let directory: String
    /// The name of an image in it; nil where the layout must hold one image only.
    let tag: String?

    /// Parses a reference; the name begins after the last colon that no slash follows.
    init(_ text: String) throws(HostError) {
        guard text.hasPrefix("oci:") else {
            throw HostError(
                .failedPrecondition,
                .image,
                "image \"\(text)\" is not served: only oci:DIR[:REF], a local OCI layout, is"
            )
        }
        let rest = text.dropFirst(4)
        let tail = rest.lastIndex(of: ":").map { rest[rest.index(after: $0)...] }
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
    }
}
