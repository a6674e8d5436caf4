/// One row of the table of host functions: a signature as data, so that supervisor, host, types and pages cannot drift.
///
/// A new function is a new row in the file of its module, its name in `table`, and a handler in `PluginHost/Functions`.
public struct HostFunction: Sendable, Equatable {
    /// What a script's operator must have granted.
    public enum Grant: String, Sendable, CaseIterable {
        case workload, bundle, asset, tool
        case device
        case hostNetwork = "host-network"
        case restore
        case socket
    }

    /// What a call does to the world, and so what the broker records of it.
    public enum Effect: String, Sendable, CaseIterable {
        /// Changes something: journalled before and after.
        case journalled
        /// Looks or waits.
        case read
        /// Neither.
        case pure
    }

    /// `module.function`.
    public let name: String
    /// Part of `name@version`.
    public let version: Int
    /// The first api that has it.
    public let since: Int
    /// One sentence.
    public let summary: String
    /// Any one of these suffices; empty: none is needed.
    public let anyOf: [Grant]
    /// The verbs in which it may be called, in the order of messages.
    public let verbs: [String]
    /// Where to go from a wrong verb; the mend of that mistake.
    public let elsewhere: String
    /// What the broker records of a call.
    public let effect: Effect
    /// What it takes.
    public let arguments: ArgumentShape
    /// What it answers after the status.
    public let answers: AnswerShape
    /// The statuses it may answer, beside `ok` and the three that all may answer.
    public let failures: [PluginStatus]
    /// The goal for the host's own part, in microseconds, without any program's time; nil where waiting is the purpose.
    public let costMicroseconds: Int?
    /// A call in Lua that compiles and is right.
    public let example: String

    init(
        _ name: String,
        version: Int = 1,
        since: Int = 1,
        _ summary: String,
        anyOf: [Grant] = [],
        verbs: [String] = PluginVerb.all,
        elsewhere: String = "",
        effect: Effect,
        arguments: ArgumentShape,
        answers: AnswerShape,
        failures: [PluginStatus] = [],
        cost: Int?,
        example: String
    ) {
        self.name = name
        self.version = version
        self.since = since
        self.summary = summary
        self.anyOf = anyOf
        self.verbs = verbs
        self.elsewhere = elsewhere
        self.effect = effect
        self.arguments = arguments
        self.answers = answers
        self.failures = failures
        costMicroseconds = cost
        self.example = example
    }

    /// `name@version`, as call frames carry it.
    public var versionedName: String { "\(name)@\(version)" }

    /// The part before the dot.
    public var module: String { String(name.prefix { $0 != "." }) }

    /// The part after the dot.
    public var function: String { String(name.drop { $0 != "." }.dropFirst()) }

    /// Every status a call may answer.
    public var statuses: [PluginStatus] {
        answers.isInfallible ? [.ok] : [.ok] + failures + [.timeout, .cancelled, .ioError]
    }
}

extension HostFunction: CustomStringConvertible {
    /// `module.function@version`.
    public var description: String { versionedName }
}
