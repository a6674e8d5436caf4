import ActorContract
import Synchronization

/// What all connections of one actor's relay have in common.
final class EgressRoute: Sendable {
    let gateway: GatewayAddress
    let name: GatewayName
    let access: GatewayAccess
    let counters: EgressCounters
    /// Who is asked for names, by connections to port 53.
    var resolver: ResolverAddress? { access.settings.dns }
    private let limit = Mutex(RefusalLimit())
    private let report: @Sendable (EgressRefusal) -> Void

    init(
        gateway: GatewayAddress,
        access: GatewayAccess,
        counters: EgressCounters,
        report: @escaping @Sendable (EgressRefusal) -> Void
    ) {
        self.gateway = gateway
        name = GatewayName(gateway.host)
        self.access = access
        self.counters = counters
        self.report = report
    }

    /// Counts a connection that is not let out, and tells it unless there were too many.
    func refuse(_ destination: String, _ cause: EgressRefusal.Cause) {
        counters.refuse()
        guard let untold = limit.withLock({ $0.next() }) else { return }
        report(EgressRefusal(destination: destination, reason: cause.words, untold: untold))
    }
}
