package import ActorContract
import HostErrors
package import PluginOverlays
import PluginProtocol

extension PluginEntry {
    /// The file's own name, for messages.
    package var fileName: String { path.split(separator: "/").last.map(String.init) ?? name }
}

extension PluginDescriptor {
    /// Reads what a supervisor answered once more: it is not trusted.
    ///
    /// - Parameters:
    ///   - value: what it sent.
    ///   - entry: the script.
    /// - Throws: `internal` (`PLUGIN`) with what is wrong.
    init(_ value: PluginValue, entry: PluginEntry) throws(HostError) {
        do throws(Mistake) {
            self = try PluginDescriptor(value, name: entry.name, file: entry.fileName)
        } catch {
            throw HostError(.internal, .plugin, "\(entry.path): \(error.message)")
        }
    }

    /// What the rest of the host knows of a backend.
    package func description(of entry: PluginEntry) -> BackendDescription {
        var described = BackendDescription()
        described.name = name
        described.sha256 = entry.revision
        described.path = entry.path
        described.origin = entry.origin
        described.isolation = isolation
        described.summary = summary
        described.classes = classes
        described.enforces = enforces
        described.containerLimits = containerLimits
        described.verbs = verbs
        described.needs = needs
        described.scopes = scopes.compactMap(SnapshotScope.init(rawValue:)) + (dataOnGolden ? [.dataOnGolden] : [])
        described.assets = assets
        described.network = network
        described.isOutside = outside
        described.keepsRootInMemory = rootInMemory
        // A backend with a network of its own starts its programs in an empty namespace of ours.
        described.needsNetwork = network != "none"
        described.needsInterface = network == "interface"
        described.needsImage = image != "none"
        return described
    }
}
