import ActorContract
import HostErrors
import Synchronization
import SystemLayer
import Telemetry

/// The one way by which a status changes: checked against the table, journalled, then told.
extension ActorHost {
    /// Moves an actor on.
    ///
    /// - Parameters:
    ///   - entry: the actor, claimed by the caller's verb.
    ///   - status: an illegal move is refused and logged: it is our mistake.
    ///   - reason: why it failed.
    ///   - message: one line for people.
    ///   - settled: whether the verb's effects can be forgotten.
    ///   - change: further changes of the record, in the same write.
    /// - Throws: `internal` for an illegal move, `resourceExhausted` when it cannot be journalled.
    func move(
        _ entry: ActorEntry,
        to status: ActorStatus,
        reason: FailureReason = .none,
        message: String = "",
        settled: Bool = false,
        change: (inout ActorRecord) -> Void = { _ in }
    ) throws(HostError) {
        var record = entry.record
        guard record.status == status || record.status.canMove(to: status) else {
            logger.error(
                "illegal move refused",
                ["actor.id": entry.key.text, "from": record.status.rawValue, "to": status.rawValue]
            )
            throw HostError(
                .internal,
                nil,
                "\(entry.key.text) cannot go from \(record.status.rawValue) to \(status.rawValue)"
            )
        }
        let isNews = (record.status, record.reason, record.message) != (status, reason, message)
        record.status = status
        record.reason = reason
        record.message = message
        if isNews { record.sinceMilliseconds = Self.nowMilliseconds() }
        change(&record)
        let written = record
        let verb = entry.verb
        try FailPoint.reach("\(verb).\(status.rawValue).before")
        if settled { try journal.settle(written) } else { try journal.put(written) }
        try FailPoint.reach("\(verb).\(status.rawValue).after")
        entry.with { $0.record = written }
        guard isNews else { return }
        entry.publish()
        logger.info(
            "actor is \(status.rawValue)",
            ["actor.id": entry.key.text, "actor.slot": record.slot, "actor.reason": reason.rawValue]
        )
    }

    /// Ends a verb's clock, and keeps what it measured with the actor.
    ///
    /// The phases have upstream's names where it has one: volume_mount, manifest_fetch, sandbox_assets, download,
    /// oci_unpack, restore, total.
    /// - Returns: the phases; `total` is the last, and the sum of the others but for what is between them.
    func settle(_ clock: PhaseClock, of entry: ActorEntry) -> [Phase] {
        clock.add("total", milliseconds: clock.elapsedMilliseconds)
        let phases = clock.table.entries.map { Phase(name: $0.name, milliseconds: $0.ms, program: $0.program) }
        entry.with { $0.record.phases = phases }
        metrics.spent(on: entry.verb, clock.table)
        return phases
    }

    /// The failure reason that an error becomes.
    static func reason(of error: HostError, while status: ActorStatus) -> FailureReason {
        switch error.reason {
        case .readinessTimeout: .readinessTimeout
        case .outOfMemory: .outOfMemory
        case .plugin, .notGranted: .plugin
        case .policy: .policy
        case .image, .asset: .pull
        default:
            switch status {
            case .pulling: .pull
            case .ready: .crashed
            default: .`init`
            }
        }
    }
}

/// An effect log of one verb of one actor.
final class VerbLog: EffectLog {
    let journal: Journal
    /// Whose effects: an actor's key, as text, or a slot.
    let subject: String
    let verb: String
    /// What was begun and not ended, by number: the end is named as its beginning was.
    private let names = Mutex<[Int64: String]>([:])

    init(journal: Journal, key: ActorKey, verb: String) {
        self.journal = journal
        subject = key.text
        self.verb = verb
    }

    init(journal: Journal, slot: String, verb: String) {
        self.journal = journal
        subject = "slot \(slot)"
        self.verb = verb
    }

    func begin(_ effect: String, target: String) throws(HostError) -> Int64 {
        try FailPoint.reach("\(verb).effect.\(effect).before")
        let number = try journal.begin(subject: subject, verb: verb, effect: effect, target: target)
        names.withLock { $0[number] = effect }
        try FailPoint.reach("\(verb).effect.\(effect).begun")
        return number
    }

    func finish(_ number: Int64, outcome: String, process: KeptProcess?) throws(HostError) {
        let effect = names.withLock { $0.removeValue(forKey: number) } ?? "unknown"
        try FailPoint.reach("\(verb).effect.\(effect).made")
        try journal.finish(number, outcome: outcome, process: process)
        try FailPoint.reach("\(verb).effect.\(effect).done")
    }

    /// Does something that changes the machine, journalled before and after.
    func effect<Value>(_ name: String, _ target: String, _ body: () throws(HostError) -> Value) throws(HostError)
        -> Value
    {
        let number = try begin(name, target: target)
        do throws(HostError) {
            let value = try body()
            try finish(number, outcome: "ok", process: nil)
            return value
        } catch {
            try? finish(number, outcome: "\(error.code)", process: nil)
            throw error
        }
    }

    /// Says, within the body of `effects`, that one of them is made.
    func made(_ effect: String) throws(HostError) { try FailPoint.reach("\(verb).effect.\(effect).made") }

    /// Does several things that change the machine, all journalled before the first and after the last.
    func effects(
        _ effects: [(name: String, target: String)],
        _ body: () throws(HostError) -> Void
    ) throws(HostError) {
        for effect in effects { try FailPoint.reach("\(verb).effect.\(effect.name).before") }
        let numbers = try journal.begin(subject: subject, verb: verb, effects: effects)
        for effect in effects { try FailPoint.reach("\(verb).effect.\(effect.name).begun") }
        do throws(HostError) {
            try body()
        } catch {
            try? journal.finish(numbers, outcome: "\(error.code)")
            throw error
        }
        try journal.finish(numbers, outcome: "ok")
        for effect in effects { try FailPoint.reach("\(verb).effect.\(effect.name).done") }
    }
}
