import PluginHost
import PluginOverlays
import PluginProtocol

extension BackendSettings {
    /// What a script may have, as the broker checks it.
    ///
    /// - Parameter entry: the script; one that ships with the host has more unasked.
    /// - Returns: the grants that it has unasked, and the operator's.
    func granted(to entry: PluginEntry) -> Grants {
        var granted = Grants([])
        for given in allGrants(isShipped: entry.isShipped) {
            switch given.grant {
            case .workload: granted.kinds.insert(.workload)
            case .bundle: granted.kinds.insert(.bundle)
            case .asset: granted.kinds.insert(.asset)
            case .hostNetwork: granted.kinds.insert(.hostNetwork)
            case .tool(let name, let path): granted.tools[name] = path
            case .device(let name, let path): granted.devices[name] = path
            case .socket(let path): granted.sockets.insert(path)
            }
        }
        granted.toolUser = toolUser ?? 0
        return granted
    }
}
