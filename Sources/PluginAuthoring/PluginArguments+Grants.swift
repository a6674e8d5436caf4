public import PluginCommands
public import PluginHost

extension PluginArguments {
    /// What `--grant` gives.
    ///
    /// - Throws: for one that is no grant.
    public func grants() throws(Mistake) -> [OperatorGrant] {
        var grants: [OperatorGrant] = []
        for text in list("grant") {
            do throws(OperatorGrant.Fault) { grants.append(try OperatorGrant(text)) } catch {
                throw Mistake("--\(error.text)")
            }
        }
        return grants
    }

    /// The same on top of what a script has unasked; nil when nothing is given.
    ///
    /// - Parameter isShipped: whether the script ships with the host.
    /// - Returns: all of them.
    /// - Throws: for one that is no grant.
    public func granted(isShipped: Bool) throws(Mistake) -> Grants? {
        let given = try grants()
        return given.isEmpty ? nil : Grants(OperatorGrant.standard(isShipped: isShipped) + given)
    }
}
