import ActorLifecycle
import Synchronization

/// The programs that callers run inside actors now, by the id that only their callers know.
final class Executions: Sendable {
    private let running = Mutex<[String: Execution]>([:])

    func add(_ execution: Execution) { running.withLock { $0[execution.id] = execution } }

    func remove(_ execution: Execution) { _ = running.withLock { $0.removeValue(forKey: execution.id) } }

    func find(_ id: String) -> Execution? { running.withLock { $0[id] } }
}
