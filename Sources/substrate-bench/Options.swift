/// What the command line asked for.
struct Options {
    var json = false
    var help = false
    var strict = false
    var samples = 9
    /// Scenarios by name; empty runs all.
    var only: Set<String> = []
    /// The backend that is measured beside its runtime's bare commands; nil measures none.
    var backend: String?
    /// What it is given.
    var grants: [String] = []

    static let help = """
        Measures substrate-host beside the floors of this machine, in one run.

        usage: substrate-bench [--only NAME]… [--samples N] [--json] [--strict]
               substrate-bench --backend NAME [--grant GRANT]…

          --only NAME    one scenario; may be repeated: \(Scenario.allCases.map(\.rawValue).joined(separator: ", "))
          --backend NAME measures this backend alone: Run, Checkpoint and Restore, without and with sandboxes made ahead,
                         beside the commands of its runtime, which plugins/NAME/bare runs by hand; with --only sizes
                         the same of actors with 64 and 256 MiB of memory, and with an object store
          --grant GRANT  what that backend is given, as for substrate-host; may be repeated
          --samples N    samples of each figure, at least 7 (default 9); the median is shown
          --json         one JSON object for machines
          --strict       exit 1 when a goal is missed
          --help         this text

        Runs as root: it starts confined processes. State goes to a new directory in /dev/shm and away again.
        A goal that is missed is shown as missed; the exit code is 0 all the same, 1 when a measurement fails,
        2 for a wrong command line.

        examples:
          substrate-bench
          substrate-bench --only contract --only start
          substrate-bench --json > figures.json
          substrate-bench --backend mine --grant tool:mine=/usr/bin/mine

        """

    /// Reads the arguments, the program's name left out.
    ///
    /// - Throws: what is wrong with them.
    init(_ arguments: ArraySlice<String>) throws(UsageFailure) {
        var rest = arguments
        func value(_ option: String) throws(UsageFailure) -> String {
            guard let next = rest.popFirst() else { throw UsageFailure("\(option) takes a value") }
            return next
        }
        while let argument = rest.popFirst() {
            switch argument {
            case "--json": json = true
            case "--help", "-h": help = true
            case "--strict": strict = true
            case "--samples":
                let text = try value(argument)
                guard let number = Int(text), (7...1000).contains(number) else {
                    throw UsageFailure("--samples \(text): a number from 7 to 1000")
                }
                samples = number
            case "--backend": backend = try value(argument)
            case "--grant": grants += ["--grant", try value(argument)]
            case "--only":
                let text = try value(argument)
                guard Scenario(rawValue: text) != nil else {
                    let known = Scenario.allCases.map(\.rawValue).joined(separator: ", ")
                    throw UsageFailure("unknown scenario \"\(text)\"; available: \(known)")
                }
                only.insert(text)
            default: throw UsageFailure("unknown argument \"\(argument)\"; see --help")
            }
        }
    }

    func wants(_ scenario: Scenario) -> Bool {
        if backend != nil { return scenario == (only.contains(Scenario.sizes.rawValue) ? .sizes : .backend) }
        if scenario == .backend || scenario == .sizes { return false }
        return only.isEmpty || only.contains(scenario.rawValue)
    }
}

/// A wrong command line.
struct UsageFailure: Error {
    let text: String

    init(_ text: String) { self.text = text }
}

/// What can be measured.
enum Scenario: String, CaseIterable {
    case contract, verbs, supervisor, memory, start, plugin, assets, unpack, snapshots, backend, sizes
}
