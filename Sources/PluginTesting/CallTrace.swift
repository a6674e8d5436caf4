import PluginHost
import PluginProtocol
import Synchronization

/// The host calls of one test, in their order, and the faults that the test asked for.
final class CallTrace: CallObserver {
    /// A host function that is to fail once.
    struct Fault: Sendable {
        let function: String
        /// Which call of it from now, from 1.
        var after: Int64
        let status: PluginStatus
        let reason: String
        /// The test's line.
        let line: UInt32
    }

    /// One call and what it was answered.
    struct Entry: Sendable {
        let function: String
        let target: String?
        let line: UInt32
        let verb: String
        /// Nil where the verb ended within the call.
        var status: PluginStatus?
        /// The test's line that made it fail.
        var injectedBy: UInt32?

        /// `workload.start web`, `file.write work/vmm.json`.
        var words: String { target.map { "\(function) \(Self.short($0))" } ?? function }

        /// Paths within a slot as authors know them: below one of `actor.dirs`.
        private static func short(_ target: String) -> String {
            target.split(separator: " ", omittingEmptySubsequences: false).map { word -> Substring in
                guard word.hasPrefix("\(FakeHost.base)/") else { return word }
                let parts = word.dropFirst(FakeHost.base.utf8.count + 1).split(separator: "/", maxSplits: 2)
                return parts.count == 3 ? parts[2] : word
            }.joined(separator: " ")
        }
    }

    private struct State {
        var entries: [Entry] = []
        var faults: [Fault] = []
    }
    private let state = Mutex(State())

    var entries: [Entry] { state.withLock { $0.entries } }

    /// Those that were to change something.
    var effects: [String] { entries.filter { $0.target != nil }.map(\.words) }

    /// Faults whose call never came.
    var unused: [Fault] { state.withLock { $0.faults } }

    func add(_ fault: Fault) { state.withLock { $0.faults.append(fault) } }

    func begin(_ call: ObservedCall) -> (status: PluginStatus, reason: String)? {
        state.withLock { state in
            var entry = Entry(function: call.function, target: call.target, line: call.line, verb: call.verb)
            defer { state.entries.append(entry) }
            for index in state.faults.indices where state.faults[index].function == call.function {
                state.faults[index].after -= 1
            }
            guard let place = state.faults.firstIndex(where: { $0.after == 0 && $0.function == call.function }) else {
                return nil
            }
            let fault = state.faults.remove(at: place)
            entry.injectedBy = fault.line
            return (fault.status, fault.reason)
        }
    }

    func finish(_ call: ObservedCall, status: PluginStatus) {
        state.withLock { state in
            guard let last = state.entries.indices.last else { return }
            state.entries[last].status = status
        }
    }
}
