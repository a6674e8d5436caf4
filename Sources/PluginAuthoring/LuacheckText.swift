import PluginProtocol

/// The linter's settings: what scripts may name is what the tables say.
enum LuacheckText {
    static func file(_ rows: [HostFunction]) -> GeneratedFile {
        var lines = [
            "-- generated from the table of host functions: `make types` rewrites it, a test compares",
            "std = \"none\"",
            "max_line_length = 120", "", "read_globals = {", "  host = { fields = {",
        ]
        var modules: [String] = []
        for row in rows where !modules.contains(row.module) { modules.append(row.module) }
        for module in modules {
            let names = rows.filter { $0.module == module }.map { "\"\($0.function)\"" }.joined(separator: ", ")
            lines.append("    \(module) = { fields = { \(names) } },")
        }
        lines.append("  } },")
        for (library, names) in LuaSurface.libraries {
            lines.append("  \(library) = { fields = {")
            lines += wrapped(names)
            lines.append("  } },")
        }
        lines += wrapped(LuaSurface.functions + ["require", "_VERSION", "_G"])
        lines += ["}", "", "files[\"**/*_test.lua\"] = { read_globals = { \"test\" } }"]
        lines += [
            "-- What describes names defines them, in functions without a body: it is parsed.",
            "files[\"**/sdk/types/*.lua\"] = { ignore = { \"1\", \"2\", \"6\" } }",
            "exclude_files = { \".build\", \"Tests\" }", "",
        ]
        return GeneratedFile(path: ".luacheckrc", text: lines.joined(separator: "\n"))
    }

    private static func wrapped(_ names: [String]) -> [String] {
        var lines: [String] = []
        var line = "   "
        for name in names {
            let word = " \"\(name)\","
            if line.count + word.count > 100 {
                lines.append(line)
                line = "   "
            }
            line += word
        }
        return lines + [line]
    }
}
