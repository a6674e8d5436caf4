/// Writes ustar entries as a stranger would, valid or not.
public struct TarBuilder: Sendable {
    private var bytes: [UInt8] = []

    /// Makes an archive of nothing yet.
    public init() {}

    /// The archive with one more entry.
    ///
    /// - Parameters:
    ///   - name: as it stands in the header.
    ///   - type: the type flag.
    ///   - data: what follows the header.
    ///   - link: the target, of a link.
    ///   - mode: the permission bits.
    ///   - uid: the owner.
    ///   - gid: the group.
    /// - Returns: the longer one.
    public func add(
        _ name: String,
        _ type: Character = "0",
        _ data: String = "",
        link: String = "",
        mode: Int = 0o644,
        uid: Int = 0,
        gid: Int = 0
    ) -> TarBuilder {
        var header = [UInt8](repeating: 0, count: 512)
        func put(_ text: String, _ offset: Int) {
            header.replaceSubrange(offset..<offset + text.utf8.count, with: Array(text.utf8))
        }
        func octal(_ value: Int, _ width: Int) -> String {
            let digits = String(value, radix: 8)
            return String(repeating: "0", count: width - digits.count) + digits
        }
        put(name, 0)
        put(octal(mode, 7), 100)
        put(octal(uid, 7), 108)
        put(octal(gid, 7), 116)
        put(octal(data.utf8.count, 11), 124)
        put(octal(0, 11), 136)
        put("        ", 148)
        put(String(type), 156)
        put(link, 157)
        put("ustar", 257)
        put("00", 263)
        put(octal(header.reduce(0) { $0 + Int($1) }, 6), 148)
        header[154] = 0
        var copy = self
        copy.bytes += header + Array(data.utf8)
        copy.bytes += [UInt8](repeating: 0, count: (512 - data.utf8.count % 512) % 512)
        return copy
    }

    /// The archive with a pax header for the entry that comes next.
    ///
    /// - Parameter records: names and values.
    /// - Returns: the longer one.
    public func pax(_ records: [(String, String)]) -> TarBuilder {
        var text = ""
        for (name, value) in records {
            let body = " \(name)=\(value)\n"
            var length = body.utf8.count + 1
            while "\(length)".utf8.count + body.utf8.count != length { length += 1 }
            text += "\(length)\(body)"
        }
        return add("pax", "x", text)
    }

    /// The whole archive, with its end.
    public var ended: [UInt8] { bytes + [UInt8](repeating: 0, count: 1024) }
}
