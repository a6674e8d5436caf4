import Snapshots

/// `snapshots`.
struct SnapshotsOptions: Equatable, Sendable {
    /// What to do.
    enum Action: String, CaseIterable, Sendable {
        case ls, verify, gc, export
        case `import`
    }

    var action: Action
    /// What stands behind it: actors, names and URIs.
    var operands: [String]
    /// The host's state, absolute.
    var baseDirectory: String
    /// The parent of the buckets of `file:`.
    var objectDirectory: String
    var format: SnapshotFormat
    /// How many `gc` keeps of each actor.
    var keep: Int
    /// Seconds in which a chunk is too young to go.
    var minimumAge: Int64
    /// Whether `gc` only says what it would do.
    var isTrial: Bool
    var json: Bool

    /// Whether it is about a store.
    var uri: String? { operands.first.flatMap { $0.contains("://") ? $0 : nil } }
}

/// What `serve` and `snapshots` are told of snapshots.
extension CommandReader {
    /// `snapshots ACTION …`.
    func snapshots() throws(UsageError) -> SnapshotsOptions {
        let configuration = try configuration()
        let whole = CommandReader(command: command, parsed: merged(configuration), environment: environment)
        return try whole.snapshotsMerged()
    }

    private func snapshotsMerged() throws(UsageError) -> SnapshotsOptions {
        let word = parsed.operands[0]
        guard let action = SnapshotsOptions.Action(rawValue: word) else {
            let actions = SnapshotsOptions.Action.allCases.map(\.rawValue)
            let near = nearestName(to: word, among: actions).map { "; did you mean \"\($0)\"?" } ?? ""
            throw error("there is \(actions.joined(separator: ", ")), not \"\(word)\"" + near)
        }
        let operands = Array(parsed.operands.dropFirst())
        let isURI = operands.first?.contains("://") ?? false
        let (form, counts): (String, ClosedRange<Int>) =
            switch action {
            case .ls: ("[URI]", 0...1)
            case .verify where isURI: ("URI", 1...1)
            case .verify: ("[ACTOR [NAME]] or URI", 0...2)
            case .gc: ("[URI]", 0...1)
            case .export: ("ACTOR NAME URI", 3...3)
            case .import: ("URI ACTOR NAME", 3...3)
            }
        guard counts.contains(operands.count) else {
            throw error("\(action.rawValue) takes \(form), and got \(operands.count)")
        }
        let place: String? =
            switch action {
            case .export: operands[2]
            case .import, .ls, .gc: operands.first
            case .verify: nil
            }
        if let place, !place.contains("://") {
            throw error("\"\(place)\" is no URI: write file://BUCKET/PATH, s3://BUCKET/PATH or gs://BUCKET/PATH")
        }
        for (option, isUsed) in [
            ("keep", action == .gc && !isURI), ("min-age", action == .gc && isURI), ("dry-run", action == .gc),
        ] where parsed.has(option) && !isUsed {
            throw error("--\(option) is not for \(word)\(isURI ? " of a store" : "")")
        }
        let base = try baseDirectory()
        return SnapshotsOptions(
            action: action,
            operands: operands,
            baseDirectory: base,
            objectDirectory: directory("object-dir") ?? "\(base)/objects",
            format: try choice("snapshot-format") ?? .chunks,
            keep: try number("keep", 0...1_000_000) ?? 1,
            minimumAge: Int64(try number("min-age", 0...1_000_000_000) ?? Int(ExternalSnapshots.youngest)),
            isTrial: parsed.has("dry-run"),
            json: parsed.has("json")
        )
    }
}
