import PluginCommands

/// The shells that can complete our commands, and the script for each, made from the command table.
enum Completion: String, CaseIterable {
    case bash, zsh, fish

    /// A script for the shell to source.
    var script: String {
        switch self {
        case .bash: Self.bashScript
        case .zsh: "#compdef \(Program.name)\nautoload -U +X bashcompinit && bashcompinit\n" + Self.bashScript
        case .fish: Self.fishScript
        }
    }

    private static let names = CommandTable.commands.map(\.name).joined(separator: " ")

    /// zsh runs this one too, through its bashcompinit.
    private static var bashScript: String {
        var cases = ""
        for command in CommandTable.commands {
            var words = command.options.map { "--\($0.name)" } + ["--help"]
            if command.name == "completion" { words += allCases.map(\.rawValue) }
            words += command.words
            cases += "        \(command.name)) words='\(words.joined(separator: " "))' ;;\n"
        }
        var values = ""
        for option in uniqueOptions {
            switch option.value {
            case .words(let words): values += "        --\(option.name)) words='\(words.joined(separator: " "))' ;;\n"
            case .directory:
                values += "        --\(option.name)) COMPREPLY=($(compgen -d -- \"$current\")); return ;;\n"
            case .free: continue
            }
        }
        return """
            _substrate_host() {
                local current="${COMP_WORDS[COMP_CWORD]}" previous="${COMP_WORDS[COMP_CWORD-1]}" words=''
                case "${COMP_WORDS[1]}" in
            \(cases)        *) words='\(names) --help --version --backend' ;;
                esac
                if [ "${COMP_WORDS[1]}" = plugin ] && [ "$COMP_CWORD" -gt 2 ]; then
                    case "${COMP_WORDS[2]}" in
            \(pluginCases)        esac
                fi
                [ "$COMP_CWORD" -eq 1 ] && words='\(names) --help --version --backend'
                case "$previous" in
            \(values)    esac
                COMPREPLY=($(compgen -W "$words" -- "$current"))
                [ "${#COMPREPLY[@]}" -eq 0 ] && COMPREPLY=($(compgen -f -- "$current"))
            }
            complete -F _substrate_host \(Program.name)

            """
    }

    /// The options of `plugin check` and its sisters, which another program reads.
    private static var pluginCases: String {
        PluginCommand.all.map { command in
            let words = command.options.map { "--\($0.name)" } + ["--json", "--help"]
            return "            \(command.name)) words='\(words.joined(separator: " "))' ;;\n"
        }.joined()
    }

    private static var fishScript: String {
        var lines: [String] = []
        let program = "complete -c \(Program.name)"
        for command in CommandTable.commands {
            lines.append("\(program) -n __fish_use_subcommand -f -a \(command.name) -d '\(quoted(command.summary))'")
            if command.name == "completion" {
                let shells = allCases.map(\.rawValue).joined(separator: " ")
                lines.append("\(program) -n '__fish_seen_subcommand_from completion' -f -a '\(shells)'")
            }
            for option in command.options {
                var line = "\(program) -n '__fish_seen_subcommand_from \(command.name)' -l \(option.name)"
                if let short = option.short { line += " -s \(short)" }
                switch option.value {
                case .words(let words): line += " -x -a '\(words.joined(separator: " "))'"
                case .directory: line += " -x -a '(__fish_complete_directories)'"
                case .free: line += option.placeholder == nil ? "" : " -r"
                }
                lines.append("\(line) -d '\(quoted(option.summary))'")
            }
        }
        for command in PluginCommand.all {
            let after = "\(program) -n '__fish_seen_subcommand_from plugin"
            let summary = quoted(command.summary)
            lines.append("\(after); and test (count (commandline -opc)) -eq 2' -f -a \(command.name) -d '\(summary)'")
            for option in command.options {
                let value = option.placeholder.isEmpty ? "" : " -r"
                lines.append(
                    "\(after); and __fish_seen_subcommand_from \(command.name)' -l \(option.name)\(value) -d '\(quoted(option.summary))'"
                )
            }
        }
        return lines.joined(separator: "\n") + "\n"
    }

    private static var uniqueOptions: [CommandOption] {
        var seen: Set<String> = []
        return CommandTable.commands.flatMap(\.options).filter { seen.insert($0.name).inserted }
    }

    /// For fish's single quotes.
    private static func quoted(_ text: String) -> String {
        String(text.flatMap { $0 == "'" || $0 == "\\" ? ["\\", $0] : [$0] })
    }
}
