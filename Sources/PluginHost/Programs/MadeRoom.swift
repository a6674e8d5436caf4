import LaunchProtocol
import SystemLayer

/// A tool room that a program of this verb is in or was in, for the next one that is to see the same.
///
/// To build one takes some hundred system calls; to enter a copy of one, two.
final class MadeRoom {
    /// What programs see in it.
    struct Shape: Equatable {
        private let covered: [String]
        private let mounts: [LaunchPlan.Mount]
        private let hidden: [String]
        private let devices: [String]
        /// /sys shows the network that it was mounted in.
        private let network: String?
        private let users: UInt32?
        private let restores: Bool
        private let roots: [ToolPlan.Root]

        /// What the plan's program is to see.
        init(_ plan: ToolPlan) {
            (covered, mounts, hidden, devices) = (plan.covered, plan.mounts, plan.hidden, plan.devices)
            network = plan.networkNamespace
            (users, roots, restores) = (plan.firstID, plan.roots, plan.restores)
        }
    }

    let shape: Shape
    let namespace: OwnedFD

    /// Keeps a room until the verb ends.
    init(_ shape: Shape, _ namespace: consuming OwnedFD) {
        self.shape = shape
        self.namespace = namespace
    }
}
