import HostErrors
import PluginProtocol

extension Faults.Injection {
    /// Whether a verb that failed with a fault in it says why.
    ///
    /// - Parameters:
    ///   - error: how the verb failed; not of one whose supervisor was killed.
    ///   - trial: of the fault.
    /// - Throws: `Faults.Named` where it hides the cause.
    func judge(_ error: HostError, _ trial: Trial) throws {
        let words = words(trial)
        if let trap = error.context["plugin.trap"] {
            throw Faults.Named("trap-on-fault", "\(words), and \(call.verb) trapped (\(trap)): \(error.message)")
        }
        guard case .status(let status) = fault else {
            if error.code == .deadlineExceeded { return }
            throw Faults.Named(
                "changed-status",
                "\(words), and \(call.verb) answered \(error.code): the cause is hidden"
            )
        }
        let answered = error.context["plugin.status"] ?? status.rawValue
        if error.code != status.code || answered != status.rawValue {
            throw Faults.Named(
                "changed-status",
                "\(words), and \(call.verb) answered \"\(error.context["plugin.status"] ?? "\(error.code)")\": the cause is hidden",
                said: error.message
            )
        }
    }
}
