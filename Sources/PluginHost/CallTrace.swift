import PluginProtocol

/// One host call as the log has it at level debug: names and command lines, never an environment or a body.
enum CallTrace {
    static func fields(
        _ plugin: String,
        _ verb: String,
        _ function: String,
        _ arguments: PluginValue,
        _ line: String,
        _ answer: HostFrame,
        since began: ContinuousClock.Instant
    ) -> [(key: String, value: String)] {
        let took = (ContinuousClock.now - began).components
        return [
            ("plugin.name", plugin), ("plugin.verb", verb), ("plugin.line", line),
            ("plugin.function", String(function.prefix { $0 != "@" })), ("plugin.about", about(arguments)),
            ("plugin.outcome", outcome(answer)),
            ("plugin.us", "\(took.seconds * 1_000_000 + took.attoseconds / 1_000_000_000_000)"),
        ]
    }

    /// What the call is about: a program and its arguments, a container, a name or a path.
    private static func about(_ arguments: PluginValue) -> String {
        guard case .map(let fields) = arguments else { return "" }
        if case .text(let program)? = fields["program"] {
            let name = program.split(separator: "/").last.map(String.init) ?? program
            guard case .list(let words)? = fields["args"] else { return name }
            return ([name] + words.map(word)).joined(separator: " ")
        }
        for field in ["container", "name", "path", "socket"] {
            if case .text(let text)? = fields[field] { return text }
        }
        return ""
    }

    private static func word(_ value: PluginValue) -> String {
        switch value {
        case .text(let text): text
        case .integer(let number): "\(number)"
        default: ""
        }
    }

    private static func outcome(_ answer: HostFrame) -> String {
        switch answer {
        case .reply(let reply):
            if case .handle(let handle)? = reply.values.first {
                return "handle<process:\(handle.index).\(handle.generation)>"
            }
            return reply.status.isEmpty ? "ok" : reply.status
        case .mistake(let fault): return fault.code
        default: return ""
        }
    }
}
