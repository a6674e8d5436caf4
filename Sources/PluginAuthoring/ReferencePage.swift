import PluginCommands
public import PluginProtocol

/// One page of the reference, the same text in the file and in `plugin doc`.
public struct ReferencePage: Sendable, Equatable {
    /// What to ask for, such as `process.run` or `Actor`.
    public let name: String
    /// One line for the index.
    public let summary: String
    /// The file that holds it, such as `process`.
    let file: String
    /// Its text in Markdown, the heading included.
    public let text: String

    /// Every page, functions first.
    public static func all(_ rows: [HostFunction] = HostFunction.table) -> [ReferencePage] {
        rows.map(function) + [descriptor] + PluginTable.descriptor.fields.filter { !isVerb($0) }.map(field)
            + PluginVerb.rows.map(verb) + PluginTable.all.dropFirst().map { table($0, file: "tables") } + [status]
            + WordPages.all
            + TestTypesText.pages.map {
                ReferencePage(name: $0.name, summary: $0.summary, file: "tests", text: $0.text)
            }
    }

    /// The pages of a name: one, or those of a module.
    ///
    /// - Parameters:
    ///   - name: as typed; letters' case does not matter.
    ///   - rows: the host functions.
    /// - Returns: none where the name means nothing.
    public static func named(_ name: String, _ rows: [HostFunction] = HostFunction.table) -> [ReferencePage] {
        let pages = all(rows)
        if let exact = pages.first(where: { $0.name == name }) { return [exact] }
        let module = pages.filter { $0.name.hasPrefix("\(name).") }
        if !module.isEmpty { return module }
        if let page = pages.first(where: { $0.name.lowercased() == name.lowercased() }) { return [page] }
        return fields(named: name)
    }

    /// The fields of that name in whichever tables: `held`, or `actor.network`.
    private static func fields(named name: String) -> [ReferencePage] {
        let parts = name.split(separator: ".", maxSplits: 1).map(String.init)
        guard let own = parts.last else { return [] }
        let table = parts.count == 2 ? PluginTable.all.first { $0.name.lowercased() == parts[0].lowercased() } : nil
        if parts.count == 2, table == nil { return [] }
        return PluginTable.all.dropFirst().filter { table == nil || $0 == table || $0.name == table?.base }
            .flatMap { table in
                table.fields.filter { $0.name == own }.map { field in
                    ReferencePage(
                        name: "\(table.name).\(field.name)",
                        summary: field.summary,
                        file: "tables",
                        text: Self.field(field, heading: "\(table.name).\(field.name)")
                    )
                }
            }
    }

    /// The files of `sdk/docs/reference`.
    static func files(_ rows: [HostFunction]) -> [GeneratedFile] {
        let pages = all(rows)
        var order: [String] = []
        for page in pages where !order.contains(page.file) { order.append(page.file) }
        var files = order.map { file in
            let own = pages.filter { $0.file == file }
            return generated(file, title(file), own.map(\.text).joined(separator: "\n"))
        }
        files.append(generated("commands", "The commands of `plugin`", commands))
        let lines = order.flatMap { file in
            ["- [\(title(file))](\(file).md)"]
                + pages.filter { $0.file == file }.map { "  - `\($0.name)`: \($0.summary)" }
        }
        let index = (lines + ["- [The commands of `plugin`](commands.md)"]).joined(separator: "\n") + "\n"
        return [generated("README", "Reference of the plugin API", index)] + files
    }

    private static func generated(_ name: String, _ title: String, _ text: String) -> GeneratedFile {
        let note = "<!-- generated from the table of host functions: `make types` rewrites it, a test compares -->"
        return GeneratedFile(path: "sdk/docs/reference/\(name).md", text: "\(note)\n# \(title)\n\n\(text)")
    }

    private static func title(_ file: String) -> String {
        switch file {
        case "backend": "The descriptor: what a backend's file returns"
        case "verbs": "The verbs"
        case "tables": "The tables that verbs receive and answer"
        case "statuses": "The statuses"
        case "tests": "What tests may call"
        case "words": "Handles, argument lists, grants and the tool room"
        default: "host.\(file)"
        }
    }

    private static func isVerb(_ field: PluginField) -> Bool { PluginVerb.all.contains(field.name) }

    private static func function(_ row: HostFunction) -> ReferencePage {
        var lines = ["## \(row.name)", "", row.summary, "", "```lua", row.example, "```", ""]
        let verbs = row.verbs.count == PluginVerb.all.count ? "all" : row.verbs.joined(separator: ", ")
        lines.append("- **Verbs** \(verbs)\(row.elsewhere.isEmpty ? "" : "; \(row.elsewhere)")")
        lines.append("- **Grant** \(row.anyOf.isEmpty ? "none" : row.anyOf.map(\.rawValue).joined(separator: " or "))")
        lines.append("- **Statuses** \(row.answers.isInfallible ? "none: it cannot fail" : statuses(row))")
        let effect =
            switch row.effect {
            case .journalled: "journalled before and after"
            case .read: "it looks or waits"
            case .pure: "none"
            }
        lines.append("- **Effect** \(effect)")
        if let cost = row.costMicroseconds { lines.append("- **Cost** the host's own part: goal \(cost) µs") }
        lines.append("- **Since** api \(row.since), version \(row.version)")
        switch row.arguments {
        case .record: lines += ["", "Takes one table:", ""]
        case .positions(let fields):
            let call = fields.map { $0.required ? $0.name : "[\($0.name)]" }.joined(separator: ", ")
            lines += ["", "Takes `(\(call))`\(fields.isEmpty ? "." : ":")", ""]
        }
        lines += arguments(row.arguments.fields, "")
        lines += ["", "Answers \(answer(row))", ""]
        lines += row.answers.fields.map { "- `\($0.name)` \(TypesText.type($0.kind, in: "table")): \($0.summary)" }
        return ReferencePage(
            name: row.name,
            summary: row.summary,
            file: row.module,
            text: lines.joined(separator: "\n") + "\n"
        )
    }

