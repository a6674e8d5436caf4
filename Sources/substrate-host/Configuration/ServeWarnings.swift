import ActorNetwork
import PluginHost
import Telemetry

extension ServeOptions {
    /// Says at the start what widens the sandbox, and what of the settings has no effect.
    ///
    /// - Parameters:
    ///   - backend: the one that serves.
    ///   - verbs: those that its script has.
    ///   - logger: told.
    func warn(of backend: String, verbs: [String], _ logger: Logger) {
        for given in backends[backend]?.grants ?? [] where given.grant.isTool {
            logger.warning(
                OperatorGrant.warning,
                ["plugin.name": backend, "grant": given.grant.text, "given.by": given.origin.description]
            )
        }
        if egress?.isPlaintext == true {
            logger.warning("egress.plaintext: whoever is on the way to a gateway reads and changes what actors say")
        }
        if let settings = backends[backend], let size = settings.poolSize, size > 0, !verbs.contains("prepare") {
            logger.warning(
                "pool.size has no effect: the backend has no prepare",
                ["plugin.name": backend, "given.by": settings.poolOrigin.description]
            )
        }
    }
}
