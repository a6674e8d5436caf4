import Telemetry

extension ServeOptions {
    /// Says at the start what widens the sandbox, and what of the settings has no effect.
    ///
    /// - Parameters:
    ///   - backend: the one that serves.
    ///   - logger: told.
    func warn(of backend: String, _ logger: Logger) {
        for given in backends[backend]?.grants ?? [] where given.grant.isTool {
            logger.warning(
                OperatorGrant.warning,
                ["plugin.name": backend, "grant": given.grant.text, "given.by": given.origin.description]
            )
        }
        if let settings = backends[backend], let size = settings.poolSize, size > 0 {
            logger.warning(
                "pool.size has no effect: this host prepares no slots yet",
                ["plugin.name": backend, "given.by": settings.poolOrigin.description]
            )
        }
    }
}
