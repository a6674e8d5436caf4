/// An asset that is an archive of several files: kept unpacked, as `<asset name>-<sha256>` beside the cached files.
///
/// - Source: contract §2.2, "naming" (autumn).
struct AssetRelease: Equatable {
    /// The asset's name.
    let name: String
    /// The archive's, 64 lower-case hex digits.
    let digest: String

    private static let suffixes = [
        ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.zst", ".tzst",
    ]

    /// What its directory is called.
    var entry: String { "\(name)-\(digest)" }

    /// Says whether an asset is one.
    ///
    /// - Parameters:
    ///   - name: the asset's; one that cannot be a directory's, or is the cache's own prefix, is of a file.
    ///   - url: an archive's ends with `.tar`, `.tar.gz`, `.tar.bz2` or `.tar.zst`, or a short form of these.
    ///   - digest: 64 lower-case hex digits.
    init?(name: String, url: String, digest: String) {
        let path = url.prefix { $0 != "?" && $0 != "#" }.lowercased()
        guard Self.suffixes.contains(where: { path.hasSuffix($0) }), Self.isName(name) else { return nil }
        self.name = name
        self.digest = digest
    }

    /// Reads the name of an entry; nil for any other name.
    init?(entry: String) {
        guard entry.utf8.count > 65, entry.utf8.suffix(64).allSatisfy(isHexDigit) else { return nil }
        let name = entry.dropLast(64)
        guard name.hasSuffix("-"), Self.isName(String(name.dropLast())) else { return nil }
        self.name = String(name.dropLast())
        digest = String(entry.suffix(64))
    }

    private static func isName(_ name: String) -> Bool {
        guard let first = name.utf8.first, (0x61...0x7a).contains(first) || (0x30...0x39).contains(first),
            name.utf8.count <= 64, "\(name)-" != AssetCache.prefix
        else { return false }
        return name.utf8.allSatisfy { byte in
            (0x61...0x7a).contains(byte) || (0x30...0x39).contains(byte) || [0x2d, 0x2e, 0x5f].contains(byte)
        }
    }
}

/// Whether a byte is a digit of a digest as it stands in file names.
func isHexDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) || (0x61...0x66).contains(byte) }
