import ActorContract
import Synchronization
import Telemetry

/// What monitors ask for.
extension ActorHost {
    /// What was counted since this host began, and what is so now.
    ///
    /// - Returns: Prometheus' text format.
    public func metricsText() -> String {
        let records = list()
        let statuses = ActorStatus.allCases.map { status in
            (labels: ["status": status.rawValue], value: records.count { $0.status == status })
        }
        let held = registry.withLock { $0.values.count { entry in entry.with { $0.held != nil } } }
        let text = metrics.text(gauges: [
            ("substrate_actors", "Actors by status.", statuses),
            ("substrate_held_pauses", "Paused actors whose programs are kept frozen.", [([:], held)]),
        ])
        return text + egress.metricsText
    }
}
