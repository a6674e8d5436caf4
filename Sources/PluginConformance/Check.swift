import PluginProtocol

/// One thing that a backend must get right, named by what is wrong with one that does not.
struct Check: Sendable {
    /// What a check asks of a backend before it applies.
    enum Need: Sendable, Equatable {
        /// It declares snapshots of that scope.
        case scope(String)
        /// It declares snapshots of no scope, or not of that one.
        case lacks(String)
        /// It enforces that limit.
        case limit(String)
        /// It does not.
        case noLimit(String)
        /// It enforces that limit on one container.
        case containerLimit(String)
        /// It does not.
        case noContainerLimit(String)
        /// Its actors have a network namespace.
        case network
        /// It has that optional verb.
        case verb(String)
        /// What is written to a root outlives the programs.
        case rootKept
        /// It does not.
        case rootInMemory
    }

    let name: String
    /// What holds when it passes, for people.
    let shows: String
    let needs: [Need]
    /// What an author can do about it.
    let mend: String
    let body: @Sendable (Trial) async throws -> Void

    init(
        _ name: String,
        _ shows: String,
        needs: [Need] = [],
        mend: String = "",
        _ body: @escaping @Sendable (Trial) async throws -> Void
    ) {
        self.name = name
        self.shows = shows
        self.needs = needs
        self.mend = mend
        self.body = body
    }

    /// Whether it can be asked of a backend.
    func applies(to descriptor: PluginDescriptor) -> Bool {
        needs.allSatisfy { need in
            switch need {
            case .scope(let scope): descriptor.scopes.contains(scope)
            case .lacks(let scope): !descriptor.scopes.contains(scope)
            case .limit(let limit): descriptor.enforces.contains(limit)
            case .noLimit(let limit): !descriptor.enforces.contains(limit)
            case .containerLimit(let limit): descriptor.containerLimits.contains(limit)
            case .noContainerLimit(let limit): !descriptor.containerLimits.contains(limit)
            case .network: descriptor.network == "namespace"
            case .verb(let verb): descriptor.verbs.contains(verb)
            case .rootKept: !descriptor.rootInMemory
            case .rootInMemory: descriptor.rootInMemory
            }
        }
    }

    /// Whether its actors live on a host that keeps a slot warm, and on that one alone.
    var isWarm: Bool { needs.contains(.verb("prepare")) }

    /// All of them, in the order of the report.
    static let all: [Check] =
        loading + running + reached + stopping + apart + limits + checkpoints + restores + words + executing + looking
        + warming + leaking
}

/// What is wrong, in one line; the check's name says which kind it is.
struct Finding: Error {
    let text: String
    /// The script's line that is to blame; nil where nobody knows it.
    let line: UInt32?
    init(_ text: String, line: UInt32? = nil) { (self.text, self.line) = (text, line) }
}
