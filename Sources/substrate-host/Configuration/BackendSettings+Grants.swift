import PluginHost
import PluginOverlays

extension BackendSettings {
    /// What a script may have, as the broker checks it.
    ///
    /// - Parameter entry: the script; one that ships with the host has more unasked.
    /// - Returns: the grants that it has unasked, and the operator's.
    func granted(to entry: PluginEntry) -> Grants {
        var granted = Grants(allGrants(isShipped: entry.isShipped).map(\.grant))
        granted.toolUser = toolUser ?? 0
        return granted
    }
}
