import ActorContract
import HostErrors
import PluginHost
import PluginOverlays

/// Who serves a name, what that shadows, and what the script may do.
struct OverlayExplanation {
    /// One need of the script and what becomes of it.
    struct Need: Equatable {
        /// `process.run`, `tool bwrap`.
        let what: String
        /// Whether the script can do without.
        let isRequired: Bool
        /// What gives it, or nil when nothing is needed.
        let given: BackendSettings.Given?
        /// What the operator would write; nil when it is given or needs no grant.
        let mend: String?
    }

    let entry: PluginEntry
    /// What is wrong with the file or with what is given; empty when it serves.
    private(set) var problems: [String] = []
    private(set) var description: BackendDescription?
    private(set) var needs: [Need] = []
    /// What is suspicious in the script and no mistake.
    private(set) var hints: [String] = []
    /// Given, and not what the script needs.
    private(set) var unused: [BackendSettings.Given] = []

    /// Loads the script and compares what it needs with what it is given.
    ///
    /// - Parameters:
    ///   - entry: the winner of its name.
    ///   - settings: what the operator gives it.
    ///   - pool: where the supervisor comes from.
    init(_ entry: PluginEntry, _ settings: BackendSettings, pool: SupervisorPool) {
        self.entry = entry
        let given = settings.allGrants(isShipped: entry.isShipped)
        do throws(HostError) {
            let wanted = try BackendNeeds(entry, config: settings.config.mapValues(\.text), pool: pool)
            description = wanted.description
            var used: Set<OperatorGrant> = []
            func take(_ what: String, isRequired: Bool, _ kinds: [String], mend: String) -> Need {
                let match = given.first { kinds.contains($0.grant.kind) || kinds.contains($0.grant.target) }
                if let match { used.insert(match.grant) }
                let isGiven = match != nil || kinds.isEmpty
                return Need(what: what, isRequired: isRequired, given: match, mend: isGiven ? nil : mend)
            }
            for function in wanted.functions {
                needs.append(
                    take(function.name, isRequired: true, function.anyOf, mend: Self.example(function.anyOf, wanted))
                )
            }
            for (name, isRequired) in wanted.tools.sorted(by: { $0.key < $1.key }) {
                needs.append(
                    take(
                        "tool \(name)",
                        isRequired: isRequired,
                        ["tool:\(name)"],
                        mend: GrantHint.tool(name)
                    )
                )
            }
            for (name, isRequired) in wanted.devices.sorted(by: { $0.key < $1.key }) {
                needs.append(
                    take(
                        "device \(name)",
                        isRequired: isRequired,
                        ["device:\(name)"],
                        mend: GrantHint.device(name)
                    )
                )
            }
            unused = given.filter { $0.origin != .standard && !used.contains($0.grant) }
            hints = wanted.warnings
            problems += wanted.configMistakes
            problems += notGiven
        } catch { problems.append(error.message) }
    }

    /// What is required and not given, one line for each grant that would give it.
    private var notGiven: [String] {
        var mends: [String] = []
        for need in needs where need.isRequired {
            if let mend = need.mend, !mends.contains(mend) { mends.append(mend) }
        }
        return mends.map { mend in
            let names = needs.filter { $0.isRequired && $0.mend == mend }.map(\.what)
            let isOne = names.count == 1
            return "\(names.joined(separator: ", ")) \(isOne ? "is" : "are") NOT GIVEN; \(mendText(mend))"
        }
    }

    private static func example(_ kinds: [String], _ wanted: BackendNeeds) -> String {
        if kinds.contains("tool"), let tool = wanted.tools.keys.min() { return GrantHint.tool(tool) }
        switch kinds.first ?? "" {
        case "tool": return "tool:NAME=PATH"
        case "device": return "device:NAME=PATH"
        case "socket": return "socket:PATH"
        case let plain: return plain
        }
    }

    private func mendText(_ grant: String) -> String {
        "the operator gives it: backends: { \(entry.name): { grants: [\"\(grant)\"] } } in substrate.yaml, or --grant \(entry.name)/\(grant)"
    }

    /// For people.
    func print(_ output: ConsoleOutput) {
        output.line(output.styled(entry.name, .bold) + "  \(entry.path)")
        output.line("  from       \(entry.origin)")
        output.line("  sha256     \(entry.sha256.isEmpty ? "-" : entry.sha256)")
        for name in entry.libraries.keys.sorted() { output.line("  requires   lib/\(name).lua") }
        for path in entry.shadows { output.line("  shadows    \(path)") }
        if let description {
            output.line("  isolation  \(description.isolation), as \(entry.path) claims; the host has not checked it")
        }
        for need in needs {
            let weight = need.isRequired ? "" : " (optional)"
            if let mend = need.mend {
                output.line(
                    "  needs      \(need.what)\(weight): " + output.styled("NOT GIVEN", .red) + "; \(mendText(mend))"
                )
            } else if let given = need.given {
                output.line("  needs      \(need.what)\(weight): given, \(given.grant.text) (\(given.origin))")
            } else {
                output.line("  needs      \(need.what)\(weight): no grant needed")
            }
        }
        for given in unused {
            output.line("  given      \(given.grant.text) (\(given.origin)), and the script does not need it")
        }
        for text in warnings + hints { output.line("  " + output.styled("warning", .yellow) + "    \(text)") }
        // What is not given was said with the need itself.
        for problem in problems where !problem.contains("NOT GIVEN") {
            output.line("  " + output.styled("broken", .red) + "     \(problem)")
        }
    }

    /// The sentence about tools, once for each that is given.
    var warnings: [String] {
        (needs.compactMap(\.given) + unused).filter(\.grant.isTool).map { "\($0.grant.text): \(OperatorGrant.warning)" }
            .reduce(into: []) { if !$0.contains($1) { $0.append($1) } }
    }

    /// For programs.
    var json: JSONText {
        .members([
            "name": .string(entry.name), "path": .string(entry.path), "from": .string(entry.origin),
            "sha256": .string(entry.sha256), "revision": .string(entry.revision),
            "requires": .list(entry.libraries.keys.sorted().map { .string($0) }),
            "shadows": .list(entry.shadows.map { .string($0) }),
            "isolation": .members([
                "level": .optional(description?.isolation), "claimed_by": .string(entry.path), "checked": .bool(false),
            ]),
            "needs": .list(
                needs.map { need in
                    .members([
                        "what": .string(need.what), "required": .bool(need.isRequired),
                        "grant": .optional(need.given?.grant.text), "from": .optional(need.given?.origin.description),
                        "given": .bool(need.mend == nil), "mend": .optional(need.mend),
                    ])
                }
            ),
            "unused": .list(unused.map { .string($0.grant.text) }),
            "warnings": .list((warnings + hints).map { .string($0) }),
            "errors": .list(problems.map { .string($0) }),
        ])
    }
}
