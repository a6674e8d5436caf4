import ActorContract
import ActorNetwork
import HostErrors

/// `--egress-gateway` of a command, and what `serve` is told of gateways.
extension CommandReader {
    /// How actors leave the machine; nil: they do not.
    ///
    /// - Throws: which settings do not go together.
    func egress() throws(UsageError) -> EgressSettings? {
        var settings = EgressSettings()
        settings.trust = directory("egress-trust")
        settings.certificate = directory("egress-certificate")
        settings.key = directory("egress-key")
        settings.isPlaintext = parsed.has("egress-plaintext")
        guard (settings.certificate == nil) == (settings.key == nil) else {
            throw error(
                "--egress-certificate (egress.certificate) and --egress-key (egress.key) go together: give both"
            )
        }
        if settings.isPlaintext, settings.trust != nil || settings.certificate != nil {
            throw error("--egress-plaintext (egress.plaintext) goes with no --egress-trust and no --egress-certificate")
        }
        if settings.trust == nil, settings.certificate != nil {
            throw error(
                "--egress-certificate (egress.certificate) needs --egress-trust (egress.trust): whom to show it to"
            )
        }
        let isOn = settings.isPlaintext || settings.trust != nil
        if let text = parsed.value("egress-dns") {
            guard isOn else {
                throw error("--egress-dns (egress.dns) needs --egress-trust (egress.trust) or --egress-plaintext")
            }
            do throws(HostError) { settings.dns = try ResolverAddress(text, field: "--egress-dns") } catch {
                throw self.error(error.message)
            }
        }
        return isOn ? settings : nil
    }

    /// The gateway that an actor is to have; nil: what its file says.
    ///
    /// - Throws: what is wrong with it.
    func egressGateway() throws(UsageError) -> String? {
        guard let text = parsed.value("egress-gateway") else { return nil }
        do throws(HostError) { return try GatewayAddress(text, field: "--egress-gateway").description } catch {
            throw self.error(error.message)
        }
    }
}
