public import HostErrors
public import PluginHost
public import PluginOverlays
public import PluginProtocol

/// What `plugin check` knows of a script.
public struct CheckReport: Sendable {
    /// Something that its operator must give.
    public struct Grant: Sendable, Equatable {
        /// As the grant is named, such as `tool:bwrap`.
        public let name: String
        /// Whether it is given: by default, or on the command line.
        public let isGiven: Bool
        /// The option that gives it.
        public let how: String
    }

    /// The script.
    public let entry: PluginEntry
    /// What it says it is; nil when that cannot be read.
    public let descriptor: PluginDescriptor?
    /// What is wrong, each in full.
    public let mistakes: [String]
    /// What is suspicious and no mistake.
    public let warnings: [String]
    /// What it needs of its operator.
    public let grants: [Grant]
    /// The functions that it calls and does not list.
    public let missingNeeds: [String]
    /// What surrounded the supervisor that loaded it.
    public let confinement: SupervisorConfinement

    /// Whether it can be served.
    public var isGood: Bool { mistakes.isEmpty }

    /// Loads a script in a supervisor and looks at its text.
    ///
    /// - Parameters:
    ///   - entry: the script.
    ///   - pool: where the supervisor comes from.
    ///   - granted: what an operator would give, as on the command line.
    /// - Returns: everything found.
    /// - Throws: when no supervisor can be started: that says nothing of the script.
    public static func make(
        _ entry: PluginEntry,
        pool: SupervisorPool,
        granted: [String] = []
    ) throws(HostError) -> CheckReport {
        let file = entry.path.split(separator: "/").last.map(String.init) ?? entry.path
        func report(_ descriptor: PluginDescriptor?, _ mistakes: [String], _ warnings: [String], _ needs: [String])
            -> CheckReport
        {
            CheckReport(
                entry: entry,
                descriptor: descriptor,
                mistakes: mistakes,
                warnings: warnings,
                grants: descriptor.map { Self.grants(of: $0, shipped: entry.isShipped, granted) } ?? [],
                missingNeeds: needs,
                confinement: pool.confinement
            )
        }
        if case .broken(let cause) = entry.state { return report(nil, [cause], [], []) }
        let descriptor: PluginDescriptor
        do throws(HostError) {
            descriptor = try ScriptBackend.descriptor(entry, pool: pool)
        } catch {
            // Only what the script did is about the script.
            guard error.context["plugin.trap"] != nil || error.reason == .plugin && error.code != .deadlineExceeded
            else { throw error }
            return report(nil, [error.message], [], [])
        }
        let lint = ScriptLint(entry.source)
        let found = lint.mistakes(needs: descriptor.needs)
        let needsLine = lint.needsLine.map { ":\($0)" } ?? ""
        let source = String(decoding: entry.source, as: UTF8.self).split(
            separator: "\n",
            omittingEmptySubsequences: false
        )
        let mistakes = found.map { finding in
            let text = finding.line <= source.count ? String(source[finding.line - 1]) : ""
            let shown = "   \(finding.line) | \(text)"
            return "\(file):\(finding.line): \(finding.message)\n\(shown)\n  mend      \(finding.mend)"
        }
        let warnings =
            descriptor.warnings.map { "\(file)\(needsLine) \($0)" }
            + lint.ignoredStatuses().map { "\(file):\($0.line) \($0.message)" }
        return report(descriptor, mistakes, warnings, found.map(\.need).filter { !$0.isEmpty })
    }

    /// What a descriptor asks of an operator.
    static func grants(of descriptor: PluginDescriptor, shipped: Bool, _ granted: [String]) -> [Grant] {
        let given = granted.map { String($0.prefix { $0 != "=" }) }
        let byDefault = shipped ? ["workload", "bundle", "asset"] : ["workload", "bundle"]
        func one(_ name: String, _ how: String) -> Grant {
            Grant(name: name, isGiven: byDefault.contains(name) || given.contains(name), how: "--grant \(how)")
        }
        var grants = descriptor.tools.keys.sorted().map { one("tool:\($0)", GrantHint.tool($0)) }
        grants += descriptor.devices.keys.sorted().map { one("device:\($0)", GrantHint.device($0)) }
        for need in descriptor.needs {
            guard let row = HostFunction.named(need), let first = row.anyOf.first else { continue }
            let names = row.anyOf.map(\.rawValue)
            // A tool of its own, or one of several kinds, is enough.
            if names.contains("tool"), !descriptor.tools.isEmpty { continue }
            if grants.contains(where: { grant in names.contains { grant.name == $0 } }) { continue }
            grants.append(one(first.rawValue, first.rawValue))
        }
        return grants
    }

    /// Whether this says that a wall is left out because it was not started by root.
    private var confinedNote: [String] { confinement.separate ? [] : ["  confined  \(confinement.applied)"] }

