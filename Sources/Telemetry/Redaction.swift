/// Takes out of texts what no log may hold.
public enum Redaction {
    /// What stands where a secret stood.
    public static let mark = "[redacted]"

    /// Replaces every secret that occurs in a text, longest first.
    ///
    /// - Parameters:
    ///   - secrets: `env` values and tokens; those of fewer than 4 bytes are left, they occur in any text.
    ///   - text: what a program or a stranger wrote.
    /// - Returns: the text without them.
    public static func removing(_ secrets: [String], from text: String) -> String {
        var bytes = Array(text.utf8)
        var changed = false
        for secret in secrets.map({ Array($0.utf8) }).sorted(by: { $0.count > $1.count }) where secret.count >= 4 {
            var result: [UInt8] = []
            var index = 0
            while index < bytes.count {
                if bytes[index] == secret[0], bytes[index...].starts(with: secret) {
                    result += Array(mark.utf8)
                    index += secret.count
                    changed = true
                } else {
                    result.append(bytes[index])
                    index += 1
                }
            }
            bytes = result
        }
        return changed ? String(decoding: bytes, as: UTF8.self) : text
    }

    /// Shows an environment by its names alone.
    ///
    /// - Parameter entries: `NAME=value` each.
    /// - Returns: `NAME=[redacted]` each.
    public static func environment(_ entries: [String]) -> [String] {
        entries.map { entry in
            guard let end = entry.firstIndex(of: "=") else { return entry }
            return entry[...end] + mark
        }
    }

    /// Takes user names, passwords, queries and fragments out of a URL: signed URLs carry their key there.
    ///
    /// - Parameter url: any text.
    /// - Returns: scheme, host and path.
    public static func url(_ url: String) -> String {
        var text = url[...]
        var query = ""
        if let end = text.firstIndex(where: { $0 == "?" || $0 == "#" }) {
            query = String(text[end]) + mark
            text = text[..<end]
        }
        // Look for "://" by characters: no Foundation here.
        guard let colon = text.firstIndex(of: ":"), text[colon...].hasPrefix("://") else { return text + query }
        let authority = text.index(colon, offsetBy: 3)
        let end = text[authority...].firstIndex(of: "/") ?? text.endIndex
        guard let at = text[authority..<end].lastIndex(of: "@") else { return text + query }
        return text[..<authority] + mark + text[at...] + query
    }
}
