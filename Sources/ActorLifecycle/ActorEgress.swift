import ActorContract
import ActorNetwork
import Glibc
import HostErrors
import Synchronization
import Telemetry

/// The ways out of actors, each for one activation: it ends with a checkpoint, a stop or a crash, and with this host.
final class ActorEgress: Sendable {
    private struct Way {
        let relay: EgressRelay
        let counters: EgressCounters
    }

    /// How gateways are spoken to; nil: this host lets nobody out.
    let access: GatewayAccess?
    /// Of all actors together.
    private let counters = EgressCounters()
    private let logger: Logger
    private let ways = Mutex<[ActorKey: Way]>([:])
    /// Of all actors together: two descriptors each, and half of the host's are for everything else.
    private let connectionLimit: Int

    init(_ settings: EgressSettings?, logger: Logger) {
        access = settings.map { GatewayAccess($0) }
        self.logger = logger
        var limit = rlimit()
        let isKnown = unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0
        connectionLimit = isKnown ? Int(clamping: limit.rlim_cur / 4) : 256
    }

    /// Makes an actor's way out; blocks.
    ///
    /// - Parameters:
    ///   - key: the actor.
    ///   - address: its gateway's.
    ///   - path: its pinned namespace.
    ///   - hasInterface: how that was made.
    ///   - isAgain: whether it had a way before.
    /// - Throws: why there is none; nothing leaves the namespace then.
    func open(
        _ key: ActorKey,
        to address: String,
        at path: String,
        hasInterface: Bool,
        isAgain: Bool
    ) throws(HostError) {
        close(key)
        guard let access else { throw Self.isNotServed(address) }
        let gateway = try GatewayAddress(address)
        let mine = EgressCounters(of: counters)
        let (logger, counters, limit) = (logger, counters, connectionLimit)
        // One actor alone must not keep the others from getting out.
        let share = min(EgressRelay.connectionLimit, max(16, limit / 8))
        let relay = try EgressRelay(
            namespacePath: path,
            hasInterface: hasInterface,
            isAgain: isAgain,
            gateway: gateway,
            access: access,
            counters: mine,
            connectionLimit: share,
            mayAccept: { counters.open < limit },
            report: { refusal in
                logger.warning(
                    "a connection is not let out",
                    [
                        "actor.id": key.text, "egress.gateway": gateway.description,
                        "egress.destination": refusal.destination, "error": refusal.reason,
                        "egress.untold": "\(refusal.untold)",
                    ]
                )
            }
        )
        ways.withLock { $0[key] = Way(relay: relay, counters: mine) }
    }

    /// Ends an actor's way and every stream on it; none is fine.
    func close(_ key: ActorKey) {
        guard let way = ways.withLock({ $0.removeValue(forKey: key) }) else { return }
        way.relay.stop()
        let counted = way.counters
        logger.info(
            "a way out is closed",
            [
                "actor.id": key.text, "egress.connections": "\(counted.connections)",
                "egress.refused": "\(counted.refused)", "egress.bytes.out": "\(counted.bytesOut)",
                "egress.bytes.in": "\(counted.bytesIn)",
            ]
        )
    }

    /// What has gone out of an actor since its way was made; nil without one.
    func counters(_ key: ActorKey) -> EgressCounters? { ways.withLock { $0[key]?.counters } }

    /// What went out of all actors since this host began, as a monitor reads it.
    var metricsText: String {
        let counted = [
            ("connections", "Connections of actors that a gateway let out.", counters.connections),
            ("refused", "Connections of actors that came to nothing.", counters.refused),
            ("bytes_out", "Bytes that went out of actors.", counters.bytesOut),
            ("bytes_in", "Bytes that came back to actors.", counters.bytesIn),
        ]
        return counted.map { name, help, value in
            let whole = "substrate_egress_\(name)_total"
            return "# HELP \(whole) \(help)\n# TYPE \(whole) counter\n\(whole) \(value)\n"
        }.joined()
    }

    static func isNotServed(_ address: String) -> HostError {
        HostError(
            .failedPrecondition,
            .notServed,
            "egress_gateway is \(Validation.quoted(address)), and this host lets no actor out: set egress.trust to the authorities of its gateways (with egress.certificate and egress.key), or egress.plaintext to true; or leave egress_gateway out"
        )
    }
}

extension ActorHost {
    /// Refuses a request whose actor could not get out, before anything changes; blocks.
    func checkEgress(_ request: RunRequest) throws(HostError) {
        guard let address = request.egressGateway else { return }
        guard let access = egress.access else { throw ActorEgress.isNotServed(address) }
        try access.check()
    }

    /// Makes the way out of an actor that has a gateway; blocks.
    ///
    /// - Parameters:
    ///   - record: the actor's.
    ///   - described: its backend.
    ///   - isAgain: whether it had one before.
    /// - Throws: as `ActorEgress.open`.
    func openEgress(_ record: ActorRecord, of described: BackendDescription, isAgain: Bool) throws(HostError) {
        guard let address = record.egressGateway else { return }
        try egress.open(
            record.identity.key,
            to: address,
            at: slotDirectories(record).network,
            hasInterface: described.needsInterface,
            isAgain: isAgain
        )
    }

    /// Makes it again where an actor lives on; without it that lives on without a way out, and somebody must know.
    func reopenEgress(_ record: ActorRecord) async {
        guard record.egressGateway != nil else { return }
        do throws(HostError) {
            try await Offload.run { () throws(HostError) in
                try self.openEgress(record, of: try self.revision(of: record).description, isAgain: true)
            }
        } catch {
            logger.error(
                "an actor lives on without its way out",
                ["actor.id": record.identity.key.text, "error": error.message]
            )
        }
    }
}
