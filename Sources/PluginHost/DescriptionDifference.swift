import ActorContract

extension BackendDescription {
    /// What another revision of a script says otherwise, for a log line.
    ///
    /// - Parameter before: the revision before.
    /// - Returns: `scopes data -> full data; needs + process.run`; empty when nothing differs.
    func differences(from before: BackendDescription) -> String {
        func words(_ list: [String]) -> String { list.isEmpty ? "(none)" : list.joined(separator: " ") }
        func assets(_ described: BackendDescription) -> [String] {
            described.assets.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value ? "required" : "optional")" }
        }
        let pairs: [(String, String, String)] = [
            ("isolation", before.isolation, isolation),
            ("summary", before.summary, summary),
            ("scopes", words(before.scopes.map(\.rawValue)), words(scopes.map(\.rawValue))),
            ("enforces", words(before.enforces), words(enforces)),
            ("container_limits", words(before.containerLimits), words(containerLimits)),
            ("verbs", words(before.verbs), words(verbs)),
            ("needs", words(before.needs), words(needs)),
            ("classes", words(before.classes), words(classes)),
            ("assets", words(assets(before)), words(assets(self))),
            ("network", "\(before.needsNetwork)", "\(needsNetwork)"),
            ("image", "\(before.needsImage)", "\(needsImage)"),
        ]
        return pairs.filter { $0.1 != $0.2 }.map { "\($0.0) \($0.1) -> \($0.2)" }.joined(separator: "; ")
    }
}
