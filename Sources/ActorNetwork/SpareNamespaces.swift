import Dispatch
public import HostErrors
import Synchronization

/// Keeps a network namespace ready: the kernel takes longer to make one than the host for all else around a start.
///
/// A spare is a descriptor and nothing else, so a host that is killed leaves none behind.
public final class SpareNamespaces: Sendable {
    private struct State: ~Copyable {
        var spare: ActorNamespace?
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
    /// - Parameter path: as for `ActorNamespace.pin(at:)`.
    /// - Throws: `FAILED_PRECONDITION` (`MACHINE`) without the privilege, `INTERNAL` else; nothing is left behind.
    public func create(at path: String) throws(HostError) {
        let spare = state.withLock { $0.spare.take() }
        refill()
        if let spare { try spare.pin(at: path) } else { try ActorNamespace().pin(at: path) }
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
            var made = try? ActorNamespace()
            self.state.withLock { state in
                state.spare = made.take()
                state.isMaking = false
            }
        }
    }
}
