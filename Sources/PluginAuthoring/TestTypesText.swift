import PluginProtocol

/// The types and the page of what an author's tests may call.
enum TestTypesText {
    private static func title(_ object: TestFunction.Object) -> String {
        object == .t ? "Test" : "Test" + object.name.prefix(1).uppercased() + object.name.dropFirst()
    }

    /// `sdk/types/test.lua`.
    static func types(_ note: String) -> String {
        var lines = ["---@meta", "-- \(note)"]
        for object in TestFunction.Object.allCases {
            let own = TestFunction.table.filter { $0.object == object }
            lines += ["", "---@class \(title(object))"]
            lines += own.filter(\.isProperty).map { row in
                let child = TestFunction.Object.allCases.first { $0.name == row.method }
                return "---@field \(row.method) \(child.map(title) ?? "any")   \(row.signature.summary)"
            }
            lines.append("local \(object.name) = {}")
            for row in own where !row.isProperty { lines += [""] + method(row) }
        }
        lines += [
            "", "---A test: gets a fresh host, an empty slot and a fake clock.",
            "---@param name string   what it shows",
            "---@param body fun(t: Test)", "function test(name, body) end",
        ]
        return lines.joined(separator: "\n") + "\n"
    }

    private static func method(_ row: TestFunction) -> [String] {
        let arguments = row.signature.arguments.fields.dropFirst()
        var lines = arguments.flatMap { records($0.kind, "\(row.signature.name).\($0.name)") }
        lines += ["---\(row.signature.summary)", "---```lua", "---\(row.signature.example)", "---```"]
        lines += arguments.map { field in
            let type = type(field.kind, "\(row.signature.name).\(field.name)")
            return "---@param \(field.name)\(field.required ? "" : "?") \(type)   \(field.summary)"
        }
        lines.append("---@return any ...   a status first where it is a verb")
        return lines + [
            "function \(row.object.name):\(row.method)(\(arguments.map(\.name).joined(separator: ", "))) end"
        ]
    }

    private static func type(_ kind: ArgumentKind, _ name: String) -> String {
        switch kind {
        case .either(let kinds) where kinds.isEmpty: "any"
        case .either(let kinds): kinds.map { type($0, name) }.joined(separator: "|")
        case .list(let element): "\(type(element, name))[]"
        // Handles are the things of a test here.
        case .process: "table"
        default: TypesText.type(kind, in: name)
        }
    }

    private static func records(_ kind: ArgumentKind, _ name: String) -> [String] {
        switch kind {
        case .list(let element): return records(element, name)
        case .either(let kinds): return kinds.flatMap { records($0, name) }
        case .record(let fields):
            return fields.flatMap { records($0.kind, "\(name).\($0.name)") } + ["---@class \(name)"]
                + fields.map { field in
                    let type = type(field.kind, "\(name).\(field.name)")
                    return "---@field \(field.name)\(field.required ? "" : "?") \(type)   \(field.summary)"
                } + [""]
        default: return []
        }
    }

    /// The pages of `sdk/docs/reference/tests.md`.
    static var pages: [(name: String, summary: String, text: String)] {
        TestFunction.table.map { row in
            let name = "\(row.object.name)\(row.isProperty ? "." : ":")\(row.method)"
            var lines = ["## \(name)", "", row.signature.summary, "", "```lua", row.signature.example, "```", ""]
            lines += row.signature.arguments.fields.dropFirst().flatMap { arguments($0, "") }
            return (name, row.signature.summary, lines.joined(separator: "\n") + "\n")
        }
    }

    private static func arguments(_ field: ArgumentField, _ prefix: String) -> [String] {
        let need = field.required ? "required" : "optional"
        let own = "- `\(prefix)\(field.name)` \(type(field.kind, "table")), \(need): \(field.summary)"
        let inner: [ArgumentField] =
            switch field.kind {
            case .record(let fields), .list(.record(let fields)): fields
            default: []
            }
        return [own] + inner.flatMap { arguments($0, "\(prefix)\(field.name).") }
    }
}
