/// What stands between an actor and the machine, from the weakest to the strongest.
public enum IsolationLevel: String, Sendable, CaseIterable, Comparable {
    /// Nothing that deserves the name.
    case none
    /// The machine's own kernel: no boundary against hostile code.
    case kernelShared = "kernel-shared"
    /// A kernel in user space.
    case userSpaceKernel = "user-space-kernel"
    /// A kernel of its own.
    case virtualMachine = "virtual-machine"
    /// Another machine.
    case remote

    /// Whether one protects less than the other.
    public static func < (left: IsolationLevel, right: IsolationLevel) -> Bool { left.rank < right.rank }

    private var rank: Int { Self.allCases.firstIndex(of: self) ?? 0 }

    /// What every program of an actor has.
    ///
    /// - Parameter processes: the actor's programs.
    /// - Returns: the words, sorted.
    public static func common(_ processes: [KeptProcess]) -> [String] {
        let sets = processes.map { Set($0.applied ?? []) }
        return sets.dropFirst().reduce(sets.first ?? []) { $0.intersection($1) }.sorted()
    }

    /// The level of an actor: what the host applied to each program that it started, which a claim can only lower.
    ///
    /// Of what a script's own programs are apart from, the script's claim is all that anybody knows.
    ///
    /// - Parameters:
    ///   - claim: what its backend says that it gives.
    ///   - processes: the actor's programs. One of the host's of which nothing is known counts as not isolated.
    /// - Returns: the weakest of all.
    /// - Source: security note §10.11.
    public static func effective(claim: String, processes: [KeptProcess]) -> IsolationLevel {
        let levels = processes.filter(\.isLaunched).map { IsolationLevel(rawValue: $0.isolation ?? "") ?? .none }
        return ([IsolationLevel(rawValue: claim) ?? .none] + levels).min() ?? .none
    }
}
