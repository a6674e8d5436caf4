import PluginProtocol

/// The types of the API for editors, in the annotations of lua-language-server.
enum TypesText {
    private static let note = "generated from the table of host functions: `make types` rewrites it, a test compares"

    static func files(_ rows: [HostFunction]) -> [GeneratedFile] {
        [
            GeneratedFile(path: "sdk/types/host.lua", text: host(rows)),
            GeneratedFile(path: "sdk/types/backend.lua", text: backend()),
            GeneratedFile(path: "sdk/types/prelude.lua", text: prelude),
            GeneratedFile(path: "sdk/types/test.lua", text: TestTypesText.types(note)),
        ]
    }

    /// The functions, module by module.
    static func host(_ rows: [HostFunction]) -> String {
        let statuses = PluginStatus.allCases.map { "\"\($0.rawValue)\"" }.joined(separator: "|")
        var lines = [
            "---@meta", "-- \(note)", "", "---@alias Status \(statuses)",
            "---@alias Arguments (string|integer|false|Arguments)[]", "",
            "---A program that the host holds. Opaque; dies with the verb unless kept.", "---@class Process", "",
            "---An asset, open or being loaded. Opaque; dies with the verb.", "---@class Asset", "",
            "---What a program left.", "---@class ProgramResult",
        ]
        lines += AnswerShape.programFields.map { "---@field \($0.name)? \(type($0.kind, in: ""))   \($0.summary)" }
        lines += ["", "---The host's functions: those in `needs`, and only inside a verb.", "host = {}"]
        var modules: [String] = []
        for row in rows {
            if !modules.contains(row.module) {
                modules.append(row.module)
                lines += ["", "host.\(row.module) = {}"]
            }
            lines += [""] + function(row)
        }
        return lines.joined(separator: "\n") + "\n"
    }

    private static func function(_ row: HostFunction) -> [String] {
        let own = row.name
        var lines: [String] = []
        for field in row.arguments.fields { lines += records(field, "\(own).\(field.name)") }
        var parameters: [String] = []
        if case .record(let fields) = row.arguments {
            lines.append("---@class \(own).Arguments")
            lines += fields.map { self.field($0, own) }
            lines.append("")
        }
        if case .record(let fields) = row.answers {
            lines.append("---@class \(own).Result")
            lines += fields.map { "---@field \($0.name) \(type($0.kind, in: own))   \($0.summary)" }
            lines.append("")
        }
        lines.append("---\(row.summary) \(facts(row))")
        lines += ["---```lua", "---\(row.example)", "---```"]
        switch row.arguments {
        case .record:
            lines.append("---@param spec \(own).Arguments")
            parameters = ["spec"]
        case .positions(let fields):
            lines += fields.map {
                "---@param \($0.name)\($0.required ? "" : "?") \(type($0.kind, in: "\(own).\($0.name)"))   \($0.summary)"
            }
            parameters = fields.map(\.name)
        }
        lines.append("---@return \(answer(row))")
        return lines + ["function host.\(own)(\(parameters.joined(separator: ", "))) end"]
    }

    /// Grant, verbs and age in one line.
    static func facts(_ row: HostFunction) -> String {
        let grant = row.anyOf.isEmpty ? "none" : row.anyOf.map { "`\($0.rawValue)`" }.joined(separator: " or ")
        let verbs = row.verbs.count == PluginVerb.all.count ? "all" : row.verbs.joined(separator: " ")
        return "**Grant** \(grant). **Verbs** \(verbs). **Since** api \(row.since)."
    }

    private static func records(_ field: ArgumentField, _ name: String) -> [String] {
        guard case .record(let inner) = field.kind else { return [] }
        return inner.flatMap { records($0, "\(name).\($0.name)") } + ["---@class \(name)"]
            + inner.map { self.field($0, name) } + [""]
    }

    private static func field(_ field: ArgumentField, _ owner: String) -> String {
        let fallback = field.fallback.map { "; default \(LuaWords.literal($0))" } ?? ""
        let name = "\(field.name)\(field.required ? "" : "?")"
        return "---@field \(name) \(type(field.kind, in: "\(owner).\(field.name)"))   \(field.summary)\(fallback)"
    }

