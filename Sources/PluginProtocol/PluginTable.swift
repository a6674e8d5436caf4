/// A table that a script writes or reads, as data: its checks, its types and its pages are made from this.
public struct PluginTable: Sendable, Equatable {
    /// What the types call it, such as `Actor`.
    public let name: String
    /// The table that it adds to; empty for none.
    public let base: String
    /// One sentence.
    public let summary: String
    /// Its own fields, in the order of the pages.
    public let fields: [PluginField]

    init(_ name: String, adds base: String = "", _ summary: String, _ fields: [PluginField]) {
        self.name = name
        self.base = base
        self.summary = summary
        self.fields = fields
    }

    /// The field of that name.
    public subscript(_ name: String) -> PluginField? { fields.first { $0.name == name } }
}

/// One field of such a table.
public struct PluginField: Sendable, Equatable {
    /// Its name in Lua.
    public let name: String
    /// What it may be.
    public let type: PluginFieldType
    /// Whether it can be absent.
    public let isOptional: Bool
    /// What an absent one means, as Lua; empty where that is nothing.
    public let fallback: String
    /// The first api that has it.
    public let since: Int
    /// A few words.
    public let summary: String

    init(
        _ name: String,
        _ type: PluginFieldType,
        optional: Bool = false,
        default fallback: String = "",
        since: Int = 1,
        _ summary: String
    ) {
        self.name = name
        self.type = type
        isOptional = optional || !fallback.isEmpty
        self.fallback = fallback
        self.since = since
        self.summary = summary
    }
}

/// What such a field may be.
public indirect enum PluginFieldType: Sendable, Equatable {
    /// A string of at most so many characters; 0: any number.
    case text(Int)
    /// An absolute path.
    case path
    /// An IPv4 or IPv6 address without a port.
    case address
    /// An integer in that range.
    case integer(ClosedRange<Int64>)
    /// True or false.
    case boolean
    /// One of these strings.
    case words([String])
    /// One of these integers.
    case numbers(ClosedRange<Int64>)
    /// The function of a verb.
    case verb(String)
    /// A process handle.
    case process
    /// Plain data of at most so many bytes as JSON.
    case plain(Int)
    /// Elements of one type.
    case list(PluginFieldType)
    /// From names to one type.
    case map(PluginFieldType)
    /// One of the tables, by its name.
    case table(String)
    /// That, or false.
    case orFalse(PluginFieldType)

    /// A string of any length.
    static let string = PluginFieldType.text(0)
    /// An integer, 0 or more.
    static let count = PluginFieldType.integer(0...Int64.max)

    /// The words that are allowed, in this or in its elements.
    public var allowed: [String] {
        switch self {
        case .words(let words): words
        case .list(let inner), .map(let inner), .orFalse(let inner): inner.allowed
        default: []
        }
    }

    /// The limit on characters or bytes, where it has one.
    var limit: Int? {
        switch self {
        case .text(let limit), .plain(let limit): limit > 0 ? limit : nil
        default: nil
        }
    }
}

extension PluginTable {
    /// Every table of api 1, the descriptor first.
    public static let all: [PluginTable] =
        [descriptor, setting, slot, actor, directories, network, cgroup, container, user, mount, volume, limits]
        + snapshots + PluginVerb.rows.flatMap { [$0.request, $0.result] }.filter { !$0.fields.isEmpty }

    /// The table of that name.
    public static func named(_ name: String) -> PluginTable? { all.first { $0.name == name } }

    /// The fields of the table of that name and of those it adds to.
    public static func fields(of name: String) -> [PluginField] {
        guard let table = named(name) else { return [] }
        return (table.base.isEmpty ? [] : fields(of: table.base)) + table.fields
    }
}
