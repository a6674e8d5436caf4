public import ActorContract
public import HostErrors
public import PluginOverlays
import PluginProtocol

/// What a script asks of its operator, before it runs.
public struct BackendNeeds: Sendable {
    /// What it says that it is.
    public let description: BackendDescription
    /// The host functions that it calls, and the grants of which each wants one; none wanted, none needed.
    public let functions: [(name: String, anyOf: [String])]
    /// Programs of this machine: name → whether it cannot do without.
    public let tools: [String: Bool]
    /// Device nodes: name → whether it cannot do without.
    public let devices: [String: Bool]
    /// What is suspicious and no mistake.
    public let warnings: [String]

    /// What is wrong with the operator's settings of it, one line each.
    public let configMistakes: [String]

    /// Loads a script in a supervisor that offers no host function.
    ///
    /// - Parameters:
    ///   - entry: the script.
    ///   - config: the operator's settings of it, as written.
    ///   - pool: where the supervisor comes from.
    /// - Throws: what is wrong with the script, with file and line.
    public init(_ entry: PluginEntry, config: [String: String] = [:], pool: SupervisorPool) throws(HostError) {
        let descriptor = try ScriptBackend.descriptor(entry, pool: pool)
        description = descriptor.description(of: entry)
        functions = descriptor.needs.map { need in
            (need, HostFunction.named(need)?.anyOf.map(\.rawValue) ?? [])
        }
        tools = descriptor.tools
        devices = descriptor.devices
        warnings = descriptor.warnings
        do throws(HostError) {
            _ = try descriptor.settings(config)
            configMistakes = []
        } catch { configMistakes = error.message.split(separator: "\n").map(String.init) }
    }
}
