import Glibc
public import HostErrors
import SystemLayer

/// Whom an image's program runs as, looked up in the image's own files.
///
/// - Source: OCI image-spec v1.1, config.md "User"; passwd(5), group(5).
public struct ImageUser: Sendable, Equatable {
    /// The user.
    public var user: UInt32 = 0
    /// The group.
    public var group: UInt32 = 0
    /// Further groups that the image's files have the user in.
    public var groups: [UInt32] = []
    /// The user's directory; nil for root, and where the image does not know the user.
    public var home: String?

    /// The most that is read of either file.
    private static let fileLimit = 1 << 20

    /// Finds a user.
    ///
    /// - Parameters:
    ///   - text: `user`, `uid`, `user:group`, `uid:gid` or empty.
    ///   - layers: the image's, bottom first.
    ///   - image: for the error's text.
    /// - Throws: INVALID_ARGUMENT for a name that the image does not know.
    public init(_ text: String, layers: [String], of image: String) throws(HostError) {
        guard !text.isEmpty, text != "0", text != "root", text != "0:0", text != "root:root" else { return }
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        func unknown(_ what: String, _ name: String, _ file: String) -> HostError {
            HostError(
                .invalidArgument,
                .image,
                "image \"\(image)\" runs as \(what) \"\(name.prefix(64))\", which its own \(file) does not have"
            )
        }
        let people = Self.rows("etc/passwd", layers)
        let name = parts[0]
        let row: [String]?
        if let number = Self.number(name) {
            user = number
            row = people.first { $0.count > 2 && Self.number($0[2]) == number }
        } else {
            row = people.first { $0.count > 2 && $0[0] == name }
            guard let found = row, let number = Self.number(found[2]) else {
                throw unknown("user", name, "/etc/passwd")
            }
            user = number
        }
        if let row, row.count > 3 { group = Self.number(row[3]) ?? 0 }
        if user != 0, let row, row.count > 5, row[5].hasPrefix("/") { home = row[5] }
        let all = parts.count > 1 || row != nil ? Self.rows("etc/group", layers) : []
        if parts.count > 1, !parts[1].isEmpty {
            if let number = Self.number(parts[1]) {
                group = number
            } else {
                let found = all.first { $0.count > 2 && $0[0] == parts[1] }
                guard let found, let number = Self.number(found[2]) else {
                    throw unknown("group", parts[1], "/etc/group")
                }
                group = number
            }
        } else if let row {
            // Only who is named by name alone has the other groups too, as with other runtimes.
            let member = row[0]
            for line in all where line.count > 3 && line[3].split(separator: ",").contains(Substring(member)) {
                if let number = Self.number(line[2]), number != group, groups.count < 64 { groups.append(number) }
            }
        }
    }

    private static func number(_ text: String) -> UInt32? {
        guard let number = UInt32(text), number != .max else { return nil }
        return number
    }

    /// The fields of a file of the uppermost layer that has it; a link in its place is not followed.
    private static func rows(_ path: String, _ layers: [String]) -> [[String]] {
        for layer in layers.reversed() {
            var status = stat()
            if unsafe lstat("\(layer)/etc", &status) == 0, status.st_mode & S_IFMT != S_IFDIR { return [] }
            guard unsafe lstat("\(layer)/\(path)", &status) == 0 else { continue }
            guard status.st_mode & S_IFMT == S_IFREG,
                let file = try? BeneathPath.open(path, beneath: layer, flags: O_RDONLY | O_NONBLOCK | O_NOCTTY),
                let bytes = try? readAll(from: file.rawValue, limit: fileLimit)
            else { return [] }
            return String(decoding: bytes, as: UTF8.self).split(separator: "\n").map { line in
                line.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
            }
        }
        return []
    }
}
