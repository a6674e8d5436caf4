/// The options about actors' ways out.
extension CommandTable {
    /// Those of `serve`.
    static let egress: [CommandOption] = [
        .value(
            "egress-trust",
            "FILE",
            "the authorities of gateways that actors may have an egress by (PEM; without it none has)"
        ),
        .value("egress-certificate", "FILE", "the certificate that the host shows to gateways (PEM)"),
        .value("egress-key", "FILE", "its private key (PEM, mode 600)"),
        .value("egress-dns", "ADDRESS", "who answers the DNS queries of actors with a gateway (default: nobody)"),
        .flag("egress-plaintext", "speak to gateways without TLS: whoever is on the way reads what actors say"),
    ]
    /// `--egress-gateway`.
    static let egressGateway = CommandOption.value(
        "egress-gateway",
        "HOST:PORT",
        "the gateway of its TCP connections (default: the file's, else it has no egress)"
    )
}
