/// One row of the table of what an author's test may call: `t:ok(…)`, `actor:run()`.
///
/// Beside the table of host functions and never in it: a script in service cannot name one of these.
public struct TestFunction: Sendable, Equatable {
    /// The kinds of things that a test holds; a handle's generation says which.
    public enum Object: UInt32, Sendable, CaseIterable {
        case t, clock, slot, actor, workload, snapshot
        /// In messages: `actor.run`.
        public var name: String { "\(self)" }
    }

    /// Whose method it is.
    public let object: Object
    /// After the colon.
    public let method: String
    /// Whether it is asked as `thing.name`, without a call.
    public let isProperty: Bool
    /// Its arguments by position, the thing itself first; what is answered is the runner's affair.
    public let signature: HostFunction

    init(
        _ object: Object,
        _ method: String,
        _ summary: String,
        property: Bool = false,
        _ arguments: [ArgumentField] = [],
        example: String
    ) {
        self.object = object
        self.method = method
        isProperty = property
        signature = HostFunction(
            "\(object.name).\(method)",
            summary,
            verbs: [],
            effect: .pure,
            arguments: .positions([.required("self", .process, "write \(object.name):\(method)(…)")] + arguments),
            answers: .nothing,
            cost: nil,
            example: example
        )
    }

    /// The row of that name, such as `actor.run`.
    public static func named(_ name: String) -> TestFunction? { table.first { $0.signature.name == name } }
}
