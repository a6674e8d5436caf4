import HostErrors
import Transfer

/// What `serve` and `assets` are told of assets.
extension CommandReader {
    /// `assets ACTION …`.
    func assets() throws(UsageError) -> AssetsOptions {
        let configuration = try configuration()
        let whole = CommandReader(command: command, parsed: merged(configuration), environment: environment)
        return try whole.assetsMerged()
    }

    private func assetsMerged() throws(UsageError) -> AssetsOptions {
        let word = parsed.operands[0]
        guard let action = AssetsOptions.Action(rawValue: word) else {
            let actions = AssetsOptions.Action.allCases.map(\.rawValue)
            let near = nearestName(to: word, among: actions).map { "; did you mean \"\($0)\"?" } ?? ""
            throw error("there is \(actions.joined(separator: ", ")), not \"\(word)\"" + near)
        }
        var operands = Array(parsed.operands.dropFirst())
        let (form, counts): (String, ClosedRange<Int>) =
            switch action {
            case .ls, .verify: ("[PACK]", 0...1)
            case .gc, .stats: ("no operand", 0...0)
            case .fetch: ("URL SHA256", 2...2)
            case .pack: ("LIST OUT", 2...2)
            case .preload: ("PACK", 1...1)
            }
        guard counts.contains(operands.count) else {
            throw error("\(action.rawValue) takes \(form), and got \(operands.count)")
        }
        if action != .fetch { operands = operands.map(environment.absolute) }
        for (option, user) in [("dry-run", AssetsOptions.Action.gc), ("min-age", .gc), ("name", .fetch)]
        where parsed.has(option) && action != user {
            throw error("--\(option) is for \(user.rawValue) alone")
        }
        let base = try baseDirectory()
        return AssetsOptions(
            action: action,
            operands: operands,
            baseDirectory: base,
            name: parsed.value("name") ?? String(operands.first?.split(separator: "/").last ?? "asset"),
            roots: parsed.has("asset-root") ? directories("asset-root") : ["/"],
            origins: try origins("asset-origin"),
            budget: try size("asset-budget") ?? 0,
            minimumAge: Int64(try number("min-age", 0...1_000_000_000) ?? 600),
            isTrial: parsed.has("dry-run"),
            json: parsed.has("json")
        )
    }

    /// Origins, each checked.
    func origins(_ option: String) throws(UsageError) -> [String] {
        for text in parsed.list(option) {
            do throws(HostError) { _ = try TrustedOrigin(text) } catch {
                throw self.error("--\(option)=\(text): \(error.message)")
            }
        }
        return parsed.list(option)
    }

    /// A number of bytes; nil when it is absent.
    func size(_ option: String) throws(UsageError) -> Int64? {
        guard let text = parsed.value(option) else { return nil }
        guard let bytes = ByteSize.parse(text) else { throw error("--\(option)=\(text): write \(ByteSize.form)") }
        return bytes
    }
}
