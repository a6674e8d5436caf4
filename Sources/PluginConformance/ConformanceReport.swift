/// What a run of the suite found.
public struct ConformanceReport: Sendable, Equatable {
    /// Something that is wrong with the backend, or with the host where the name is `leaks`.
    public struct Failure: Sendable, Equatable {
        /// The check's name, which says what kind of mistake it is.
        public var name: String
        /// One line.
        public var text: String
        /// The script's line that is to blame; nil where nobody knows it.
        public var line: UInt32?
        /// What an author can do about it; empty where the text says it.
        public var mend: String
    }

    /// How one check came out.
    public struct Outcome: Sendable, Equatable {
        /// The check's name.
        public var name: String
        /// What holds when it passes.
        public var shows: String
        /// nil: it passed.
        public var failure: Failure?
    }

    /// The backend's name.
    public var backend = ""
    /// The script's file.
    public var path = ""
    /// The script's SHA-256.
    public var sha256 = ""
    /// The api that it was written for.
    public var api: Int64 = 1
    /// The scopes that it declares.
    public var scopes: [String] = []
    /// The checks that apply to it, in order.
    public var contract: [Outcome] = []
    /// The names of the checks that do not apply to it.
    public var skipped: [String] = []
    /// How many host calls its verbs make.
    public var calls = 0
    /// In how many ways each call can go wrong: the fewest and the most.
    public var kinds: ClosedRange<Int> = 0...0
    /// How many faults were injected.
    public var faults = 0
    /// How many verbs were killed.
    public var kills = 0
    /// How many of either could not be: the call did not come again.
    public var unmet = 0
    /// What faults brought up.
    public var faultFailures: [Failure] = []
    /// What kills brought up.
    public var killFailures: [Failure] = []
    /// What the host left: bugs of the host, not of the script.
    public var leaks: [Failure] = []
    /// Whether faults were injected at all.
    public var hasFaults = false
    /// How long it took, in milliseconds.
    public var milliseconds: Int64 = 0

    /// Makes an empty report.
    public init() {}

    /// Everything that is wrong, in the order of the suite.
    public var failures: [Failure] { contract.compactMap(\.failure) + faultFailures + killFailures + leaks }

    /// Whether nothing is.
    public var conforms: Bool { failures.isEmpty }

    /// The same with those of one name and one line, or of one text, as one, and how many more there are.
    private var grouped: [(failure: Failure, more: Int)] {
        var groups: [(failure: Failure, more: Int)] = []
        for failure in failures {
            let place = groups.firstIndex {
                failure.line != nil && $0.failure.name == failure.name && $0.failure.line == failure.line
                    || failure.line == nil && $0.failure.text == failure.text
            }
            if let place { groups[place].more += 1 } else { groups.append((failure, 0)) }
        }
        return groups
    }

    /// The summary as people read it.
    ///
    /// - Parameter file: where the report is; nil when there is none.
    /// - Returns: lines without their ends.
    public func lines(report file: String?) -> [String] {
        let passed = contract.count { $0.failure == nil }
        var first = "contract \(passed) of \(contract.count)"
        if hasFaults {
            let each =
                kinds.lowerBound == kinds.upperBound ? "\(kinds.upperBound)" : "\(kinds.lowerBound)–\(kinds.upperBound)"
            first += " · faults \(calls) calls × \(each) kinds: \(faults - faultFailures.count) of \(faults)"
            first += " · killed at each of \(kills) calls: \(kills - killFailures.count) converge"
            if unmet > 0 { first += " · \(unmet) not met again" }
        }
        first += " · leaks \(leaks.count)"
        var lines = [first]
        // Of a run of everything: who asked for some checks knows which.
        if hasFaults, contract.count > 1, !skipped.isEmpty {
            lines.append("not applicable: \(skipped.joined(separator: ", "))")
        }
        for (failure, more) in grouped {
            // A program's words may hold more lines than one.
            let text = failure.text.split(separator: "\n", omittingEmptySubsequences: false).joined(separator: "\\n")
            lines.append("! \(failure.name.padded(to: 17)) \(text)")
            if more > 0 {
                lines.append(
                    "    also      \(more) more \(failure.line == nil ? "that say this" : "at this line"), all in the report"
                )
            }
            if !failure.mend.isEmpty { lines.append("    mend      \(failure.mend)") }
            if contract.contains(where: { $0.name == failure.name }) {
                lines.append("    again     substrate-host plugin conformance \(path) --only \(failure.name)")
            }
        }
        let place = file.map { "; report in \($0)" } ?? ""
        let scopes = scopes.isEmpty ? "no snapshots" : "scopes \(scopes.joined(separator: " "))"
        lines.append(
            conforms
                ? "conforms: api \(api), \(scopes)\(place)"
                : "does not conform: \(failures.count) \(failures.count == 1 ? "mistake" : "mistakes")\(place)"
        )
        return lines
    }
}

extension String {
    fileprivate func padded(to width: Int) -> String {
        count >= width ? self : self + String(repeating: " ", count: width - count)
    }
}
