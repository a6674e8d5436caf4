/// A program to be executed inside an actor that runs.
public struct ExecRequest: Sendable, Equatable {
    /// The container; empty is the first.
    public var container: String
    /// The program and its arguments.
    public var command: [String]
    /// Its environment; the path is there unless it says otherwise.
    public var environment: [String: String]
    /// Whether it has a terminal.
    public var hasTerminal: Bool

    /// Makes one.
    ///
    /// - Parameters:
    ///   - container: empty is the first.
    ///   - command: the program and its arguments.
    ///   - environment: its variables.
    ///   - hasTerminal: whether it has a terminal.
    public init(container: String, command: [String], environment: [String: String] = [:], hasTerminal: Bool = false) {
        self.container = container
        self.command = command
        self.environment = environment
        self.hasTerminal = hasTerminal
    }
}

/// A caller's streams as descriptors of this process, which stay the caller's.
public struct ClientStreams: Sendable, Equatable {
    /// What the program reads.
    public var input: Int32
    /// What it prints to.
    public var output: Int32
    /// What it complains to.
    public var errors: Int32
    /// Whether the three are one terminal.
    public var isTerminal: Bool

    /// Makes one.
    ///
    /// - Parameters:
    ///   - input: open for reading.
    ///   - output: open for writing.
    ///   - errors: open for writing.
    ///   - isTerminal: whether the three are one terminal.
    public init(input: Int32, output: Int32, errors: Int32, isTerminal: Bool) {
        self.input = input
        self.output = output
        self.errors = errors
        self.isTerminal = isTerminal
    }
}