    private static func statuses(_ row: HostFunction) -> String { row.statuses.map(\.rawValue).joined(separator: ", ") }

    private static func arguments(_ fields: [ArgumentField], _ prefix: String) -> [String] {
        fields.flatMap { field -> [String] in
            let need =
                field.required ? "required" : field.fallback.map { "default `\(LuaWords.literal($0))`" } ?? "optional"
            var range = ""
            if case .integer(let bounds) = field.kind { range = ", \(bounds.lowerBound) to \(bounds.upperBound)" }
            if case .bytes(let limit) = field.kind { range = ", at most \(limit) bytes" }
            let type = TypesText.type(field.kind, in: "table")
            let own = "- `\(prefix)\(field.name)` \(type)\(range), \(need): \(field.summary)"
            guard case .record(let inner) = field.kind else { return [own] }
            return [own] + arguments(inner, "\(prefix)\(field.name).")
        }
    }

    private static func answer(_ row: HostFunction) -> String {
        switch row.answers {
        case .nothing: "a status."
        case .process: "a status and a process."
        case .program: "a status and a table; after `failed` the reason, and the table third:"
        case .programs: "a status and a list of tables, in the order of the processes."
        case .asset: "a status, an asset and its size in bytes."
        case .one: "a status and one value:"
        case .record: "a status and a table:"
        case .value: "one value, and no status:"
        }
    }

    private static var descriptor: ReferencePage {
        let fields = PluginTable.descriptor.fields
        let lines =
            ["## Backend", "", "A backend is one file that returns this table. Any other field is an error.", ""]
            + fields.map { "- `\($0.name)`: \($0.summary)" } + [""]
        return ReferencePage(
            name: "Backend",
            summary: PluginTable.descriptor.summary,
            file: "backend",
            text: lines.joined(separator: "\n")
        )
    }

    private static func field(_ field: PluginField) -> ReferencePage {
        ReferencePage(
            name: field.name,
            summary: field.summary,
            file: "backend",
            text: self.field(field, heading: field.name)
        )
    }

    private static func field(_ field: PluginField, heading: String) -> String {
        let lines = [
            "## \(heading)", "", sentence(field.summary), "", "- **Type** \(TypesText.type(field.type))", need(field),
        ]
        return (lines + ["- **Since** api \(field.since)", ""]).joined(separator: "\n")
    }

    private static func sentence(_ text: String) -> String { text.prefix(1).uppercased() + text.dropFirst() + "." }

    private static func need(_ field: PluginField) -> String {
        if !field.fallback.isEmpty { return "- **Default** `\(field.fallback)`" }
        return field.isOptional ? "- **Optional**" : "- **Required**"
    }

    private static func verb(_ row: PluginVerb.Row) -> ReferencePage {
        var lines = ["## \(row.name)", "", row.summary, ""]
        let name = row.subject.lowercased()
        lines += ["```lua", "\(row.name) = function(\(name), request) … return \"ok\" end", "```", ""]
        lines.append(
            "- **\(row.isRequired ? "Required" : "Optional")**\(row.absent.isEmpty ? "" : "; without it: \(row.absent)")"
        )
        let functions = HostFunction.table.filter { $0.verbs.contains(row.name) }.map(\.name).joined(separator: ", ")
        lines += [
            "- **May call** \(functions)", "", "`\(name)` is a table of [\(row.subject)](tables.md). `request` holds:",
            "",
        ]
        lines += rows(row.request)
        lines += ["", row.result.fields.isEmpty ? "Answers a status alone." : "With \"ok\" it may answer:", ""]
        lines += rows(row.result) + (row.result.fields.isEmpty ? [] : [""])
        return ReferencePage(name: row.name, summary: row.summary, file: "verbs", text: lines.joined(separator: "\n"))
    }

    private static func table(_ table: PluginTable, file: String) -> ReferencePage {
        var lines = ["## \(table.name)", "", table.summary]
        if !table.base.isEmpty { lines.append("It has every field of \(table.base), and:") }
        return ReferencePage(
            name: table.name,
            summary: table.summary,
            file: file,
            text: (lines + [""] + rows(table) + [""]).joined(separator: "\n")
        )
    }

    private static func rows(_ table: PluginTable) -> [String] {
        table.fields.map { field in
            "- `\(field.name)` \(TypesText.type(field.type))\(field.isOptional ? ", optional" : ""): \(field.summary)"
        }
    }

    private static var status: ReferencePage {
        let lines =
            ["## status", "", "Every verb and almost every host function answers one of these first:", ""]
            + PluginStatus.allCases.map { "- `\($0.rawValue)` (\($0.codeName)): \($0.summary)" } + [""]
        return ReferencePage(
            name: "status",
            summary: "What verbs and host functions answer first.",
            file: "statuses",
            text: lines.joined(separator: "\n")
        )
    }

    private static var commands: String {
        PluginCommand.all.map { "## plugin \($0.name)\n\n\($0.summary).\n\n```\n\($0.help)```\n" }.joined(
            separator: "\n"
        )
    }
}
