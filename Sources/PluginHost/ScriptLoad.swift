package import HostErrors
package import PluginOverlays
package import PluginProtocol

/// A script as a supervisor is told of it: by the verb that needs it, or by the pool before any verb does.
package struct ScriptLoad: Sendable {
    private let entry: PluginEntry

    /// What makes two loads the same: the text, its libraries, and the names that traps and errors show.
    package let key: String

    /// Makes the load of one script.
    package init(_ entry: PluginEntry) {
        self.entry = entry
        key = "\(entry.revision) \(entry.name) \(entry.fileName)"
    }

    /// Its modules in the order in which they are sent.
    static func order(_ entry: PluginEntry) -> [String] { entry.libraries.keys.sorted() }

    /// Loads it; nothing of the host is offered to it meanwhile.
    ///
    /// - Parameters:
    ///   - supervisor: one that has loaded nothing yet.
    ///   - buffer: what came from it and was not used yet.
    ///   - deadline: after it the supervisor is killed.
    /// - Returns: the descriptor as a value, not checked.
    /// - Throws: what is wrong with the script, with file and line.
    @discardableResult
    package func perform(
        in supervisor: SupervisorProcess,
        _ buffer: inout FrameBuffer,
        until deadline: ContinuousClock.Instant
    ) throws(HostError) -> PluginValue {
        for name in Self.order(entry) {
            try supervisor.send(.library(name: name, source: entry.libraries[name] ?? []), until: deadline)
        }
        try supervisor.send(.load(name: entry.name, file: entry.fileName, source: entry.source), until: deadline)
        switch try supervisor.receive(&buffer, until: deadline) {
        case .descriptor(let value): return value
        case .trap(let trap): throw HostError(.internal, .plugin, trap.message, context: ["plugin.trap": trap.code])
        default: throw HostError(.internal, .plugin, "plugin protocol: a descriptor was expected")
        }
    }
}
