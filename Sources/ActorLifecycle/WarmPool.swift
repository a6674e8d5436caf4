import ActorContract
import Synchronization
import SystemLayer

/// Slots that `prepare` filled and nobody has yet.
final class WarmPool: Sendable {
    /// One of them.
    struct Slot: Sendable {
        let name: String
        /// For which circumstances it was made.
        let stamp: String
        /// The script's table, encoded.
        let prepared: [UInt8]
        /// The programs that it keeps.
        let processes: [KeptProcess]
        let handles: [ProcessHandle]

        /// Whether everything in it still runs.
        var isAlive: Bool { handles.count == processes.count && handles.allSatisfy { !$0.hasExited() } }
    }

    private struct State {
        var slots: [Slot] = []
        var making: [Operation] = []
        /// What watches for the end of each slot's programs.
        var tickets: [String: [ExitWatcher.Ticket]] = [:]
        var isClosed = false
    }
    private let state = Mutex(State())
    /// How many are kept.
    let size: Int

    /// Makes an empty pool.
    init(size: Int) { self.size = size }

    /// Takes a slot that fits.
    ///
    /// - Parameter stamp: the circumstances of the verb that wants it.
    /// - Returns: the oldest that fits and lives, and all that never will be of use.
    func take(_ stamp: String) -> (slot: Slot?, useless: [Slot]) {
        state.withLock { state in
            let useless = state.slots.filter { $0.stamp != stamp || !$0.isAlive }
            state.slots.removeAll { $0.stamp != stamp || !$0.isAlive }
            return (state.slots.isEmpty ? nil : state.slots.removeFirst(), useless)
        }
    }

    /// Takes one out that died, if it is still here.
    func drop(_ name: String) -> Slot? {
        state.withLock { state in
            guard let index = state.slots.firstIndex(where: { $0.name == name }) else { return nil }
            return state.slots.remove(at: index)
        }
    }

    /// Takes the oldest out.
    func dropOldest() -> Slot? {
        state.withLock { $0.slots.isEmpty ? nil : $0.slots.removeFirst() }
    }

    /// Whether one more is wanted; who is told so makes it, and answers by `made`.
    ///
    /// - Parameters:
    ///   - stamp: the circumstances for which it would be made.
    ///   - operation: the making, cancelled when the pool closes.
    /// - Returns: whether to make one.
    func wants(_ stamp: String, _ operation: Operation) -> Bool {
        state.withLock { state in
            let fitting = state.slots.count { $0.stamp == stamp }
            guard !state.isClosed, fitting + state.making.count < size else { return false }
            state.making.append(operation)
            return true
        }
    }

    /// Keeps a slot that was made, or hears that none was.
    ///
    /// - Parameters:
    ///   - slot: nil when `prepare` failed.
    ///   - operation: as told to `wants`.
    /// - Returns: whether it was kept; one that comes too late is for its maker to remove.
    func made(_ slot: Slot?, _ operation: Operation) -> Bool {
        state.withLock { state in
            state.making.removeAll { $0 === operation }
            guard let slot, !state.isClosed else { return false }
            state.slots.append(slot)
            return true
        }
    }

    /// Takes all and wants no more.
    ///
    /// - Returns: those that were here, and what makes others.
    func close() -> (slots: [Slot], making: [Operation]) {
        state.withLock { state in
            state.isClosed = true
            defer { state.slots = [] }
            return (state.slots, state.making)
        }
    }

    /// Remembers what watches a slot's program.
    ///
    /// - Returns: whether the slot is still here.
    func keep(_ ticket: ExitWatcher.Ticket, of slot: String) -> Bool {
        state.withLock { state in
            guard state.slots.contains(where: { $0.name == slot }) else { return false }
            state.tickets[slot, default: []].append(ticket)
            return true
        }
    }

    /// What watches a slot's programs; forgotten here by being told.
    func tickets(of slot: String) -> [ExitWatcher.Ticket] {
        state.withLock { $0.tickets.removeValue(forKey: slot) ?? [] }
    }
}
