/// A value of a YAML file with the line it stands on.
indirect enum YAMLNode: Equatable, Sendable {
    /// An empty value, `~` or `null`, not quoted.
    case null(line: Int)
    /// Any other scalar as written; whether it is a number is its reader's to say.
    case scalar(String, line: Int)
    /// A sequence.
    case list([YAMLNode], line: Int)
    /// A mapping in the file's order; no key comes twice.
    case map([YAMLMember], line: Int)

    /// The line, from 1.
    var line: Int {
        switch self {
        case .null(let line), .scalar(_, let line), .list(_, let line), .map(_, let line): line
        }
    }

    /// The value of a key; nil when this is no map or has no such key.
    subscript(key: String) -> YAMLNode? {
        guard case .map(let members, _) = self else { return nil }
        return members.first { $0.key == key }?.value
    }

    /// What it is, for messages: `a list`.
    var kind: String {
        switch self {
        case .null: "empty"
        case .scalar: "a scalar"
        case .list: "a list"
        case .map: "a map"
        }
    }
}

/// One key of a map with its value.
struct YAMLMember: Equatable, Sendable {
    /// The key, a scalar.
    let key: String
    /// Where the key stands, from 1.
    let line: Int
    /// Its value.
    let value: YAMLNode
}