    /// The report for people.
    ///
    /// - Parameter all: every mistake of a descriptor, not only the first.
    /// - Returns: lines, each with its end.
    public func text(all: Bool = false) -> String {
        guard let descriptor, isGood else {
            return mistakes.map { all ? $0 : Self.first($0) }.joined(separator: "\n") + "\n"
        }
        let scopes = descriptor.scopes.isEmpty ? "–" : descriptor.scopes.joined(separator: " ")
        let enforces = descriptor.enforces.isEmpty ? "–" : descriptor.enforces.joined(separator: " ")
        let weak = ["none", "kernel-shared"].contains(descriptor.isolation) ? ", not a security boundary" : ""
        var lines = [
            "\(descriptor.name) · api \(descriptor.api) · \(descriptor.isolation)\(weak) · scopes \(scopes) · enforces \(enforces)",
            "  verbs     \(verbs(descriptor))",
            "  needs     \(descriptor.needs.isEmpty ? "–" : descriptor.needs.joined(separator: "  "))",
        ]
        for (index, grant) in grants.enumerated() {
            let label = index == 0 ? "grants  " : "        "
            let state = grant.isGiven ? "given" : "NOT GIVEN  → \(grant.how)"
            lines.append("  \(label)  \(grant.name)  \(state)")
        }
        if grants.contains(where: { $0.isGiven && $0.name.hasPrefix("tool:") }) {
            lines.append("            \(OperatorGrant.warning)")
        }
        for (index, warning) in warnings.enumerated() {
            lines.append("  \(index == 0 ? "warnings" : "        ")  \(warning)")
        }
        return (lines + confinedNote + [verdict]).joined(separator: "\n") + "\n"
    }

    /// `good, 1 warning, 1 grant to give`.
    public var verdict: String {
        guard isGood else { return "\(mistakes.count) mistake\(mistakes.count == 1 ? "" : "s")" }
        let missing = grants.count { !$0.isGiven }
        var parts = ["good"]
        if !warnings.isEmpty { parts.append("\(warnings.count) warning\(warnings.count == 1 ? "" : "s")") }
        if missing > 0 { parts.append("\(missing) grant\(missing == 1 ? "" : "s") to give") }
        return parts.joined(separator: ", ")
    }

    private func verbs(_ descriptor: PluginDescriptor) -> String {
        let absent = PluginVerb.rows.filter { !descriptor.verbs.contains($0.name) }
        let own = absent.filter { $0.absent.hasPrefix("the host's own") }.map(\.name)
        let refused = absent.map(\.name).filter { !own.contains($0) }
        var notes: [String] = []
        if !refused.isEmpty { notes.append("absent: \(refused.joined(separator: " "))") }
        if !own.isEmpty { notes.append("the host's own: \(own.joined(separator: " "))") }
        return descriptor.verbs.joined(separator: " ") + (notes.isEmpty ? "" : "     \(notes.joined(separator: "; "))")
    }

    /// A text without the mistakes after its first, which are only counted.
    private static func first(_ text: String) -> String {
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        let also = lines.count { $0.hasPrefix("  also      ") }
        guard also > 0, let head = lines.first else { return text }
        let rest = lines.dropFirst().filter { !$0.hasPrefix("  also      ") }
        return (["\(head)  (\(also) more: --all)"] + rest).joined(separator: "\n")
    }

    /// The report for programs.
    public var json: PluginJSON {
        var members: [(String, PluginJSON)] = [
            ("name", .text(entry.name)), ("path", .text(entry.path)), ("good", .boolean(isGood)),
            ("mistakes", .texts(mistakes)), ("warnings", .texts(warnings)),
        ]
        if let descriptor {
            members += [
                ("api", .integer(descriptor.api)), ("isolation", .text(descriptor.isolation)),
                ("summary", .text(descriptor.summary)), ("verbs", .texts(descriptor.verbs)),
                ("needs", .texts(descriptor.needs)), ("scopes", .texts(descriptor.scopes)),
                ("enforces", .texts(descriptor.enforces)),
                ("container_limits", .texts(descriptor.containerLimits)),
            ]
        }
        let wanted = grants.map { grant in
            PluginJSON.object([
                ("name", .text(grant.name)), ("given", .boolean(grant.isGiven)), ("how", .text(grant.how)),
            ])
        }
        members += [
            ("grants", .list(wanted)), ("missing_needs", .texts(missingNeeds)),
            ("confinement", .text(confinement.applied)), ("sha256", .text(entry.sha256)),
        ]
        return .object(members)
    }

    /// The source with the missing needs added; nil when nothing is missing or no place for them is found.
    public var fixed: [UInt8]? {
        missingNeeds.isEmpty ? nil : ScriptLint(entry.source).adding(missingNeeds, to: entry.source)
    }
}
