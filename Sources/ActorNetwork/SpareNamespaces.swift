import Dispatch
public import HostErrors
import Synchronization

/// Keeps a network namespace ready: the kernel takes longer to make one than the host for all else around a start.
///
/// A spare is a descriptor and nothing else, so a host that is killed leaves none behind.
public final class SpareNamespaces: Sendable {
    private struct State: ~Copyable {
        var spare: ActorNamespace?
        /// Of the spare, and of the next: what was asked for last.
        var hasInterface = false
        var isMaking = false
    }
    private let state = Mutex(State())
    private let queue = DispatchQueue(label: "substrate.namespaces")
    /// A verb that took the spare is over by then, as a rule: making one costs its processor and the kernel's locks.
    private static let pause = DispatchTimeInterval.milliseconds(30)

    /// Makes the first spare in the background, a moment later.
    public init() { refill() }

    /// Pins a namespace, the spare one if there is one.
    ///
    /// - Parameters:
    ///   - path: as for `ActorNamespace.pin(at:)`.
    ///   - hasInterface: as for `ActorNamespace.init(hasInterface:)`.
    /// - Throws: `FAILED_PRECONDITION` (`MACHINE`) without the privilege, `INTERNAL` else; nothing is left behind.
    public func create(at path: String, hasInterface: Bool) throws(HostError) {
        var spare = state.withLock { $0.spare.take() }
        let fits = state.withLock { state in
            defer { state.hasInterface = hasInterface }
            return state.hasInterface == hasInterface
        }
        if !fits { spare = nil }
        refill()
        if let spare {
            try spare.pin(at: path)
        } else {
            try ActorNamespace(hasInterface: hasInterface).pin(at: path)
        }
    }

    /// Whether a namespace waits.
    var hasSpare: Bool { state.withLock { $0.spare != nil } }

    private func refill() {
        let isNeeded = state.withLock { state in
            let isNeeded = state.spare == nil && !state.isMaking
            if isNeeded { state.isMaking = true }
            return isNeeded
        }
        guard isNeeded else { return }
        queue.asyncAfter(deadline: .now() + Self.pause) { [weak self] in
            guard let self else { return }
            // What stands in the way is told to whoever needs one.
            let hasInterface = self.state.withLock { $0.hasInterface }
            var made = try? ActorNamespace(hasInterface: hasInterface)
            self.state.withLock { state in
                if state.hasInterface == hasInterface { state.spare = made.take() }
                state.isMaking = false
            }
        }
    }
}
