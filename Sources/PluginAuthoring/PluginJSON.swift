import Telemetry

/// A JSON value whose members keep their order, for `--json`.
public indirect enum PluginJSON: Sendable, Equatable {
    case null
    case boolean(Bool)
    case integer(Int64)
    case number(Double)
    case text(String)
    case list([PluginJSON])
    case object([(String, PluginJSON)])

    /// On one line.
    public var line: String {
        switch self {
        case .null: "null"
        case .boolean(let flag): "\(flag)"
        case .integer(let number): "\(number)"
        case .number(let number): number.isFinite ? "\(number)" : "null"
        case .text(let text): JSONText.quoted(text)
        case .list(let items): "[\(items.map(\.line).joined(separator: ","))]"
        case .object(let members):
            "{\(members.map { "\(JSONText.quoted($0.0)):\($0.1.line)" }.joined(separator: ","))}"
        }
    }

    /// A list of texts.
    public static func texts(_ texts: [String]) -> PluginJSON { .list(texts.map { .text($0) }) }

    /// Whether they are written alike.
    public static func == (one: PluginJSON, other: PluginJSON) -> Bool { one.line == other.line }
}
