import Glibc

/// `config check` and `config show`.
enum ConfigCommand {
    /// Runs one.
    ///
    /// - Parameters:
    ///   - options: which.
    ///   - environment: says where the usual file is.
    ///   - output: for the answer.
    /// - Returns: failure when `check` found a mistake.
    static func run(
        _ options: ConfigOptions,
        environment: Environment = .current,
        output: ConsoleOutput = .standard
    ) -> ExitCode {
        switch options {
        case .check(let file, let json): return check(file, json, environment, output)
        case .show(let settings, let json):
            json ? output.json(Self.json(settings)) : print(settings, output)
            return .ok
        }
    }

    private static func check(
        _ file: String?,
        _ json: Bool,
        _ environment: Environment,
        _ output: ConsoleOutput
    ) -> ExitCode {
        var mistakes: [String] = []
        var path = file
        do throws(Configuration.Mistakes) {
            path = try Configuration.find(file, environment: environment).path
        } catch {
            mistakes = error.lines
            path = path ?? environment.configurationFiles.first { unsafe access($0, F_OK) == 0 }
        }
        if json {
            output.json(
                .members([
                    "file": .optional(path), "ok": .bool(mistakes.isEmpty),
                    "errors": .list(mistakes.map { .string($0) }),
                ])
            )
        } else if let path {
            for line in mistakes { output.line(line) }
            if mistakes.isEmpty { output.line("\(path): ok") }
        } else {
            output.line("no configuration file: looked for \(environment.configurationFiles.joined(separator: ", "))")
        }
        return mistakes.isEmpty ? .ok : .failure
    }

    private static func print(_ settings: EffectiveSettings, _ output: ConsoleOutput) {
        output.table(
            ["SETTING", "VALUE", "FROM"],
            settings.rows.map { row in
                let value = if case .string(let text) = row.value { text } else { row.value.line }
                return [row.key, row.value == .null ? "-" : value, row.origin.description]
            }
        )
        for row in settings.rows {
            if let warning = row.warning, case .string(let text) = row.value {
                output.line("\n\(row.key) \(text): \(warning)")
            }
        }
    }

    private static func json(_ settings: EffectiveSettings) -> JSONText {
        .members([
            "file": .optional(settings.file),
            "settings": .list(
                settings.rows.map { row in
                    .members([
                        "key": .string(row.key), "value": row.value, "from": .string(row.origin.description),
                        "warning": .optional(row.warning),
                        "help": .optional(help(row.key)),
                    ])
                }
            ),
        ])
    }

    private static func help(_ key: String) -> String? {
        (SettingKey.named(key) ?? SettingKey.table.first { key.hasPrefix($0.name + ".") })?.doc
    }
}