    private static func answer(_ row: HostFunction) -> String {
        switch row.answers {
        case .nothing: "Status status, string? reason"
        case .process: "Status status, Process|string process_or_reason"
        case .program: "Status status, ProgramResult|string result_or_reason, ProgramResult? details"
        case .programs: "Status status, ProgramResult[]|string results_or_reason, ProgramResult[]? details"
        case .asset: "Status status, Asset|string asset_or_reason, integer? size"
        case .one(let field): "Status status, \(type(field.kind, in: row.name)) \(field.name)_or_reason"
        case .record: "Status status, \(row.name).Result|string result_or_reason"
        case .value(let field): "\(type(field.kind, in: row.name)) \(field.name)   \(field.summary)"
        }
    }

    /// A kind of argument as a type; `name` is the class of a record.
    static func type(_ kind: ArgumentKind, in name: String) -> String {
        switch kind {
        case .text, .bytes, .path, .program: "string"
        case .oneOf(let words): words.map { "\"\($0)\"" }.joined(separator: "|")
        case .integer: "integer"
        case .boolean: "boolean"
        case .list(let element): list(type(element, in: name))
        case .map: "table<string, string>"
        case .arguments: "Arguments"
        case .process: "Process"
        case .processes: "Process|Process[]|table<string, Process>"
        case .asset: "Asset"
        case .either(let kinds): kinds.map { type($0, in: name) }.joined(separator: "|")
        case .record: name
        }
    }

    private static func list(_ element: String) -> String {
        element.contains("|") ? "(\(element))[]" : "\(element)[]"
    }

    /// The descriptor, and what verbs get and answer.
    static func backend() -> String {
        var lines = ["---@meta", "-- \(note)"]
        for table in PluginTable.all {
            lines += ["", "---\(table.summary)"]
            lines.append("---@class \(table.name)\(table.base.isEmpty ? "" : " : \(table.base)")")
            lines += table.fields.map { field in
                let optional = field.isOptional ? "?" : ""
                let fallback = field.fallback.isEmpty ? "" : "; default \(field.fallback)"
                return "---@field \(field.name)\(optional) \(type(field.type))   \(field.summary)\(fallback)"
            }
        }
        return lines.joined(separator: "\n") + "\n"
    }

    /// A field's type.
    static func type(_ type: PluginFieldType) -> String {
        switch type {
        case .text, .path, .address: "string"
        case .integer: "integer"
        case .numbers(let range): range.count == 1 ? "\(range.lowerBound)" : "integer"
        case .boolean: "boolean"
        case .words(let words): words.map { "\"\($0)\"" }.joined(separator: "|")
        case .verb(let name): verb(name)
        case .process: "Process"
        case .plain: "any"
        case .list(let element): list(self.type(element))
        case .map(let value): "table<string, \(self.type(value))>"
        case .table(let name): name
        case .orFalse(let inner): "\(self.type(inner))|false"
        }
    }

    private static func verb(_ name: String) -> String {
        guard let row = PluginVerb.row(name) else { return "function" }
        let result = row.result.fields.isEmpty ? "string?" : "(\(row.result.name)|string)?"
        return "fun(actor: \(row.subject), request: \(row.request.name)): Status, \(result)"
    }

    private static let prelude = """
        ---@meta
        -- \(note)

        ---Passes the values of a host call on, or ends the verb with its status and reason where it is not "ok".
        ---```lua
        ---local process = try(host.process.start { program = actor.tools.bwrap, args = { "--version" } })
        ---```
        ---@generic T
        ---@param status Status
        ---@param value? T|string
        ---@return T value
        function try(status, value, ...) end

        json = {}

        ---`null` in a list; in an object a null is an absent field.
        json.null = nil ---@type userdata

        ---Text of a value: tables with 1…n are lists, `{}` is `[]`.
        ---@param value any
        ---@return string
        function json.encode(value) end

        ---Value of a text, status first: `try(json.decode(answer.body))`.
        ---@param text string
        ---@return Status status, any value_or_reason
        function json.decode(text) end

        ---The same table, encoded as an object even when it is empty.
        ---@param value table
        ---@return table
        function json.object(value) end

        """
}
