import Images

/// What `serve` and `images` are told of images.
extension CommandReader {
    /// `images ACTION [IMAGE]`.
    func images() throws(UsageError) -> ImagesOptions {
        let configuration = try configuration()
        let whole = CommandReader(command: command, parsed: merged(configuration), environment: environment)
        return try whole.imagesMerged()
    }

    private func imagesMerged() throws(UsageError) -> ImagesOptions {
        let word = parsed.operands[0]
        guard let action = ImagesOptions.Action(rawValue: word) else {
            let actions = ImagesOptions.Action.allCases.map(\.rawValue)
            let near = nearestName(to: word, among: actions).map { "; did you mean \"\($0)\"?" } ?? ""
            throw error("there is \(actions.joined(separator: ", ")), not \"\(word)\"" + near)
        }
        let operands = parsed.operands.dropFirst()
        guard operands.count == (action == .ls ? 0 : 1), operands.first != "" else {
            throw error("\(action.rawValue) takes \(action == .ls ? "no operand" : "IMAGE"), and got \(operands.count)")
        }
        return ImagesOptions(
            action: action,
            name: operands.first ?? "",
            baseDirectory: try baseDirectory(),
            images: try imageOptions(),
            json: parsed.has("json")
        )
    }

    private func registry(_ option: String) throws(UsageError) -> String? {
        guard let text = parsed.value(option) else { return nil }
        guard ImageSettings.isRegistry(text) else {
            throw error("--\(option) takes HOST[:PORT], such as registry.internal:5000, and got \"\(text)\"")
        }
        return text
    }

    /// The settings of images, each checked.
    func imageOptions() throws(UsageError) -> ImageOptions {
        ImageOptions(
            isOffline: parsed.has("offline"),
            authFile: directory("image-auth-file"),
            localhostReplacement: try registry("localhost-registry-replacement"),
            budget: try size("image-budget") ?? 0
        )
    }
}
